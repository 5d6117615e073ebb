// Requests to one bucket: addressed, signed, repeated after passing failures, and sent to the region where the bucket
// is. Any thread.
#pragma once

#include <functional>
#include <initializer_list>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "storage/http.h"
#include "storage/retry.h"
#include "storage/s3/answers.h"
#include "storage/s3/signature.h"
#include "storage/settings.h"

namespace amanuensis::storage {

struct S3Request {
  std::string doing;  // "reading", "listing": for messages
  std::string method = "GET";
  std::string key = {};  // in the bucket; empty: the bucket itself
  Query query = {};
  std::vector<std::pair<std::string, std::string>> headers = {};  // lower-case names
  std::string_view body = {};
  decltype(HttpRequest::sink) sink = {};
  std::function<void(std::uint64_t)> on_sent = {};
  // Statuses besides 2xx that are answers, not failures.
  std::vector<int> accepted = {};
};

class S3Client {
 public:
  // Throws Error{kInvalidArgument} when credentials are missing or the endpoint makes no sense.
  S3Client(std::string bucket, const StorageSettings& settings);

  // Tries until there is an answer that is not a passing failure. Throws Error; `tries` (may be null) is told how often
  // it was asked.
  HttpAnswer send(const S3Request& request, const std::stop_token& stop, int* tries = nullptr);

  // One try, and another only when the bucket turns out to be in another region. Any status is an answer; throws
  // TransferError.
  HttpAnswer try_once(const S3Request& request, const std::stop_token& stop);

  Error explain(const S3Request& request, const HttpAnswer& answer) const;

  std::string address(std::string_view key) const;  // "s3://bucket/key"
  const StorageSettings& settings() const { return settings_; }

 private:
  HttpAnswer ask_in(const std::string& region, const S3Request& request, const std::stop_token& stop);
  std::string region() const;

  std::string bucket_;
  StorageSettings settings_;
  HttpClient http_;
  mutable std::mutex mutex_;
  std::string region_;  // by the mutex: learned when the settings' is not the bucket's
};

}  // namespace amanuensis::storage
