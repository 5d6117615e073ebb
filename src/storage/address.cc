#include "storage/address.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <memory>

#include "base/error.h"
#include "storage/object_store.h"

namespace amanuensis::storage {
namespace {

constexpr std::size_t kLongestAddress = 8192;

struct UrlFree {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
struct CurlFree {
  void operator()(char* text) const { curl_free(text); }
};

// "S3" for "S3://x"; empty where there is no scheme.
std::string_view scheme_text(std::string_view uri) {
  const std::size_t end = uri.find("://");
  if (end == std::string_view::npos || end == 0) return {};
  const std::string_view scheme = uri.substr(0, end);
  const bool proper = std::all_of(scheme.begin(), scheme.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '+' || c == '-' || c == '.';
  });
  return proper ? scheme : std::string_view();
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) { return std::tolower(c); });
  return result;
}

[[noreturn]] void refuse(std::string_view uri, const std::string& why) {
  throw Error(ErrorCode::kInvalidArgument, fmt::format("'{}': {}", without_secrets(uri.substr(0, 200)), why));
}

std::string_view after_scheme(std::string_view uri) { return uri.substr(uri.find("://") + 3); }

std::string percent_decoded(std::string_view uri, std::string_view text) {
  int length = 0;
  const std::unique_ptr<char, CurlFree> decoded(
      curl_easy_unescape(nullptr, text.data(), static_cast<int>(text.size()), &length));
  std::string result = decoded ? std::string(decoded.get(), static_cast<std::size_t>(length)) : std::string(text);
  if (result.find('\0') != std::string::npos) refuse(uri, "holds a zero byte, which no file name can");
  return result;
}

}  // namespace

bool has_scheme(std::string_view uri) { return !scheme_text(uri).empty(); }

Scheme scheme_of(std::string_view uri) {
  if (uri.empty()) throw Error(ErrorCode::kInvalidArgument, "an empty address: name a folder, s3://bucket or https://");
  if (uri.size() > kLongestAddress) refuse(uri, fmt::format("is longer than {} characters", kLongestAddress));
  if (uri.find('\0') != std::string_view::npos) refuse(uri, "holds a zero byte");
  const std::string scheme = lower(scheme_text(uri));
  if (scheme.empty() || scheme == "file") return Scheme::kFolder;
  if (scheme == "s3") return Scheme::kS3;
  if (scheme == "http" || scheme == "https") return Scheme::kHttp;
  refuse(uri, fmt::format("nothing is known of {}:// addresses; use a path, file://, s3:// or https://", scheme));
}

std::filesystem::path folder_of(std::string_view uri) {
  if (!has_scheme(uri)) return std::filesystem::path(uri);
  std::string_view rest = after_scheme(uri);
  if (rest.starts_with("localhost/")) rest.remove_prefix(9);
  if (!rest.starts_with('/')) refuse(uri, "file:// addresses are file:///path, with three slashes");
  return percent_decoded(uri, rest);
}

BucketAddress bucket_of(std::string_view uri) {
  const std::string_view rest = after_scheme(uri);
  const std::size_t slash = rest.find('/');
  BucketAddress address{.bucket = std::string(rest.substr(0, slash)), .prefix = {}};
  if (slash != std::string_view::npos) address.prefix = rest.substr(slash + 1);
  if (!address.prefix.empty() && !address.prefix.ends_with('/')) address.prefix += '/';
  const std::string& bucket = address.bucket;
  if (bucket.empty()) refuse(uri, "names no bucket; an S3 address is s3://bucket or s3://bucket/prefix");
  const bool proper = std::all_of(bucket.begin(), bucket.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_';
  });
  const auto sharp = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  if (!proper || bucket.size() < 3 || bucket.size() > 255 || !sharp(bucket.front()) || !sharp(bucket.back())) {
    refuse(uri, fmt::format("'{}' is no bucket's name (3 letters or more, digits, '-' and '.')", bucket));
  }
  return address;
}

std::string name_in_http_address(const std::string& uri) {
  const std::unique_ptr<CURLU, UrlFree> parsed(curl_url());
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, uri.c_str(), 0) != CURLUE_OK) {
    refuse(uri, "is no address that could be fetched");
  }
  char* text = nullptr;
  curl_url_get(parsed.get(), CURLUPART_PATH, &text, CURLU_URLDECODE);
  const std::unique_ptr<char, CurlFree> path(text);
  std::string name = path ? path.get() : "";
  name.erase(0, name.find_last_of('/') + 1);
  std::erase_if(name, [](unsigned char c) { return c < ' ' || c == 127; });
  return name.empty() || name == "." || name == ".." ? "recording" : name.substr(0, 255);
}

std::string without_secrets(std::string_view uri) {
  const std::string scheme = lower(scheme_text(uri));
  if (scheme != "http" && scheme != "https") return std::string(uri);
  const std::size_t host = uri.find("://") + 3;
  std::string_view rest = uri.substr(host);
  rest = rest.substr(0, rest.find_first_of("?#"));
  const std::size_t at = rest.substr(0, rest.find('/')).rfind('@');
  if (at != std::string_view::npos) rest.remove_prefix(at + 1);
  return std::string(uri.substr(0, host)) + std::string(rest);
}

ObjectAddress split_address(const std::string& uri) {
  const Scheme scheme = scheme_of(uri);
  if (scheme == Scheme::kHttp) return {.store = uri, .key = name_in_http_address(uri)};
  if (scheme == Scheme::kS3) {
    bucket_of(uri);  // throws for what is none
    const std::size_t bucket_end = std::min(uri.find('/', uri.find("://") + 3), uri.size());
    const std::size_t slash = std::max(uri.rfind('/'), bucket_end);
    if (slash >= uri.size()) return {.store = uri, .key = ""};
    return {.store = uri.substr(0, slash), .key = uri.substr(slash + 1)};
  }
  // The root stays: "/a.mp3" is a.mp3 in "/".
  const std::filesystem::path path = folder_of(uri);
  std::filesystem::path folder = path.parent_path();
  if (folder.empty()) folder = ".";
  return {.store = folder.string(), .key = path.filename().string()};
}

std::string join_address(std::string_view store, std::string_view key) {
  if (scheme_of(store) == Scheme::kHttp || key.empty()) return std::string(store);
  if (scheme_of(store) == Scheme::kFolder) return (folder_of(store) / key).string();
  return fmt::format("{}{}{}", store, store.ends_with('/') ? "" : "/", key);
}

}  // namespace amanuensis::storage
