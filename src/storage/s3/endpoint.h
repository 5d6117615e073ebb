// Where a bucket and its objects are on the network: AWS's own hosts, or another server's with the bucket in the path.
// Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "storage/settings.h"

namespace amanuensis::storage {

struct S3Place {
  std::string origin;  // "https://bucket.s3.eu-west-1.amazonaws.com", "http://minio:9000"
  std::string host;    // as the Host header has it
  std::string path;    // of the bucket, encoded, without a '/' at the end: "", "/bucket"
};

// `region` goes before the settings' own. Throws Error{kInvalidArgument} for an endpoint that is no http(s) address.
S3Place place_of_bucket(const S3Settings& settings, std::string_view region, const std::string& bucket);

}  // namespace amanuensis::storage
