#include "storage/s3/errors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "storage/retry.h"

namespace amanuensis::storage {
namespace {

struct KnownCode {
  std::string_view code;
  ErrorCode meaning;
  std::string_view advice;
};

constexpr std::array kKnownCodes{
    KnownCode{"NoSuchBucket", ErrorCode::kNotFound, "check the bucket's name and the endpoint, or create it"},
    KnownCode{"NoSuchKey", ErrorCode::kNotFound, "check the key; names are case-sensitive"},
    KnownCode{"AccessDenied", ErrorCode::kIo,
              "these credentials may not do that; they need s3:ListBucket, s3:GetObject, s3:PutObject and "
              "s3:DeleteObject there"},
    KnownCode{"AllAccessDisabled", ErrorCode::kIo, "the bucket is closed to everybody; ask its owner"},
    KnownCode{"InvalidAccessKeyId", ErrorCode::kIo,
              "check AWS_ACCESS_KEY_ID, the profile, and that the endpoint is right"},
    KnownCode{"SignatureDoesNotMatch", ErrorCode::kIo,
              "check AWS_SECRET_ACCESS_KEY; a proxy that rewrites requests does this, too"},
    KnownCode{"ExpiredToken", ErrorCode::kIo, "the temporary credentials have run out; get new ones"},
    KnownCode{"InvalidToken", ErrorCode::kIo, "check AWS_SESSION_TOKEN; it belongs to one pair of keys"},
    KnownCode{"RequestTimeTooSkewed", ErrorCode::kIo,
              "this machine's clock is wrong by more than 15 minutes; set it (timedatectl)"},
    KnownCode{"RequestExpired", ErrorCode::kIo, "this machine's clock may be wrong; set it (timedatectl)"},
    KnownCode{"AuthorizationHeaderMalformed", ErrorCode::kIo, "check AWS_REGION"},
    KnownCode{"PermanentRedirect", ErrorCode::kIo, "the bucket is elsewhere; check AWS_REGION and the endpoint"},
    KnownCode{"InvalidObjectState", ErrorCode::kIo, "the object is archived; restore it first"},
    KnownCode{"EntityTooLarge", ErrorCode::kResourceExhausted, "the server takes no object of this size"},
    KnownCode{"QuotaExceeded", ErrorCode::kResourceExhausted, "the bucket is full; make room or raise its quota"},
    KnownCode{"XMinioAdminBucketQuotaExceeded", ErrorCode::kResourceExhausted,
              "the bucket is full; make room or raise its quota"},
    KnownCode{"XMinioStorageFull", ErrorCode::kResourceExhausted, "the server's disks are full; make room"},
    KnownCode{"KeyTooLongError", ErrorCode::kInvalidArgument, "S3 keys have at most 1024 bytes"},
    KnownCode{"InvalidBucketName", ErrorCode::kInvalidArgument, "check the bucket's name"},
    KnownCode{"MethodNotAllowed", ErrorCode::kUnsupported, "is the endpoint an S3 server?"},
    KnownCode{"NotImplemented", ErrorCode::kUnsupported, "this server cannot do it"},
};

// For answers without a code of S3: HEAD has no body, and a proxy has its own.
KnownCode by_status(int status) {
  switch (status) {
    case 301:
    case 307:
    case 308:
      return {"", ErrorCode::kIo, "the bucket is elsewhere; check AWS_REGION and the endpoint"};
    case 400:
      return {"", ErrorCode::kIo, "check the region, the credentials and the endpoint"};
    case 401:
      return {"", ErrorCode::kIo, "check the credentials"};
    case 403:
      return {"", ErrorCode::kIo,
              "these credentials may not do that, or, without s3:ListBucket, there is no such object"};
    case 404:
      return {"", ErrorCode::kNotFound, "check the bucket and the key"};
    case 507:
      return {"", ErrorCode::kResourceExhausted, "the server's disks are full; make room"};
    default:
      return {"", ErrorCode::kIo, "is the endpoint an S3 server?"};
  }
}

}  // namespace

Error explain_s3_failure(const S3Failure& failure) {
  const S3Problem& problem = failure.problem;
  const auto* known = std::find_if(kKnownCodes.begin(), kKnownCodes.end(),
                                   [&](const KnownCode& candidate) { return candidate.code == problem.code; });
  KnownCode meaning = known != kKnownCodes.end() ? *known : by_status(failure.status);
  if (known == kKnownCodes.end() && is_transient_answer(failure.status, problem.code)) {
    meaning = {"", ErrorCode::kNetwork, "the server is overloaded or failing; try again later"};
  }
  std::string said = problem.code.empty() ? "" : " " + problem.code;
  // The server's own words, as far as they help.
  if (!problem.message.empty()) said += fmt::format(" ({})", problem.message.substr(0, 300));
  std::string advice(meaning.advice);
  if (!problem.region.empty()) advice = fmt::format("the bucket is in the region {}; set AWS_REGION", problem.region);
  if (meaning.code == "NoSuchBucket") advice += fmt::format(" (bucket '{}' on {})", failure.bucket, failure.host);
  return {meaning.meaning, fmt::format("{}: {} failed: HTTP status {}{}; {}", failure.address, failure.doing,
                                       failure.status, said, advice)};
}

}  // namespace amanuensis::storage
