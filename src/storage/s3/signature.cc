#include "storage/s3/signature.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "storage/hashing.h"
#include "storage/http.h"

namespace amanuensis::storage {
namespace {

// Outer blanks go, inner runs of them become one.
std::string squeezed(std::string_view value) {
  std::string result;
  for (const char c : value) {
    if (c != ' ' || (!result.empty() && result.back() != ' ')) result += c;
  }
  if (result.ends_with(' ')) result.pop_back();
  return result;
}

}  // namespace

std::string canonical_query(const Query& query) {
  Query encoded;
  for (const auto& [name, value] : query) {
    encoded.emplace_back(percent_encoded(name, false), percent_encoded(value, false));
  }
  std::sort(encoded.begin(), encoded.end());
  std::string text;
  for (const auto& [name, value] : encoded) {
    text += fmt::format("{}{}={}", text.empty() ? "" : "&", name, value);
  }
  return text;
}

std::string amz_date(std::chrono::system_clock::time_point time) {
  return fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

std::string authorization(const RequestToSign& request, const SigningKey& key, std::string_view date) {
  auto headers = request.headers;
  std::sort(headers.begin(), headers.end());
  std::string canonical_headers;
  std::string signed_headers;
  for (const auto& [name, value] : headers) {
    canonical_headers += fmt::format("{}:{}\n", name, squeezed(value));
    signed_headers += fmt::format("{}{}", signed_headers.empty() ? "" : ";", name);
  }
  const std::string canonical_request =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, request.path, request.query, canonical_headers,
                  signed_headers, request.payload_sha256);

  const std::string_view day = date.substr(0, 8);
  const std::string scope = fmt::format("{}/{}/{}/aws4_request", day, key.region, key.service);
  const std::string to_sign = fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", date, scope, sha256_hex(canonical_request));
  std::string secret = hmac_sha256("AWS4" + key.secret_access_key, day);
  for (const std::string_view part :
       {std::string_view(key.region), std::string_view(key.service), std::string_view("aws4_request")}) {
    secret = hmac_sha256(secret, part);
  }
  return fmt::format("AWS4-HMAC-SHA256 Credential={}/{},SignedHeaders={},Signature={}", key.access_key_id, scope,
                     signed_headers, hex(hmac_sha256(secret, to_sign)));
}

}  // namespace amanuensis::storage
