// What went wrong with an S3 request, for a person: which object, the status, S3's own code, and what to do about it.
// Pure functions.
#pragma once

#include <string>

#include "base/error.h"
#include "storage/s3/answers.h"

namespace amanuensis::storage {

struct S3Failure {
  std::string doing;    // "reading", "listing", ...
  std::string address;  // s3://bucket/key
  std::string bucket;
  std::string host;  // that was asked
  int status = 0;
  S3Problem problem;
};

Error explain_s3_failure(const S3Failure& failure);

}  // namespace amanuensis::storage
