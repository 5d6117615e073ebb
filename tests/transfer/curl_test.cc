#include "transfer/curl.h"

#include <curl/curl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace amanuensis::transfer {
namespace {

using ::testing::Pair;
using ::testing::UnorderedElementsAre;

TEST(HeadOfAnAnswer, IsThatOfTheLast) {
  int status = 0;
  Headers headers;
  EXPECT_TRUE(read_head_line("HTTP/1.1 302 Found\r\n", status, headers));
  EXPECT_EQ(status, 302);
  EXPECT_FALSE(read_head_line("Location: https://elsewhere/x:y \r\n", status, headers));
  EXPECT_THAT(headers, UnorderedElementsAre(Pair("location", "https://elsewhere/x:y")));
  EXPECT_TRUE(read_head_line("HTTP/2 206\r\n", status, headers));
  EXPECT_EQ(status, 206);
  EXPECT_TRUE(headers.empty());
  read_head_line("ETag: \"a\"\r\n", status, headers);
  read_head_line("etag:\r\n", status, headers);
  read_head_line("no header\r\n", status, headers);
  read_head_line("\r\n", status, headers);
  EXPECT_THAT(headers, UnorderedElementsAre(Pair("etag", "")));
}

TEST(HeadOfAnAnswer, MayBeHostile) {
  int status = 7;
  Headers headers;
  for (const char* line : {"HTTP/", "HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 x99"}) {
    EXPECT_TRUE(read_head_line(line, status, headers)) << line;
    EXPECT_EQ(status, 0) << line;
  }
  read_head_line("HTTP/1.1 99999999999999999999", status, headers);
  EXPECT_EQ(status, 999);
  for (int i = 0; i < 10'000; ++i) read_head_line("name" + std::to_string(i) + ": value", status, headers);
  EXPECT_LE(headers.size(), 200U);
  EXPECT_FALSE(read_head_line("", status, headers));
}

TEST(Failures, PassWhenTheConnectionFailedAndNotWhenItWasRefused) {
  for (const CURLcode code : {CURLE_COULDNT_CONNECT, CURLE_PARTIAL_FILE, CURLE_OPERATION_TIMEDOUT, CURLE_RECV_ERROR})
    EXPECT_TRUE(is_transient(code)) << code;
  for (const CURLcode code : {CURLE_PEER_FAILED_VERIFICATION, CURLE_UNSUPPORTED_PROTOCOL, CURLE_WRITE_ERROR})
    EXPECT_FALSE(is_transient(code)) << code;
  initialise_curl();
  initialise_curl();
}

}  // namespace
}  // namespace amanuensis::transfer
