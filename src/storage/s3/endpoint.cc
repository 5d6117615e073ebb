#include "storage/s3/endpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/error.h"
#include "storage/http.h"

namespace amanuensis::storage {
namespace {

[[noreturn]] void refuse(const std::string& endpoint, const char* why) {
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("S3 endpoint '{}' {}; give it as https://host or http://host:port", endpoint, why));
}

S3Place custom_place(const std::string& endpoint, const std::string& bucket) {
  std::string address = endpoint;
  while (address.ends_with('/')) address.pop_back();
  const std::size_t scheme_end = address.find("://");
  if (scheme_end == std::string::npos) refuse(endpoint, "has no scheme");
  const std::size_t host_end = std::min(address.find('/', scheme_end + 3), address.size());
  // Host names know no case, and the signature must show what libcurl sends.
  std::transform(address.begin(), address.begin() + static_cast<std::ptrdiff_t>(host_end), address.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  const std::string scheme = address.substr(0, scheme_end);
  if (scheme != "http" && scheme != "https") refuse(endpoint, "begins with neither http:// nor https://");
  std::string host = address.substr(scheme_end + 3, host_end - scheme_end - 3);
  if (host.find('@') != std::string::npos) refuse(endpoint, "holds a user; keys have their own settings");
  const std::string_view usual_port = scheme == "http" ? ":80" : ":443";
  if (host.ends_with(usual_port)) host.resize(host.size() - usual_port.size());  // not part of the Host header
  if (host.empty() || host.find_first_of("?# \t\r\n") != std::string::npos) refuse(endpoint, "names no host");
  const std::string path = address.substr(host_end);
  if (path.find_first_of("?# \t\r\n") != std::string::npos) refuse(endpoint, "holds more than a host and a path");
  return {.origin = fmt::format("{}://{}", scheme, host),
          .host = host,
          .path = fmt::format("{}/{}", path, percent_encoded(bucket, false))};
}

}  // namespace

S3Place place_of_bucket(const S3Settings& settings, std::string_view region, const std::string& bucket) {
  if (!settings.endpoint.empty()) return custom_place(settings.endpoint, bucket);
  const bool proper = !region.empty() && std::all_of(region.begin(), region.end(), [](unsigned char c) {
    return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '-';
  });
  if (!proper) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is no AWS region; set AWS_REGION, e.g. to eu-central-1", region));
  }
  const char* domain = region.starts_with("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  // A certificate for *.s3.REGION.amazonaws.com does not cover a name with dots, nor is one with capitals a host's.
  const bool is_host_name = std::all_of(bucket.begin(), bucket.end(), [](unsigned char c) {
    return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '-';
  });
  if (!is_host_name) {
    const std::string host = fmt::format("s3.{}.{}", region, domain);
    return {.origin = "https://" + host, .host = host, .path = "/" + percent_encoded(bucket, false)};
  }
  const std::string host = fmt::format("{}.s3.{}.{}", bucket, region, domain);
  return {.origin = "https://" + host, .host = host, .path = ""};
}

}  // namespace amanuensis::storage
