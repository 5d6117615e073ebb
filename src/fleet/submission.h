// From inputs to jobs: what makes two jobs the same, and where their recordings will be read. Belongs to one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "fleet/fleet.h"
#include "fleet/inputs.h"
#include "fleet/recording.h"
#include "storage/settings.h"

namespace amanuensis::fleet {

struct SubmissionOptions {
  std::string model;
  std::string options;  // as options_json() writes it
  Priority priority = Priority::kNormal;
  std::vector<std::string> formats;
  std::string results;  // an address that means the same to every worker
  std::string upload;   // files of this machine are copied there first; empty: workers see them where they are
  storage::StorageSettings storage;
};

struct Submitted {
  Job job;
  bool is_new = false;
};

class Submission {
 public:
  // The fleet must outlive the object.
  Submission(Fleet& fleet, SubmissionOptions options);

  // Files of this machine are told apart by their content. Objects and addresses by what their storage says of it (the
  // ETag): fetching them all only to ask would cost as much as working on them; a worker that finds that another has
  // transcribed the same content takes that result.
  Submitted submit(const Input& input, const std::stop_token& stop);

  Stores& stores() { return stores_; }
  std::size_t new_jobs() const { return new_jobs_; }
  std::uint64_t read_bytes() const { return read_bytes_; }

 private:
  std::string uploaded(const Input& input, const std::string& hash, const std::stop_token& stop);

  Fleet& fleet_;
  const SubmissionOptions options_;
  Stores stores_;
  std::size_t new_jobs_ = 0;
  std::uint64_t read_bytes_ = 0;
};

// A folder as an absolute path; other addresses as they are.
std::string absolute_address(const std::string& address);

}  // namespace amanuensis::fleet
