#include "storage/s3/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "storage/hashing.h"
#include "storage/s3/endpoint.h"
#include "storage/s3/errors.h"

namespace amanuensis::storage {
namespace {

// Where AWS says that the bucket is, when it was asked in the wrong region; empty otherwise.
std::string other_region(const HttpAnswer& answer, const std::string& asked) {
  if (answer.status != 301 && answer.status != 307 && answer.status != 400) return {};
  std::string region = answer.header("x-amz-bucket-region");
  if (region.empty()) region = parse_problem(answer.body).region;
  return region == asked ? std::string() : region;
}

}  // namespace

S3Client::S3Client(std::string bucket, const StorageSettings& settings)
    : bucket_(std::move(bucket)), settings_(settings), http_(settings), region_(settings.s3.region) {
  place_of_bucket(settings_.s3, region_, bucket_);  // throws now for what makes no sense
  const S3Settings& s3 = settings_.s3;
  if (!s3.anonymous && (s3.access_key_id.empty() || s3.secret_access_key.empty())) {
    const std::string why = s3.no_credentials_because.empty()
                                ? "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile of "
                                  "~/.aws/credentials with AWS_PROFILE; AWS_NO_SIGN_REQUEST=1 is for public buckets"
                                : s3.no_credentials_because;
    throw Error(ErrorCode::kInvalidArgument, fmt::format("s3://{}: no credentials: {}", bucket_, why));
  }
  const auto unfit = [](const std::string& text) { return text.find_first_of("\r\n") != std::string::npos; };
  if (unfit(s3.access_key_id) || unfit(s3.session_token) || unfit(s3.region)) {
    throw Error(ErrorCode::kInvalidArgument, fmt::format("s3://{}: the credentials hold a line break", bucket_));
  }
}

std::string S3Client::address(std::string_view key) const { return fmt::format("s3://{}/{}", bucket_, key); }

std::string S3Client::region() const {
  const std::lock_guard lock(mutex_);
  return region_;
}

HttpAnswer S3Client::ask_in(const std::string& region, const S3Request& request, const std::stop_token& stop) {
  const S3Settings& s3 = settings_.s3;
  const S3Place place = place_of_bucket(s3, region, bucket_);
  RequestToSign to_sign{.method = request.method,
                        .path = fmt::format("{}/{}", place.path, percent_encoded(request.key, true)),
                        .query = canonical_query(request.query),
                        .headers = request.headers,
                        .payload_sha256 = sha256_hex(request.body)};
  if (request.key.empty() && !place.path.empty()) to_sign.path = place.path;
  const std::string date = amz_date(std::chrono::system_clock::now());
  to_sign.headers.emplace_back("x-amz-content-sha256", to_sign.payload_sha256);
  to_sign.headers.emplace_back("x-amz-date", date);
  if (!s3.session_token.empty()) to_sign.headers.emplace_back("x-amz-security-token", s3.session_token);

  HttpRequest http{
      .method = request.method,
      .url = fmt::format("{}{}{}{}", place.origin, to_sign.path, to_sign.query.empty() ? "" : "?", to_sign.query),
      .body = request.body,
      .sink = request.sink,
      .on_sent = request.on_sent};
  if (s3.anonymous) {
    for (const auto& [name, value] : request.headers) http.headers.push_back(fmt::format("{}: {}", name, value));
    return http_.send(http, stop);
  }
  for (const auto& [name, value] : to_sign.headers) http.headers.push_back(fmt::format("{}: {}", name, value));
  to_sign.headers.emplace_back("host", place.host);  // libcurl sends it
  const SigningKey key{.access_key_id = s3.access_key_id, .secret_access_key = s3.secret_access_key, .region = region};
  http.headers.push_back("Authorization: " + authorization(to_sign, key, date));
  return http_.send(http, stop);
}

HttpAnswer S3Client::try_once(const S3Request& request, const std::stop_token& stop) {
  const std::string asked = region();
  HttpAnswer answer = ask_in(asked, request, stop);
  const std::string other = settings_.s3.anonymous ? std::string() : other_region(answer, asked);
  if (other.empty()) return answer;
  {
    const std::lock_guard lock(mutex_);
    region_ = other;
  }
  return ask_in(other, request, stop);
}

HttpAnswer S3Client::send(const S3Request& request, const std::stop_token& stop, int* tries) {
  Retry retry(settings_, stop);
  while (true) {
    if (tries != nullptr) ++*tries;
    std::string problem;
    std::chrono::seconds server_wait{0};
    std::optional<HttpAnswer> failing;
    try {
      HttpAnswer answer = try_once(request, stop);
      const std::vector<int>& accepted = request.accepted;
      const bool wanted = std::find(accepted.begin(), accepted.end(), answer.status) != accepted.end();
      // The end of an upload may be a failure that is said after a 200.
      const bool may_fail = !answer.ok() || request.method == "POST";
      const std::string code = may_fail && !wanted ? parse_problem(answer.body).code : std::string();
      if (wanted || (answer.ok() && code.empty())) return answer;
      if (!is_transient_answer(answer.status, code)) throw explain(request, answer);
      server_wait = retry_after(answer);
      failing = std::move(answer);
    } catch (const TransferError& error) {
      if (!error.transient())
        throw Error(ErrorCode::kNetwork, fmt::format("{}: {}", address(request.key), error.what()));
      problem = error.what();
    }
    if (retry.again(server_wait)) continue;
    if (failing) throw explain(request, *failing);
    throw Error(ErrorCode::kNetwork, fmt::format("{}: {} failed: {}; gave up after {} tries", address(request.key),
                                                 request.doing, problem, retry.failures()));
  }
}

Error S3Client::explain(const S3Request& request, const HttpAnswer& answer) const {
  return explain_s3_failure({.doing = request.doing,
                             .address = address(request.key),
                             .bucket = bucket_,
                             .host = place_of_bucket(settings_.s3, region(), bucket_).host,
                             .status = answer.status,
                             .problem = parse_problem(answer.body)});
}

}  // namespace amanuensis::storage
