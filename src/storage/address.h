// Addresses of stores, taken apart. Pure functions.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace amanuensis::storage {

enum class Scheme { kFolder, kS3, kHttp };

// Throws Error{kInvalidArgument} for a scheme that is none of ours.
Scheme scheme_of(std::string_view uri);

// The folder of a path or of file:///path (percent-decoded; a host other than this one is refused).
std::filesystem::path folder_of(std::string_view uri);

struct BucketAddress {
  std::string bucket;
  std::string prefix;  // empty, or ends in '/'
};

// "s3://bucket/some/prefix" -> {"bucket", "some/prefix/"}. Keys are taken as they stand, not percent-decoded. Throws
// Error{kInvalidArgument} for what can be no bucket's name.
BucketAddress bucket_of(std::string_view uri);

// The last part of an http(s) address's path, percent-decoded: "https://host/a%20b.mp3?x=1" -> "a b.mp3". "recording"
// where there is none. Throws Error{kInvalidArgument} for what is no address.
std::string name_in_http_address(const std::string& uri);

// An http(s) address as a message may show it: without user, password, query and fragment, which may be secrets.
std::string without_secrets(std::string_view uri);

}  // namespace amanuensis::storage
