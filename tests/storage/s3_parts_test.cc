// The parts of S3 that need no socket: signatures, places, answers, messages, sizes, pauses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/hashing.h"
#include "storage/retry.h"
#include "storage/s3/answers.h"
#include "storage/s3/endpoint.h"
#include "storage/s3/errors.h"
#include "storage/s3/signature.h"
#include "storage/s3/upload.h"
#include "support/error_of.h"

namespace amanuensis::storage {
namespace {

using test::error_of;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;

// The examples of "Signature Calculations for the Authorization Header" in the S3 API reference.
class SignatureExamples : public ::testing::Test {
 protected:
  static constexpr const char* kDate = "20130524T000000Z";

  static std::string signature(RequestToSign request) {
    request.headers.emplace_back("host", "examplebucket.s3.amazonaws.com");
    request.headers.emplace_back("x-amz-date", kDate);
    request.headers.emplace_back("x-amz-content-sha256", request.payload_sha256);
    const SigningKey key{.access_key_id = "AKIAIOSFODNN7EXAMPLE",
                         .secret_access_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                         .region = "us-east-1"};
    return authorization(request, key, kDate);
  }
  const std::string nothing_ = sha256_hex("");
};

TEST_F(SignatureExamples, GetObject) {
  EXPECT_EQ(signature({.method = "GET",
                       .path = "/test.txt",
                       .query = "",
                       .headers = {{"range", "bytes=0-9"}},
                       .payload_sha256 = nothing_}),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST_F(SignatureExamples, PutObject) {
  EXPECT_THAT(
      signature({.method = "PUT",
                 .path = "/" + percent_encoded("test$file.text", true),
                 .query = "",
                 .headers = {{"date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
                 .payload_sha256 = sha256_hex("Welcome to Amazon S3.")}),
      EndsWith("Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
}

TEST_F(SignatureExamples, Lifecycle) {
  EXPECT_THAT(signature({.method = "GET",
                         .path = "/",
                         .query = canonical_query({{"lifecycle", ""}}),
                         .headers = {},
                         .payload_sha256 = nothing_}),
              EndsWith("Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
}

TEST_F(SignatureExamples, ListObjects) {
  EXPECT_THAT(signature({.method = "GET",
                         .path = "/",
                         .query = canonical_query({{"prefix", "J"}, {"max-keys", "2"}}),
                         .headers = {},
                         .payload_sha256 = nothing_}),
              EndsWith("Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
}

// Of AWS's Signature Version 4 test suite: get-vanilla and get-vanilla-query-order-key-case.
TEST(Signature, TestSuite) {
  const SigningKey key{.access_key_id = "AKIDEXAMPLE",
                       .secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                       .region = "us-east-1",
                       .service = "service"};
  RequestToSign request{.method = "GET",
                        .path = "/",
                        .query = "",
                        .headers = {{"host", "example.amazonaws.com"}, {"x-amz-date", "20150830T123600Z"}},
                        .payload_sha256 = sha256_hex("")};
  EXPECT_THAT(authorization(request, key, "20150830T123600Z"),
              EndsWith("Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"));
  request.query = canonical_query({{"Param2", "value2"}, {"Param1", "value1"}});
  EXPECT_THAT(authorization(request, key, "20150830T123600Z"),
              EndsWith("Signature=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"));
}

TEST(Signature, QueryIsEncodedAndSortedAsItIsSent) {
  EXPECT_EQ(canonical_query({}), "");
  EXPECT_EQ(canonical_query({{"prefix", "a b/ü+"}, {"list-type", "2"}, {"continuation-token", "x=="}}),
            "continuation-token=x%3D%3D&list-type=2&prefix=a%20b%2F%C3%BC%2B");
}

TEST(Signature, DateIsUtc) {
  EXPECT_EQ(amz_date(std::chrono::system_clock::from_time_t(1369353600)), "20130524T000000Z");
}

TEST(S3Endpoint, AwsHasTheBucketInItsName) {
  const S3Place place = place_of_bucket({}, "eu-west-1", "calls");
  EXPECT_EQ(place.origin, "https://calls.s3.eu-west-1.amazonaws.com");
  EXPECT_EQ(place.host, "calls.s3.eu-west-1.amazonaws.com");
  EXPECT_EQ(place.path, "");
  EXPECT_EQ(place_of_bucket({}, "cn-north-1", "calls").host, "calls.s3.cn-north-1.amazonaws.com.cn");
  const S3Place dotted = place_of_bucket({}, "eu-west-1", "calls.example.org");
  EXPECT_EQ(dotted.host, "s3.eu-west-1.amazonaws.com");
  EXPECT_EQ(dotted.path, "/calls.example.org");
  for (const char* region : {"", "EU", "evil.example/"}) {
    EXPECT_EQ(error_of([&] { place_of_bucket({}, region, "calls"); }).code, ErrorCode::kInvalidArgument) << region;
  }
}

TEST(S3Endpoint, OthersHaveItInThePath) {
  const auto place = [](const char* endpoint) {
    S3Settings settings;
    settings.endpoint = endpoint;
    return place_of_bucket(settings, "auto", "calls");
  };
  EXPECT_EQ(place("http://MinIO.example:9000/").origin, "http://minio.example:9000");
  EXPECT_EQ(place("http://minio.example:9000").path, "/calls");
  EXPECT_EQ(place("https://host:443").host, "host") << "as libcurl's Host header";
  EXPECT_EQ(place("http://[::1]:9000/s3").origin, "http://[::1]:9000");
  EXPECT_EQ(place("http://[::1]:9000/s3").path, "/s3/calls");
  for (const char* bad : {"minio:9000", "ftp://host", "http://", "http://u:p@host", "http://host/?a", "http:// host"}) {
    EXPECT_EQ(error_of([&] { place(bad); }).code, ErrorCode::kInvalidArgument) << bad;
  }
}

TEST(S3Answers, ListPage) {
  const ListPage page = parse_list_page(
      R"(<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>true</IsTruncated>)"
      R"(<EncodingType>url</EncodingType><NextContinuationToken>t/=</NextContinuationToken>)"
      R"(<Contents><Key>a+b%2B%C3%BC%0A</Key><Size>4294967296</Size><ETag>&quot;abc-2&quot;</ETag></Contents>)"
      R"(<Contents><Key>c</Key><Size>0</Size></Contents></ListBucketResult>)");
  ASSERT_EQ(page.objects.size(), 2U);
  EXPECT_EQ(page.objects[0].key, "a b+ü\n");
  EXPECT_EQ(page.objects[0].size_bytes, 4294967296U);
  EXPECT_EQ(page.objects[0].etag, "abc-2");
  EXPECT_EQ(page.objects[1].etag, "");
  EXPECT_EQ(page.next, "t/=");
}

TEST(S3Answers, KeysKeepTheirBlanks) {
  const ListPage page = parse_list_page(
      "<ListBucketResult>\n  <Contents>\n <Key> a+b%20 </Key><Size>1</Size></Contents>\n"
      "<Contents><Key> </Key><Size>1</Size></Contents></ListBucketResult>");
  EXPECT_EQ(page.objects.at(0).key, " a+b%20 ");
  EXPECT_EQ(page.objects.at(1).key, " ");
  EXPECT_EQ(page.next, "");
}

TEST(S3Answers, WhatIsNoneIsRefused) {
  for (const char* xml : {"", "<html>hello</html>", "<ListBucketResult>",
                          "<ListBucketResult><Contents><Key>a</Key><Size>-1</Size></Contents></ListBucketResult>",
                          "<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>",
                          "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>"}) {
    EXPECT_EQ(error_of([&] { parse_list_page(xml); }).code, ErrorCode::kBadData) << xml;
  }
  EXPECT_EQ(error_of([] { parse_upload_id("<InitiateMultipartUploadResult/>"); }).code, ErrorCode::kBadData);
  EXPECT_EQ(parse_upload_id("<InitiateMultipartUploadResult><UploadId>7</UploadId></InitiateMultipartUploadResult>"),
            "7");
  EXPECT_EQ(parse_problem("<html>busy</html>").code, "");
  EXPECT_EQ(parse_problem("not xml").code, "");
}

TEST(S3Answers, EndOfAnUpload) {
  EXPECT_EQ(complete_upload_xml({"a", "b<"}),
            "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
            "<Part><PartNumber>1</PartNumber><ETag>\"a\"</ETag></Part>"
            "<Part><PartNumber>2</PartNumber><ETag>\"b&lt;\"</ETag></Part></CompleteMultipartUpload>");
}

Error explained(int status, const std::string& body) {
  return explain_s3_failure({.doing = "reading",
                             .address = "s3://calls/monday.mp3",
                             .bucket = "calls",
                             .host = "minio:9000",
                             .status = status,
                             .problem = parse_problem(body)});
}

TEST(S3Errors, NameTheObjectTheStatusTheCodeAndTheWayOut) {
  const Error denied = explained(403, "<Error><Code>AccessDenied</Code><Message>Access Denied.</Message></Error>");
  EXPECT_EQ(denied.code(), ErrorCode::kIo);
  EXPECT_THAT(denied.what(), AllOf(HasSubstr("s3://calls/monday.mp3: reading failed: HTTP status 403 AccessDenied"),
                                   HasSubstr("Access Denied."), HasSubstr("s3:GetObject")));
  const Error bucket = explained(404, "<Error><Code>NoSuchBucket</Code></Error>");
  EXPECT_EQ(bucket.code(), ErrorCode::kNotFound);
  EXPECT_THAT(bucket.what(), AllOf(HasSubstr("'calls'"), HasSubstr("minio:9000")));
  EXPECT_THAT(explained(403, "<Error><Code>RequestTimeTooSkewed</Code></Error>").what(), HasSubstr("clock"));
  EXPECT_THAT(
      explained(400, "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>").what(),
      HasSubstr("eu-west-1; set AWS_REGION"));
  EXPECT_EQ(explained(404, "").code(), ErrorCode::kNotFound);
  EXPECT_EQ(explained(503, "<html/>").code(), ErrorCode::kNetwork);
  EXPECT_EQ(explained(507, "<Error><Code>XMinioStorageFull</Code></Error>").code(), ErrorCode::kResourceExhausted);
  EXPECT_EQ(explained(418, "").code(), ErrorCode::kIo);
}

TEST(S3Upload, PartsAreWholeMegabytesAndAtMostTenThousand) {
  S3Settings settings;
  constexpr std::uint64_t kMiB = 1 << 20;
  settings.part_bytes = 16 * kMiB;
  EXPECT_EQ(part_size(settings, 40 * kMiB), 16 * kMiB);
  settings.part_bytes = 1;
  EXPECT_EQ(part_size(settings, 40 * kMiB), 5 * kMiB);
  const std::uint64_t large = std::uint64_t{1} << 40;
  const std::uint64_t part = part_size(settings, large);
  EXPECT_EQ(part % kMiB, 0U);
  EXPECT_LE((large + part - 1) / part, 10'000U);
}

TEST(Retrying, PausesGrowAndAreSpread) {
  StorageSettings settings;
  settings.first_pause = std::chrono::milliseconds(100);
  settings.longest_pause = std::chrono::milliseconds(1000);
  EXPECT_EQ(pause_before(settings, 1, 0.0).count(), 100);
  EXPECT_EQ(pause_before(settings, 2, 0.0).count(), 200);
  EXPECT_EQ(pause_before(settings, 2, 0.5).count(), 150);
  EXPECT_EQ(pause_before(settings, 4, 0.0).count(), 800);
  EXPECT_EQ(pause_before(settings, 5, 0.0).count(), 1000);
  EXPECT_EQ(pause_before(settings, 5000, 0.0).count(), 1000);
}

TEST(Retrying, HappensAfterPassingFailuresAlone) {
  for (const int status : {429, 500, 502, 503, 504}) EXPECT_TRUE(is_transient_answer(status, "")) << status;
  for (const int status : {200, 301, 400, 403, 404, 412, 501, 507}) EXPECT_FALSE(is_transient_answer(status, ""));
  EXPECT_TRUE(is_transient_answer(400, "RequestTimeout"));
  EXPECT_TRUE(is_transient_answer(200, "InternalError"));
  EXPECT_TRUE(is_transient_answer(409, "OperationAborted"));
  EXPECT_FALSE(is_transient_answer(409, "BucketAlreadyExists"));
}

TEST(Retrying, EndsAndCanBeStopped) {
  StorageSettings settings;
  settings.tries = 3;
  settings.first_pause = std::chrono::milliseconds(1);
  Retry retry(settings, {});
  EXPECT_TRUE(retry.again({}));
  EXPECT_TRUE(retry.again({}));
  EXPECT_FALSE(retry.again({}));
  retry.progressed();
  EXPECT_TRUE(retry.again({}));
  std::stop_source stop;
  stop.request_stop();
  Retry stopped(settings, stop.get_token());
  EXPECT_EQ(error_of([&] { stopped.again(std::chrono::seconds(10)); }).code, ErrorCode::kCancelled);
}

TEST(Retrying, TheServerMaySayHowLong) {
  EXPECT_EQ(retry_after({.status = 503, .headers = {{"retry-after", "7"}}, .body = {}}).count(), 7);
  for (const char* text : {"", "soon", "-1", "7x", "Fri, 31 Dec 1999 23:59:59 GMT"}) {
    EXPECT_EQ(retry_after({.status = 503, .headers = {{"retry-after", text}}, .body = {}}).count(), 0) << text;
  }
}

TEST(Hashing, KnownAnswers) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  // RFC 4231, test case 2.
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  Md5 md5;
  md5.update(std::as_bytes(std::span("abc", 3)));
  EXPECT_EQ(md5.hex_digest(), "900150983cd24fb0d6963f7d28e17f72");
}

}  // namespace
}  // namespace amanuensis::storage
