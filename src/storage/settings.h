// How storage is reached: plain values, made by the caller. Nothing below reads the environment or a home folder,
// except that libcurl itself honours the usual proxy variables.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace amanuensis::storage {

struct S3Settings {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;  // of temporary credentials; else empty
  std::string region = "us-east-1";
  // "https://minio.example:9000", addressed with the bucket in the path; empty for AWS, with the bucket in the host's
  // name.
  std::string endpoint;
  // No signature: public buckets.
  bool anonymous = false;
  // Why there are no keys, where that is known: what to say when they are needed.
  std::string no_credentials_because;
  // Objects above this size are sent in parts of part_bytes (5 MiB to 5 GiB; grown when an object would need more than
  // 10,000 parts).
  std::uint64_t multipart_from_bytes = std::uint64_t{32} << 20;
  std::uint64_t part_bytes = std::uint64_t{16} << 20;
};

struct StorageSettings {
  S3Settings s3;
  std::string user_agent = "amanuensis";
  // For https:// recordings: addresses of this machine and of private networks may be asked as well. Somebody else may
  // have named the address, and what it leads to is judged when the connection is made. An S3 endpoint is the
  // operator's own choice and never judged.
  bool allow_private = false;
  // A recording at an https:// address that is larger is refused.
  std::uint64_t max_download_bytes = std::uint64_t{64} << 30;
  std::chrono::milliseconds connect_timeout{15'000};
  // A transfer that moves less than a byte a second for so long has broken off.
  std::chrono::milliseconds stall_timeout{30'000};
  // Trying again after a dropped connection, a 5xx or a request to slow down: so often in a row without progress, with
  // pauses that double from the first to the longest (each shortened by a random part, so that workers spread out).
  int tries = 8;
  std::chrono::milliseconds first_pause{200};
  std::chrono::milliseconds longest_pause{20'000};
};

}  // namespace amanuensis::storage
