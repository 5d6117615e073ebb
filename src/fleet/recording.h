// A job's recording as a file of this machine, for as long as it is worked on, and what comes out of it as objects that
// stay. Both belong to one thread; Stores may be shared.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "fleet/job.h"
#include "storage/object_store.h"

namespace amanuensis::fleet {

// Object stores by their addresses; opened once. Any thread.
class Stores {
 public:
  explicit Stores(storage::StorageSettings settings) : settings_(std::move(settings)) {}
  // Throws as storage::open_store.
  std::shared_ptr<storage::ObjectStore> open(const std::string& uri);

 private:
  const storage::StorageSettings settings_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<storage::ObjectStore>> stores_;
};

class Recording {
 public:
  // Fetches `source` into `folder` unless it lies on this machine. Throws as the stores do.
  Recording(Stores& stores, const std::string& source, const std::filesystem::path& folder,
            const std::stop_token& stop);
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  const std::filesystem::path& path() const { return path_; }
  // Of its content.
  const std::string& sha256() const { return sha256_; }
  std::uint64_t fetched_bytes() const { return fetched_bytes_; }

 private:
  std::filesystem::path path_;
  bool is_ours_ = false;  // a copy
  std::string sha256_;
  std::uint64_t fetched_bytes_ = 0;
};

// Whether `text` names something else than a path of this machine: s3://, http://, https://.
bool is_remote(std::string_view text);

// What a job has written, if it has: its full JSON.
std::optional<std::string> find_result(storage::ObjectStore& store, const std::string& key);

// Writes `json` (as pipeline::full_json) as KEY.json and the other formats made from it. What is there already stays,
// so that a result is never two; the JSON that counts is returned.
std::string write_result(storage::ObjectStore& store, const std::string& key, const std::string& json,
                         const std::vector<std::string>& formats);

}  // namespace amanuensis::fleet
