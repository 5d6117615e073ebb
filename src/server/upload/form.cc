#include "server/upload/form.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <system_error>

#include "base/error.h"
#include "server/http/http_error.h"
#include "server/http/random_id.h"
#include "server/upload/multipart.h"

namespace amanuensis::server {
namespace {

// Of all fields together: four voices to be known by, as data URLs, are the most that makes sense.
constexpr std::size_t kFieldBytes = 8 << 20;
constexpr std::size_t kPieceBytes = 256 * 1024;
constexpr std::size_t kLongestName = 255;

HttpError bad_form(const std::string& message) {
  return HttpError({.status = 400, .message = message, .code = "invalid_form"});
}

Error disk_error(int number) {
  if (number == ENOSPC || number == EDQUOT) {
    return Error(ErrorCode::kResourceExhausted, "the server's disk is full; the upload was not taken");
  }
  return Error(ErrorCode::kIo, fmt::format("an upload cannot be written: {}", std::generic_category().message(number)));
}

// What may be shown of a client's file name.
std::string shown_name(std::string name) {
  if (const std::size_t slash = name.find_last_of("/\\"); slash != std::string::npos) name.erase(0, slash + 1);
  std::erase_if(name, [](unsigned char c) { return c < ' ' || c == 127; });
  if (name.size() > kLongestName) {
    name.resize(kLongestName);
    while (!name.empty() && (static_cast<unsigned char>(name.back()) & 0xC0) == 0x80) name.pop_back();
    if (!name.empty() && (static_cast<unsigned char>(name.back()) & 0x80) != 0) name.pop_back();
  }
  return name.empty() ? "audio" : name;
}

// Only what helps FFmpeg with formats that have no signature.
std::string safe_extension(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string::npos || name.size() - dot > 6 || name.size() - dot < 2) return {};
  std::string extension = name.substr(dot);
  if (!std::all_of(extension.begin() + 1, extension.end(), [](unsigned char c) { return std::isalnum(c) != 0; }))
    return {};
  return extension;
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }

 private:
  int number_;
};

void write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) throw disk_error(errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

// Takes the parts apart. File bytes collect here until the caller writes them.
class FormBuilder : public MultipartHandler {
 public:
  explicit FormBuilder(const FormPlace& place) : place_(place) {}

  void on_part(const PartHeader& header) override {
    const bool named =
        std::find(place_.file_fields.begin(), place_.file_fields.end(), header.name) != place_.file_fields.end();
    in_file_ =
        header.is_file || (named && !header.content_type.empty() && !header.content_type.starts_with("text/plain"));
    field_ = header.name;
    if (!in_file_) {
      form.fields[field_].emplace_back();
      return;
    }
    if (!named) {
      throw bad_form(fmt::format("the form has a file '{}'; this server takes one named '{}'", field_.substr(0, 60),
                                 place_.file_fields.front()));
    }
    if (form.file) throw bad_form("the form has more than one file; send one request for each");
    const std::string name = shown_name(header.file_name);
    form.file.emplace(place_.folder / (random_id("upload_") + safe_extension(name)), name);
  }
  void on_data(std::string_view bytes) override {
    if (in_file_) {
      file_bytes.append(bytes);
      form.file->size_bytes += bytes.size();
      return;
    }
    field_bytes_ += bytes.size();
    if (field_bytes_ > kFieldBytes) {
      throw HttpError({.status = 413, .message = "the form's fields are larger than 8 MB", .code = "body_too_large"});
    }
    form.fields[field_].back().append(bytes);
  }
  void on_part_end() override { in_file_ = false; }

  Form form;
  std::string file_bytes;

 private:
  const FormPlace& place_;
  bool in_file_ = false;
  std::string field_;
  std::size_t field_bytes_ = 0;
};

void sync_file(int descriptor, const std::filesystem::path& folder) {
  if (fsync(descriptor) != 0) throw disk_error(errno);
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || fsync(directory.get()) != 0) throw disk_error(errno);
}

Task<Form> receive_multipart(Request& request, Worker& disk, const FormPlace& place) {
  FormBuilder builder(place);
  std::unique_ptr<MultipartParser> parser;
  try {
    parser = std::make_unique<MultipartParser>(multipart_boundary(request.header("content-type")), MultipartLimits{},
                                               builder);
  } catch (const Error& error) {
    throw bad_form(error.what());
  }
  std::unique_ptr<Descriptor> file;
  const auto write_piece = [&] {
    if (!file) {
      file = std::make_unique<Descriptor>(
          ::open(builder.form.file->path().c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
      if (file->get() < 0) throw disk_error(errno);
    }
    write_all(file->get(), builder.file_bytes);
    builder.file_bytes.clear();
  };
  std::string piece(64 * 1024, '\0');
  while (true) {
    const std::size_t got = co_await request.body->read(piece);
    try {
      if (got == 0) {
        parser->finish();
      } else {
        parser->feed(std::string_view(piece).substr(0, got));
      }
    } catch (const Error& error) {
      throw bad_form(error.what());
    }
    const bool write_now = builder.form.file && (got == 0 || builder.file_bytes.size() >= kPieceBytes);
    if (write_now) co_await disk.run(write_piece);
    if (got == 0) break;
  }
  if (file && place.durable) {
    const auto sync = [&] { sync_file(file->get(), place.folder); };
    co_await disk.run(sync);
  }
  co_return std::move(builder.form);
}

Form parse_urlencoded(const std::string& body) {
  Form form;
  Request parsed;
  parse_target("/?" + body, parsed);
  for (auto& [name, value] : parsed.query) form.fields[name].push_back(std::move(value));
  return form;
}

void add_json(Form& form, const std::string& name, const nlohmann::json& value) {
  if (value.is_null()) return;
  if (value.is_array()) {
    for (const auto& each : value) add_json(form, name, each);
  } else {
    form.fields[name].push_back(value.is_string() ? value.get<std::string>() : value.dump());
  }
}

Form parse_json(const std::string& body) {
  const nlohmann::json json = nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) throw bad_form("the request's body is not a JSON object");
  Form form;
  for (const auto& [name, value] : json.items()) add_json(form, name, value);
  return form;
}

}  // namespace

UploadedFile::~UploadedFile() {
  if (!path_.empty()) ::unlink(path_.c_str());
}
UploadedFile::UploadedFile(UploadedFile&& other) noexcept
    : size_bytes(other.size_bytes), path_(std::exchange(other.path_, {})), name_(std::move(other.name_)) {}
UploadedFile& UploadedFile::operator=(UploadedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(name_, other.name_);
  std::swap(size_bytes, other.size_bytes);
  return *this;
}
std::filesystem::path UploadedFile::release() { return std::exchange(path_, {}); }

std::optional<std::string> Form::get(std::string_view name) const {
  const auto found = fields.find(name);
  if (found == fields.end() || found->second.empty()) return std::nullopt;
  return found->second.back();
}

std::vector<std::string> Form::list(const std::string& name) const {
  std::vector<std::string> values;
  for (const std::string& each : {name, name + "[]"}) {
    const auto found = fields.find(each);
    if (found != fields.end()) values.insert(values.end(), found->second.begin(), found->second.end());
  }
  return values;
}

Task<Form> receive_form(Request& request, Worker& disk, const FormPlace& place) {
  const std::string_view type = request.header("content-type");
  const bool is_json = type.starts_with("application/json");
  if (!is_json && !type.starts_with("application/x-www-form-urlencoded")) {
    Form form = co_await receive_multipart(request, disk, place);
    co_return form;
  }
  const std::string body = co_await request.body->read_all(kFieldBytes);
  co_return is_json ? parse_json(body) : parse_urlencoded(body);
}

}  // namespace amanuensis::server
