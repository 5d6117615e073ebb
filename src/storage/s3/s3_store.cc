#include "storage/s3/s3_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

#include "base/error.h"
#include "base/whole_file.h"
#include "storage/download.h"
#include "storage/hashing.h"
#include "storage/s3/client.h"
#include "storage/s3/upload.h"

namespace amanuensis::storage {
namespace {

constexpr std::size_t kLongestKey = 1024;
constexpr std::uint64_t kLargestObject = std::uint64_t{5} << 40;

// The MD5 of an object that was written at once and is not encrypted with a key of its own.
bool etag_is_md5(const HttpAnswer& answer) {
  const std::string etag = plain_etag(answer.header("etag"));
  const bool digits = etag.size() == 32 && std::all_of(etag.begin(), etag.end(), [](unsigned char c) {
                        return std::isdigit(c) != 0 || (c >= 'a' && c <= 'f');
                      });
  return digits && !answer.header("x-amz-server-side-encryption").starts_with("aws:kms") &&
         answer.header("x-amz-server-side-encryption-customer-algorithm").empty();
}

class S3Store : public ObjectStore {
 public:
  S3Store(const std::string& bucket, std::string prefix, const StorageSettings& settings)
      : prefix_(std::move(prefix)), client_(bucket, settings) {}

  std::string uri(std::string_view key) const override {
    std::string address = client_.address(prefix_ + std::string(key));
    if (key.empty()) address.pop_back();  // "s3://bucket/prefix", without the '/' at its end
    return address;
  }

  void list(std::string_view prefix, const Visitor& each, const std::stop_token& stop) override {
    std::string next;
    do {
      Query query{{"list-type", "2"}, {"encoding-type", "url"}, {"prefix", prefix_ + std::string(prefix)}};
      if (!next.empty()) query.emplace_back("continuation-token", next);
      const S3Request request{.doing = "listing", .query = query};
      ListPage page = parse_page(client_.send(request, stop));
      for (ObjectInfo& object : page.objects) {
        if (!object.key.starts_with(prefix_)) continue;
        object.key.erase(0, prefix_.size());
        // What consoles make to show a folder is none of the objects.
        if (object.key.empty() || (object.key.ends_with('/') && object.size_bytes == 0)) continue;
        if (!each(object)) return;
      }
      next = std::move(page.next);
    } while (!next.empty());
  }

  std::optional<ObjectInfo> find(std::string_view key, const std::stop_token& stop) override {
    const S3Request request{.doing = "looking", .method = "HEAD", .key = full_key(key), .accepted = {404}};
    const HttpAnswer answer = client_.send(request, stop);
    if (answer.status == 404) return std::nullopt;
    ObjectInfo info{.key = std::string(key), .size_bytes = 0, .etag = plain_etag(answer.header("etag"))};
    const std::string length = answer.header("content-length");
    std::from_chars(length.data(), length.data() + length.size(), info.size_bytes);
    return info;
  }

  std::string read(std::string_view key, std::uint64_t max_bytes, const TransferOptions& options) override {
    std::string bytes;
    fetch(key, max_bytes, into(bytes), options);
    return bytes;
  }

  ObjectInfo download(std::string_view key, const std::filesystem::path& target,
                      const TransferOptions& options) override {
    WholeFile file(target);
    ObjectInfo info = fetch(key, kLargestObject, into(file), options);
    file.commit_unflushed();
    return info;
  }

  void write(std::string_view key, std::string_view bytes, const TransferOptions& options) override {
    upload_bytes(client_, full_key(key), bytes, options);
  }

  void write_file(std::string_view key, const std::filesystem::path& source, const TransferOptions& options) override {
    upload_file(client_, full_key(key), source, options);
  }

  bool write_if_absent(std::string_view key, std::string_view bytes, const TransferOptions& options) override {
    // Asked first as well, for servers that overlook the condition.
    if (find(key, options.stop)) return false;
    int tries = 0;
    const HttpAnswer answer = client_.send({.doing = "writing",
                                            .method = "PUT",
                                            .key = full_key(key),
                                            .headers = {{"if-none-match", "*"}},
                                            .body = bytes,
                                            .on_sent = options.on_bytes,
                                            .accepted = {412, 501}},
                                           options.stop, &tries);
    if (answer.ok()) return true;
    if (answer.status == 412) {
      // When the answer to an earlier try was lost, what is there may be our own.
      const auto there = tries > 1 ? find(key, options.stop) : std::nullopt;
      Md5 md5;
      md5.update(std::as_bytes(std::span(bytes)));
      return there && there->etag == md5.hex_digest();
    }
    write(key, bytes, options);  // a server that knows no condition
    return true;
  }

  void remove(std::string_view key, const std::stop_token& stop) override {
    client_.send({.doing = "removing", .method = "DELETE", .key = full_key(key), .accepted = {404}}, stop);
  }

  std::optional<std::filesystem::path> local_path(std::string_view) const override { return std::nullopt; }

 private:
  std::string full_key(std::string_view key) const {
    std::string full = prefix_ + std::string(key);
    const char* wrong = nullptr;
    if (key.empty()) wrong = "is no object's name";
    if (key.find('\0') != std::string_view::npos) wrong = "holds a zero byte, which no key can";
    if (full.size() > kLongestKey) wrong = "is longer than 1024 bytes, the longest key of S3";
    if (wrong != nullptr) {
      throw Error(ErrorCode::kInvalidArgument, fmt::format("{}: '{}' {}", client_.address(prefix_), key, wrong));
    }
    return full;
  }

  ListPage parse_page(const HttpAnswer& answer) const {
    try {
      return parse_list_page(answer.body);
    } catch (const Error& error) {
      throw Error(error.code(), fmt::format("{}: {}", client_.address(prefix_), error.what()));
    }
  }

  ObjectInfo fetch(std::string_view key, std::uint64_t max_bytes, const DownloadTarget& target,
                   const TransferOptions& options) {
    S3Request request{.doing = "reading", .key = full_key(key)};
    const DownloadSource source{
        .address = client_.address(request.key),
        .ask =
            [&](std::uint64_t first_byte, const std::string& etag, const DownloadSource::Sink& sink) {
              request.headers.clear();
              if (first_byte > 0) request.headers.emplace_back("range", fmt::format("bytes={}-", first_byte));
              if (!etag.empty()) request.headers.emplace_back("if-match", fmt::format("\"{}\"", etag));
              request.sink = sink;
              return client_.try_once(request, options.stop);
            },
        .etag_of = [](const HttpAnswer& answer) { return plain_etag(answer.header("etag")); },
        .explain = [&](const HttpAnswer& answer) { return client_.explain(request, answer); },
        .etag_is_md5 = etag_is_md5,
        .max_bytes = max_bytes};
    ObjectInfo info = download_object(source, target, client_.settings(), options);
    info.key = key;
    return info;
  }

  std::string prefix_;
  S3Client client_;
};

}  // namespace

std::unique_ptr<ObjectStore> open_s3_store(const std::string& bucket, const std::string& prefix,
                                           const StorageSettings& settings) {
  return std::make_unique<S3Store>(bucket, prefix, settings);
}

}  // namespace amanuensis::storage
