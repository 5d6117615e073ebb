// Downloads over a connection that is played by the test.
#include "storage/download.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "storage/hashing.h"
#include "support/error_of.h"

namespace amanuensis::storage {
namespace {

using test::error_of;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string md5_of(const std::string& bytes) {
  Md5 md5;
  md5.update(std::as_bytes(std::span(bytes)));
  return md5.hex_digest().value();
}

// What a server does with one request.
struct Played {
  int status = 200;
  std::string body = {};  // from the first byte that is sent
  std::string etag = {};
  std::string total = {};                // of a 206
  bool breaks = false;                   // after the body
  std::uint64_t announced = UINT64_MAX;  // Content-Length; else the body's size
};

class DownloadTest : public ::testing::Test {
 protected:
  ObjectInfo run(std::vector<Played> script, std::uint64_t max_bytes = 1000) {
    std::size_t turn = 0;
    const DownloadSource source{
        .address = "s3://calls/a",
        .ask =
            [&](std::uint64_t first, const std::string& etag, const DownloadSource::Sink& sink) {
              asked_.push_back(std::to_string(first) + (etag.empty() ? "" : " " + etag));
              if (turn == script.size()) throw Error(ErrorCode::kInternal, "asked too often");
              const Played& played = script[turn++];
              HttpAnswer answer{.status = played.status, .headers = {{"etag", played.etag}}, .body = {}};
              const std::uint64_t length = played.announced == UINT64_MAX ? played.body.size() : played.announced;
              answer.headers["content-length"] = std::to_string(length);
              if (played.status == 206) {
                answer.headers["content-range"] = "bytes " + std::to_string(first) + "-9/" + played.total;
              }
              if (played.status < 300) {
                if (!played.body.empty()) sink(answer, std::as_bytes(std::span(played.body)));
              } else {
                answer.body = played.body;
              }
              if (played.breaks) throw TransferError("connection reset", true);
              return answer;
            },
        .etag_of = [](const HttpAnswer& answer) { return answer.header("etag"); },
        .explain = [](const HttpAnswer& answer) { return Error(ErrorCode::kIo, std::to_string(answer.status)); },
        .etag_is_md5 = [](const HttpAnswer& answer) { return answer.header("etag").size() == 32; },
        .max_bytes = max_bytes};
    StorageSettings settings;
    settings.tries = 3;
    settings.first_pause = std::chrono::milliseconds(0);
    return download_object(source,
                           {.restart = [&] { got_.clear(); },
                            .take =
                                [&](std::span<const std::byte> piece) {
                                  got_.append(reinterpret_cast<const char*>(piece.data()), piece.size());
                                }},
                           settings, {.on_bytes = [&](std::uint64_t bytes) { heard_.push_back(bytes); }});
  }

  std::vector<std::string> asked_;
  std::string got_;
  std::vector<std::uint64_t> heard_;
};

TEST_F(DownloadTest, AtOnce) {
  const ObjectInfo info = run({{.body = "0123456789", .etag = "e"}});
  EXPECT_EQ(got_, "0123456789");
  EXPECT_EQ(info.size_bytes, 10U);
  EXPECT_EQ(info.etag, "e");
  EXPECT_THAT(heard_, ElementsAre(10));
  EXPECT_THAT(asked_, ElementsAre("0"));
}

TEST_F(DownloadTest, NothingIsSomething) {
  EXPECT_EQ(run({{.body = "", .etag = md5_of("")}}).size_bytes, 0U);
  EXPECT_EQ(got_, "");
}

TEST_F(DownloadTest, ResumesWhereItBrokeOff) {
  const std::string etag = md5_of("0123456789");
  run({{.body = "0123", .etag = etag, .breaks = true, .announced = 10},
       {.status = 503},
       {.status = 206, .body = "45", .etag = etag, .total = "10"},
       {.status = 206, .body = "6789", .etag = etag, .total = "10"}});
  EXPECT_EQ(got_, "0123456789");
  EXPECT_THAT(asked_, ElementsAre("0", "4 " + etag, "4 " + etag, "6 " + etag));
  EXPECT_THAT(heard_, ElementsAre(4, 6, 10));
}

TEST_F(DownloadTest, BeginsAnewWhenTheObjectHasChanged) {
  run({{.body = "0123", .etag = "old", .breaks = true, .announced = 10},
       {.status = 412},
       {.body = "abc", .etag = "new"}});
  EXPECT_EQ(got_, "abc");
  EXPECT_THAT(asked_, ElementsAre("0", "4 old", "0"));
  EXPECT_THAT(heard_, ElementsAre(4, 0, 3));
}

TEST_F(DownloadTest, BeginsAnewWhenTheServerSendsAllOfItOrAnother) {
  EXPECT_EQ(run({{.body = "0123", .etag = "e", .breaks = true, .announced = 10}, {.body = "0123456789", .etag = "e"}})
                .size_bytes,
            10U);
  EXPECT_EQ(got_, "0123456789");
  got_.clear();
  const auto mixed = error_of([&] {
    run({{.body = "0123", .etag = "e", .breaks = true, .announced = 10},
         {.status = 206, .body = "xyz", .etag = "other", .total = "7"}});
  });
  EXPECT_EQ(mixed.code, ErrorCode::kNetwork) << "the rest of another object is no object";
}

TEST_F(DownloadTest, AWrongChecksumIsNoObject) {
  const auto error = error_of([&] { run({{.body = "0123456789", .etag = md5_of("something else")}}); });
  EXPECT_EQ(error.code, ErrorCode::kBadData);
  EXPECT_THAT(error.message, AllOf(HasSubstr("s3://calls/a"), HasSubstr(md5_of("0123456789"))));
}

TEST_F(DownloadTest, GivesUpWhenNothingMoves) {
  const auto broken = [] { return Played{.body = "", .breaks = true}; };
  auto error = error_of([&] { run({broken(), broken(), broken()}); });
  EXPECT_EQ(error.code, ErrorCode::kNetwork);
  EXPECT_THAT(error.message, AllOf(HasSubstr("connection reset"), HasSubstr("gave up after 3 tries")));
  error = error_of([&] { run({{.status = 503}, {.status = 503}, {.status = 503}}); });
  EXPECT_EQ(error.message, "503") << "the last answer explains";
  EXPECT_EQ(error_of([&] { run({{.status = 403}}); }).message, "403");
}

TEST_F(DownloadTest, ProgressEarnsNewTries) {
  std::vector<Played> script{{.body = "0", .etag = "e", .breaks = true, .announced = 10}};
  for (int i = 1; i < 10; ++i) {
    script.push_back({.status = 503});
    script.push_back({.status = 206, .body = std::to_string(i), .etag = "e", .total = "10", .breaks = i < 9});
  }
  run(script);
  EXPECT_EQ(got_, "0123456789");
}

TEST_F(DownloadTest, TooLargeIsSaidBeforeItIsRead) {
  auto error = error_of([&] { run({{.body = "0", .announced = 11}}, 10); });
  EXPECT_EQ(error.code, ErrorCode::kBadData);
  EXPECT_EQ(got_, "");
  error = error_of([&] { run({{.body = "0123456789a", .announced = 5}}, 10); });
  EXPECT_EQ(error.code, ErrorCode::kBadData) << "a server that announces less than it sends";
}

}  // namespace
}  // namespace amanuensis::storage
