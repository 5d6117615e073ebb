// A form that a client has sent: its fields in memory, its file on disk under a name of ours. Nothing of the client's
// choosing becomes a path. Belongs to the loop's thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "server/http/message.h"
#include "server/http/worker.h"

namespace amanuensis::server {

// A file that is deleted with the object, unless it was given away.
class UploadedFile {
 public:
  UploadedFile(std::filesystem::path path, std::string name) : path_(std::move(path)), name_(std::move(name)) {}
  ~UploadedFile();
  UploadedFile(UploadedFile&& other) noexcept;
  UploadedFile& operator=(UploadedFile&& other) noexcept;

  const std::filesystem::path& path() const { return path_; }
  const std::string& name() const { return name_; }  // as the client calls it, without folders; for people
  std::uint64_t size_bytes = 0;
  // The file is the caller's from now on.
  std::filesystem::path release();

 private:
  std::filesystem::path path_;
  std::string name_;
};

struct Form {
  std::map<std::string, std::vector<std::string>, std::less<>> fields;
  std::optional<UploadedFile> file;

  bool has(std::string_view name) const { return fields.contains(name); }
  // The last value; nothing when absent.
  std::optional<std::string> get(std::string_view name) const;
  // All values of `name` and of `name[]`.
  std::vector<std::string> list(const std::string& name) const;
};

struct FormPlace {
  std::filesystem::path folder;                     // for the file
  std::vector<std::string> file_fields = {"file"};  // names under which the file may come
  // Written to disk before the form is returned, so that a loss of power does not lose it.
  bool durable = false;
};

// Reads a request's form: multipart/form-data, or application/x-www-form-urlencoded or a JSON object for one without a
// file. Throws HttpError 400, 413, 415, 507.
Task<Form> receive_form(Request& request, Worker& disk, const FormPlace& place);

}  // namespace amanuensis::server
