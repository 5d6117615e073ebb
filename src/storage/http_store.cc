#include "storage/http_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/whole_file.h"
#include "storage/address.h"
#include "storage/download.h"
#include "storage/retry.h"

namespace amanuensis::storage {
namespace {

// What tells one version of a document from the next (RFC 9110, section 8.8): a strong ETag, or the date of its last
// change.
std::string validator(const HttpAnswer& answer) {
  const std::string etag = answer.header("etag");
  return etag.empty() || etag.starts_with("W/") ? answer.header("last-modified") : etag;
}

std::uint64_t size_of(const HttpAnswer& answer) {
  std::string text = answer.header("content-length");
  if (answer.status == 206) {
    text = answer.header("content-range");
    text.erase(0, std::min(text.rfind('/'), text.size() - 1) + 1);
  }
  std::uint64_t size = 0;
  std::from_chars(text.data(), text.data() + text.size(), size);
  return size;
}

class HttpStore : public ObjectStore {
 public:
  HttpStore(const std::string& address, const StorageSettings& settings)
      : address_(address),
        shown_(without_secrets(address)),
        name_(name_in_http_address(address)),
        settings_(settings),
        http_(settings) {}

  std::string uri(std::string_view) const override { return address_; }

  void list(std::string_view prefix, const Visitor& each, const std::stop_token& stop) override {
    if (!std::string_view(name_).starts_with(prefix)) return;
    if (const auto info = find(name_, stop)) each(*info);
  }

  std::optional<ObjectInfo> find(std::string_view key, const std::stop_token& stop) override {
    if (key != name_) return std::nullopt;
    HttpAnswer answer = ask_persistently(request("HEAD"), stop);
    // An address signed for reading allows nothing else, and some servers know no HEAD.
    if (answer.status == 403 || answer.status == 405 || answer.status == 501) {
      HttpRequest first_byte = request("GET");
      first_byte.headers = {"Range: bytes=0-0"};
      first_byte.sink = [](const HttpAnswer& so_far, std::span<const std::byte>) {
        if (so_far.status == 200) throw WholeBody{};
      };
      try {
        answer = ask_persistently(first_byte, stop);
      } catch (const WholeBody&) {
        return ObjectInfo{.key = name_, .size_bytes = 0, .etag = ""};
      }
    }
    if (answer.status == 404 || answer.status == 410) return std::nullopt;
    if (!answer.ok() && answer.status != 416) throw explain(answer);
    return ObjectInfo{.key = name_, .size_bytes = size_of(answer), .etag = validator(answer)};
  }

  std::string read(std::string_view key, std::uint64_t max_bytes, const TransferOptions& options) override {
    std::string bytes;
    fetch(key, max_bytes, into(bytes), options);
    return bytes;
  }

  ObjectInfo download(std::string_view key, const std::filesystem::path& target,
                      const TransferOptions& options) override {
    WholeFile file(target);
    ObjectInfo info = fetch(key, settings_.max_download_bytes, into(file), options);
    file.commit_unflushed();
    return info;
  }

  void write(std::string_view, std::string_view, const TransferOptions&) override { refuse_to_write(); }
  void write_file(std::string_view, const std::filesystem::path&, const TransferOptions&) override {
    refuse_to_write();
  }
  bool write_if_absent(std::string_view, std::string_view, const TransferOptions&) override { refuse_to_write(); }
  void remove(std::string_view, const std::stop_token&) override { refuse_to_write(); }
  std::optional<std::filesystem::path> local_path(std::string_view) const override { return std::nullopt; }

 private:
  // A server that sends everything although one byte was asked for.
  struct WholeBody {};

  HttpRequest request(const char* method) const {
    return {.method = method, .url = address_, .follow_redirects = true, .public_only = !settings_.allow_private};
  }

  HttpAnswer ask_persistently(const HttpRequest& asked, const std::stop_token& stop) {
    Retry retry(settings_, stop);
    while (true) {
      std::chrono::seconds server_wait{0};
      try {
        HttpAnswer answer = http_.send(asked, stop);
        if (!is_transient_answer(answer.status, "")) return answer;
        server_wait = retry_after(answer);
        if (!retry.again(server_wait)) return answer;
      } catch (const TransferError& error) {
        if (!error.transient() || !retry.again(server_wait)) {
          throw Error(ErrorCode::kNetwork, fmt::format("{}: {}", shown_, error.what()));
        }
      }
    }
  }

  ObjectInfo fetch(std::string_view key, std::uint64_t max_bytes, const DownloadTarget& target,
                   const TransferOptions& options) {
    if (key != name_) {
      throw Error(ErrorCode::kNotFound, fmt::format("{}: holds '{}' alone, not '{}'", shown_, name_, key));
    }
    const DownloadSource source{
        .address = shown_,
        .ask =
            [&](std::uint64_t first_byte, const std::string& version, const DownloadSource::Sink& sink) {
              HttpRequest asked = request("GET");
              // Without a version to compare, what comes could be the rest of something else: all of it, then.
              if (first_byte > 0 && !version.empty()) {
                asked.headers = {fmt::format("Range: bytes={}-", first_byte), "If-Range: " + version};
              }
              asked.sink = sink;
              return http_.send(asked, options.stop);
            },
        .etag_of = validator,
        .explain = [&](const HttpAnswer& answer) { return explain(answer); },
        .etag_is_md5 = [](const HttpAnswer&) { return false; },
        .max_bytes = max_bytes};
    ObjectInfo info = download_object(source, target, settings_, options);
    info.key = name_;
    return info;
  }

  Error explain(const HttpAnswer& answer) const {
    ErrorCode code = ErrorCode::kIo;
    const char* advice = "; does it lead to a recording?";
    if (answer.status == 404 || answer.status == 410) {
      code = ErrorCode::kNotFound;
      advice = "; check the address";
    } else if (answer.status == 401 || answer.status == 403) {
      advice = "; it needs a login, or a signed address that has run out";
    } else if (is_transient_answer(answer.status, "")) {
      code = ErrorCode::kNetwork;
      advice = "; the server is overloaded or failing, try again later";
    }
    return {code, fmt::format("{}: HTTP status {}{}", shown_, answer.status, advice)};
  }

  [[noreturn]] void refuse_to_write() const {
    throw Error(ErrorCode::kUnsupported,
                fmt::format("{}: an http(s) address can only be read; write to a folder or to s3://", shown_));
  }

  std::string address_;
  std::string shown_;
  std::string name_;
  StorageSettings settings_;
  HttpClient http_;
};

}  // namespace

std::unique_ptr<ObjectStore> open_http_store(const std::string& address, const StorageSettings& settings) {
  return std::make_unique<HttpStore>(address, settings);
}

}  // namespace amanuensis::storage
