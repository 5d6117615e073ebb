#include "storage/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/object_store.h"
#include "support/error_of.h"

namespace amanuensis::storage {
namespace {

using test::error_of;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Address, SchemesAreTold) {
  for (const char* uri : {"/shared", "calls", ".", "C:/x", "file:///a", "FILE:///a", "a b://c", "://x"}) {
    EXPECT_EQ(scheme_of(uri), Scheme::kFolder) << uri;
  }
  EXPECT_EQ(scheme_of("s3://bucket"), Scheme::kS3);
  EXPECT_EQ(scheme_of("S3://bucket"), Scheme::kS3);
  EXPECT_EQ(scheme_of("https://host/a"), Scheme::kHttp);
  EXPECT_EQ(scheme_of("http://host/a"), Scheme::kHttp);
  for (const char* uri : {"gs://bucket/a", "ftp://host/a", ""}) {
    EXPECT_EQ(error_of([&] { scheme_of(uri); }).code, ErrorCode::kInvalidArgument) << uri;
  }
  EXPECT_THAT(error_of([] { scheme_of("gs://bucket/a"); }).message, HasSubstr("nothing is known of gs://"));
  EXPECT_EQ(error_of([] { scheme_of(std::string(10'000, 'a')); }).code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(has_scheme("s3://x"));
  EXPECT_FALSE(has_scheme("/a://b"));
}

TEST(Address, Folders) {
  EXPECT_EQ(folder_of("file:///shared/my%20calls"), "/shared/my calls");
  EXPECT_EQ(folder_of("file://localhost/a"), "/a");
  EXPECT_EQ(folder_of("calls/100%25"), "calls/100%25") << "a path is no address";
  EXPECT_EQ(error_of([] { folder_of("file://elsewhere/a"); }).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(error_of([] { folder_of("file:///a%00b"); }).code, ErrorCode::kInvalidArgument);
}

TEST(Address, Buckets) {
  EXPECT_EQ(bucket_of("s3://my-bucket").bucket, "my-bucket");
  EXPECT_EQ(bucket_of("s3://my-bucket").prefix, "");
  EXPECT_EQ(bucket_of("s3://my-bucket/").prefix, "");
  EXPECT_EQ(bucket_of("s3://my-bucket/a/b").prefix, "a/b/");
  EXPECT_EQ(bucket_of("s3://my-bucket/a b%20/").prefix, "a b%20/");
  for (const char* uri : {"s3://", "s3:///a", "s3://ab", "s3://-abc", "s3://a_bc?", "s3://a:b@c/d", "s3://abc."}) {
    EXPECT_EQ(error_of([&] { bucket_of(uri); }).code, ErrorCode::kInvalidArgument) << uri;
  }
}

void expect_split(const std::string& uri, const std::string& store, const std::string& key) {
  const ObjectAddress address = split_address(uri);
  EXPECT_EQ(address.store, store) << uri;
  EXPECT_EQ(address.key, key) << uri;
}

TEST(Address, AreSplitIntoStoreAndKey) {
  expect_split("s3://bucket/calls/monday.mp3", "s3://bucket/calls", "monday.mp3");
  expect_split("s3://bucket/monday.mp3", "s3://bucket", "monday.mp3");
  expect_split("s3://bucket/calls/", "s3://bucket/calls", "");
  expect_split("s3://bucket", "s3://bucket", "");
  expect_split("s3://bucket/", "s3://bucket", "");
  expect_split("/shared/a.mp3", "/shared", "a.mp3");
  expect_split("/a.mp3", "/", "a.mp3");
  expect_split("a.mp3", ".", "a.mp3");
  expect_split("file:///shared/a%20b.mp3", "/shared", "a b.mp3");
  expect_split("https://host/x/a%20b.mp3?id=7", "https://host/x/a%20b.mp3?id=7", "a b.mp3");
  expect_split("https://host", "https://host", "recording");
  expect_split("https://host/x/", "https://host/x/", "recording");
}

TEST(Address, AreJoined) {
  EXPECT_EQ(join_address("s3://bucket", "a/b.mp3"), "s3://bucket/a/b.mp3");
  EXPECT_EQ(join_address("s3://bucket/calls/", "a.mp3"), "s3://bucket/calls/a.mp3");
  EXPECT_EQ(join_address("s3://bucket/calls", ""), "s3://bucket/calls");
  EXPECT_EQ(join_address("/shared", "a.mp3"), "/shared/a.mp3");
  EXPECT_EQ(join_address("https://host/a.mp3?id=7", "a.mp3"), "https://host/a.mp3?id=7");
}

TEST(Address, MessagesShowNoSecrets) {
  EXPECT_EQ(without_secrets("https://bob:pw@host:8/a@b.mp3?X-Amz-Signature=1#x"), "https://host:8/a@b.mp3");
  EXPECT_EQ(without_secrets("s3://bucket/a?b"), "s3://bucket/a?b");
  EXPECT_THAT(error_of([] { open_store("https://ho st/a?sig=secret", {}); }).message, Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace amanuensis::storage
