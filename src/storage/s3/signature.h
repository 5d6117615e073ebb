// AWS Signature Version 4, in the Authorization header (AWS Signature Version 4 for API requests, and "Signature
// Calculations for the Authorization Header" of the S3 API reference). Our own because libcurl's, in Debian 12's 7.88,
// sends no x-amz-content-sha256, which S3 asks for, and signs neither a body that is uploaded nor a session token. Pure
// functions.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace amanuensis::storage {

// Names and values as they are, not percent-encoded.
using Query = std::vector<std::pair<std::string, std::string>>;

// Sorted and encoded as S3 wants it, to be both signed and sent: "max-keys=2&prefix=J".
std::string canonical_query(const Query& query);

struct SigningKey {
  std::string access_key_id;
  std::string secret_access_key;
  std::string region;
  std::string service = "s3";
};

struct RequestToSign {
  std::string method;
  std::string path;   // as it is sent: encoded, beginning with '/'
  std::string query;  // by canonical_query()
  // Lower-case names; host and x-amz-date among them. All are signed.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string payload_sha256;  // in hex, or "UNSIGNED-PAYLOAD"
};

// "20130524T000000Z": what x-amz-date holds.
std::string amz_date(std::chrono::system_clock::time_point time);

// The value of the Authorization header. `date` as x-amz-date has it.
std::string authorization(const RequestToSign& request, const SigningKey& key, std::string_view date);

}  // namespace amanuensis::storage
