// S3 and http(s) stores against a server that is played by the test, over real sockets: what an emulator does not do on
// demand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "storage/hashing.h"
#include "storage/object_store.h"
#include "support/error_of.h"
#include "support/http_server.h"
#include "support/temp_folder.h"

namespace amanuensis::storage {
namespace {

using test::error_of;
using test::HttpServer;
using test::ServerRequest;
using test::ServerResponse;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string error_xml(const std::string& code) { return "<Error><Code>" + code + "</Code></Error>"; }

// Answers in turn; the last one again and again.
class Script {
 public:
  explicit Script(std::vector<ServerResponse> answers) : answers_(std::move(answers)) {}
  ServerResponse operator()(const ServerRequest&) { return answers_[std::min(turn_++, answers_.size() - 1)]; }

 private:
  std::vector<ServerResponse> answers_;
  std::size_t turn_ = 0;
};

StorageSettings settings_for(const HttpServer& server) {
  StorageSettings settings;
  settings.s3.endpoint = server.url();
  settings.s3.access_key_id = "AKIDEXAMPLE";
  settings.s3.secret_access_key = "secret";
  settings.s3.session_token = "token";
  settings.tries = 3;
  settings.first_pause = std::chrono::milliseconds(1);
  return settings;
}

std::vector<std::string> lines(const HttpServer& server) {
  std::vector<std::string> all;
  for (const ServerRequest& request : server.requests()) all.push_back(request.method + " " + request.target);
  return all;
}

TEST(S3Transfer, RequestsAreSignedAndEncoded) {
  HttpServer server(Script(std::vector{ServerResponse{.body = "x"}}));
  const auto store = open_store("s3://calls/a b", settings_for(server));
  store->write("ü/../1+2.json", "{}");
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].target, "/calls/a%20b/%C3%BC/../1%2B2.json");
  EXPECT_EQ(requests[0].body, "{}");
  EXPECT_EQ(requests[0].headers.at("x-amz-content-sha256"), sha256_hex("{}"));
  EXPECT_EQ(requests[0].headers.at("x-amz-security-token"), "token");
  EXPECT_THAT(requests[0].headers.at("authorization"),
              AllOf(HasSubstr("Credential=AKIDEXAMPLE/"), HasSubstr("/us-east-1/s3/aws4_request"),
                    HasSubstr("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,")));
}

TEST(S3Transfer, AnonymousRequestsCarryNoSignature) {
  HttpServer server(Script(std::vector{ServerResponse{.body = "x"}}));
  StorageSettings settings = settings_for(server);
  settings.s3.access_key_id.clear();
  settings.s3.anonymous = true;
  EXPECT_EQ(open_store("s3://calls", settings)->read("a", 10), "x");
  EXPECT_FALSE(server.requests().at(0).headers.contains("authorization"));
}

TEST(S3Transfer, TriesAgainAfterPassingFailures) {
  HttpServer server(Script({{.status = 503, .body = error_xml("SlowDown")}, {.hang_up = true}, {.status = 200}}));
  open_store("s3://calls", settings_for(server))->write("a", "bytes");
  ASSERT_EQ(server.requests().size(), 3U);
  for (const ServerRequest& request : server.requests()) EXPECT_EQ(request.body, "bytes");
}

TEST(S3Transfer, GivesUpWithTheServersReason) {
  HttpServer server(Script({{.status = 503, .body = error_xml("SlowDown")}}));
  auto error = error_of([&] { open_store("s3://calls", settings_for(server))->write("a", "x"); });
  EXPECT_EQ(error.code, ErrorCode::kNetwork);
  EXPECT_THAT(error.message, HasSubstr("s3://calls/a: writing failed: HTTP status 503 SlowDown"));
  EXPECT_EQ(server.requests().size(), 3U);

  HttpServer silent(Script(std::vector{ServerResponse{.hang_up = true}}));
  error = error_of([&] { open_store("s3://calls", settings_for(silent))->remove("a"); });
  EXPECT_EQ(error.code, ErrorCode::kNetwork);
  EXPECT_THAT(error.message, HasSubstr("gave up after 3 tries"));
}

TEST(S3Transfer, OtherFailuresAreNotRepeated) {
  HttpServer server(Script({{.status = 403, .body = error_xml("SignatureDoesNotMatch")}}));
  const auto error = error_of([&] { open_store("s3://calls", settings_for(server))->read("a", 10); });
  EXPECT_EQ(error.code, ErrorCode::kIo);
  EXPECT_THAT(error.message, AllOf(HasSubstr("AWS_SECRET_ACCESS_KEY"), Not(HasSubstr("secret "))));
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST(S3Transfer, GoesToTheRegionOfTheBucket) {
  HttpServer server([](const ServerRequest& request) {
    if (request.headers.at("authorization").find("/eu-west-1/s3/") != std::string::npos) return ServerResponse{};
    return ServerResponse{.status = 301, .headers = {{"x-amz-bucket-region", "eu-west-1"}}, .body = ""};
  });
  const auto store = open_store("s3://calls", settings_for(server));
  store->write("a", "x");
  store->write("b", "x");
  EXPECT_EQ(server.requests().size(), 3U) << "learned once";
}

TEST(S3Transfer, ListsPageByPageAndStopsWhenTold) {
  const auto page = [](const char* keys, const char* rest) {
    return ServerResponse{.body = std::string("<ListBucketResult>") + keys + rest + "</ListBucketResult>"};
  };
  HttpServer server([&](const ServerRequest& request) {
    if (request.target.find("continuation-token=next%3D") != std::string::npos) {
      return page("<Contents><Key>p/c</Key><Size>3</Size></Contents>", "");
    }
    return page(
        "<Contents><Key>p/</Key><Size>0</Size></Contents><Contents><Key>p/a</Key><Size>1</Size></Contents>"
        "<Contents><Key>p/b/</Key><Size>0</Size></Contents><Contents><Key>p/b</Key><Size>2</Size></Contents>",
        "<IsTruncated>true</IsTruncated><NextContinuationToken>next=</NextContinuationToken>");
  });
  const auto store = open_store("s3://calls/p", settings_for(server));
  std::vector<std::string> keys;
  const auto take = [&](const ObjectInfo& info) {
    keys.push_back(info.key);
    return true;
  };
  store->list("", take);
  EXPECT_THAT(keys, ElementsAre("a", "b", "c"));
  EXPECT_THAT(server.requests().at(0).target, HasSubstr("prefix=p%2F"));
  store->list("", [&](const ObjectInfo&) { return false; });
  EXPECT_EQ(server.requests().size(), 3U) << "the second page is not asked for";
}

class PartedTest : public ::testing::Test {
 protected:
  static StorageSettings small_parts(const HttpServer& server) {
    StorageSettings settings = settings_for(server);
    settings.s3.multipart_from_bytes = 1 << 20;
    settings.s3.part_bytes = 5 << 20;
    return settings;
  }
  // A server of uploads in parts; `fails` may answer instead.
  using Instead = std::function<std::optional<ServerResponse>(const ServerRequest&)>;
  static HttpServer::Handler uploads(Instead fails) {
    return [fails = std::move(fails)](const ServerRequest& request) {
      if (auto instead = fails(request)) return *instead;
      if (request.method == "POST" && request.target.ends_with("?uploads=")) {
        return ServerResponse{
            .body = "<InitiateMultipartUploadResult><UploadId>u 1</UploadId></InitiateMultipartUploadResult>"};
      }
      if (request.method == "DELETE") return ServerResponse{.status = 204};
      return ServerResponse{.headers = {{"ETag", "\"e" + std::to_string(request.body.size()) + "\""}}, .body = ""};
    };
  }
  static std::optional<ServerResponse> nothing(const ServerRequest&) { return std::nullopt; }

  test::TempFolder folder_;
  std::filesystem::path source_ = folder_.write("source", std::string((11 << 20) + 7, 'x'));
};

TEST_F(PartedTest, LargeFilesGoInParts) {
  HttpServer server(uploads(nothing));
  std::uint64_t moved = 0;
  open_store("s3://calls", small_parts(server))->write_file("a", source_, {.on_bytes = [&](std::uint64_t bytes) {
                                                              moved = bytes;
                                                            }});
  EXPECT_THAT(lines(server), ElementsAre("POST /calls/a?uploads=", "PUT /calls/a?partNumber=1&uploadId=u%201",
                                         "PUT /calls/a?partNumber=2&uploadId=u%201",
                                         "PUT /calls/a?partNumber=3&uploadId=u%201", "POST /calls/a?uploadId=u%201"));
  EXPECT_EQ(server.requests().at(3).body.size(), (1U << 20) + 7);
  EXPECT_THAT(server.requests().at(4).body,
              AllOf(HasSubstr("<PartNumber>3</PartNumber><ETag>\"e1048583\"</ETag>"), HasSubstr("\"e5242880\"")));
  EXPECT_EQ(moved, (11U << 20) + 7);
}

TEST_F(PartedTest, WhatFailsIsTakenBack) {
  HttpServer server(uploads([](const ServerRequest& request) {
    return request.target.find("partNumber=2") != std::string::npos
               ? std::optional(ServerResponse{.status = 403, .body = error_xml("AccessDenied")})
               : std::nullopt;
  }));
  const auto error = error_of([&] { open_store("s3://calls", small_parts(server))->write_file("a", source_); });
  EXPECT_EQ(error.code, ErrorCode::kIo);
  EXPECT_THAT(error.message, AllOf(HasSubstr("sending part 2 failed"), Not(HasSubstr("could not be removed"))));
  EXPECT_EQ(lines(server).back(), "DELETE /calls/a?uploadId=u%201");
}

TEST_F(PartedTest, StoppingTakesItBack) {
  HttpServer server(uploads(nothing));
  std::stop_source stop;
  const auto error = error_of([&] {
    open_store("s3://calls", small_parts(server))
        ->write_file("a", source_, {.stop = stop.get_token(), .on_bytes = [&](std::uint64_t bytes) {
                                      if (bytes > (6U << 20)) stop.request_stop();
                                    }});
  });
  EXPECT_EQ(error.code, ErrorCode::kCancelled);
  EXPECT_EQ(lines(server).back(), "DELETE /calls/a?uploadId=u%201");
}

TEST_F(PartedTest, SaysWhenPartsStay) {
  HttpServer server(uploads([](const ServerRequest& request) {
    const bool fails = request.target.find("partNumber=2") != std::string::npos || request.method == "DELETE";
    return fails ? std::optional(ServerResponse{.status = 403, .body = error_xml("AccessDenied")}) : std::nullopt;
  }));
  const auto error = error_of([&] { open_store("s3://calls", small_parts(server))->write_file("a", source_); });
  EXPECT_THAT(error.message, HasSubstr("could not be removed"));
}

TEST_F(PartedTest, AFailureSaidAfterA200IsAFailure) {
  int ends = 0;
  HttpServer server(uploads([&](const ServerRequest& request) {
    const bool ending = request.method == "POST" && request.target.ends_with("uploadId=u%201");
    if (!ending || ++ends > 1) return std::optional<ServerResponse>();
    return std::optional(ServerResponse{.status = 200, .body = error_xml("InternalError")});
  }));
  open_store("s3://calls", small_parts(server))->write_file("a", source_);
  EXPECT_EQ(ends, 2);
}

TEST_F(PartedTest, AnEndWhoseAnswerWasLostIsAnEnd) {
  int ends = 0;
  HttpServer server(uploads([&](const ServerRequest& request) {
    if (request.method == "HEAD") {
      return std::optional(ServerResponse{.headers = {{"Content-Length", std::to_string((11 << 20) + 7)}}, .body = ""});
    }
    const bool ending = request.method == "POST" && request.target.ends_with("uploadId=u%201");
    if (!ending) return std::optional<ServerResponse>();
    if (++ends == 1) return std::optional(ServerResponse{.hang_up = true});
    return std::optional(ServerResponse{.status = 404, .body = error_xml("NoSuchUpload")});
  }));
  open_store("s3://calls", small_parts(server))->write_file("a", source_);
  EXPECT_EQ(ends, 2);
}

TEST_F(PartedTest, AFileThatChangesIsNotStored) {
  std::filesystem::path source = source_;
  HttpServer server(uploads([&](const ServerRequest& request) {
    if (request.target.find("partNumber=1") != std::string::npos) std::filesystem::resize_file(source, 6 << 20);
    return std::optional<ServerResponse>();
  }));
  const auto error = error_of([&] { open_store("s3://calls", small_parts(server))->write_file("a", source_); });
  EXPECT_EQ(error.code, ErrorCode::kBadData);
  EXPECT_THAT(error.message, HasSubstr("changed while it was sent"));
  EXPECT_EQ(lines(server).back(), "DELETE /calls/a?uploadId=u%201");
}

TEST(S3Transfer, ConditionalWrites) {
  std::map<std::string, ServerResponse> put;
  HttpServer server([&](const ServerRequest& request) {
    if (request.method == "HEAD") return ServerResponse{.status = 404};
    EXPECT_EQ(request.headers.contains("if-none-match"), request.headers.contains("x-amz-date") && !put.empty());
    ServerResponse answer = put.empty() ? ServerResponse{} : put.begin()->second;
    put.clear();
    return answer;
  });
  const auto store = open_store("s3://calls", settings_for(server));
  put["condition met"] = {.status = 200};
  EXPECT_TRUE(store->write_if_absent("a", "x"));
  put["somebody was first"] = {.status = 412, .body = error_xml("PreconditionFailed")};
  EXPECT_FALSE(store->write_if_absent("a", "x"));
  put["conditions unknown"] = {.status = 501, .body = error_xml("NotImplemented")};
  EXPECT_TRUE(store->write_if_absent("a", "x"));
}

TEST(S3Transfer, AWriteWhoseAnswerWasLostIsOurs) {
  Md5 md5;
  md5.update(std::as_bytes(std::span("ours", 4)));
  const std::string etag = md5.hex_digest().value();
  int heads = 0;
  int puts = 0;
  HttpServer server([&](const ServerRequest& request) {
    if (request.method == "HEAD") {
      return ++heads == 1 ? ServerResponse{.status = 404} : ServerResponse{.headers = {{"ETag", etag}}, .body = ""};
    }
    return ++puts == 1 ? ServerResponse{.hang_up = true} : ServerResponse{.status = 412};
  });
  EXPECT_TRUE(open_store("s3://calls", settings_for(server))->write_if_absent("a", "ours"));
}

TEST(S3Transfer, MissingCredentialsAreSaidAtOnce) {
  const auto error = error_of([] { open_store("s3://calls", {}); });
  EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.message, AllOf(HasSubstr("s3://calls"), HasSubstr("AWS_ACCESS_KEY_ID"), HasSubstr("AWS_PROFILE")));
}

class HttpStoreTest : public ::testing::Test {
 protected:
  static StorageSettings allowing() {
    StorageSettings settings;
    settings.allow_private = true;
    settings.tries = 3;
    settings.first_pause = std::chrono::milliseconds(1);
    return settings;
  }
  test::TempFolder folder_;
};

TEST_F(HttpStoreTest, OneRecordingByAddress) {
  HttpServer server(Script({{.headers = {{"ETag", "\"v1\""}}, .body = "0123456789"}}));
  const std::string address = server.url() + "/x/a%20b.mp3?sig=1";
  const auto store = open_store(address, allowing());
  EXPECT_EQ(store->uri("a b.mp3"), address);
  std::vector<std::string> keys;
  store->list("", [&](const ObjectInfo& info) {
    keys.push_back(info.key);
    EXPECT_EQ(info.size_bytes, 10U);
    EXPECT_EQ(info.etag, "\"v1\"");
    return true;
  });
  EXPECT_THAT(keys, ElementsAre("a b.mp3"));
  store->download("a b.mp3", folder_.path() / "a.mp3");
  EXPECT_EQ(test::read_file(folder_.path() / "a.mp3"), "0123456789");
  EXPECT_EQ(server.requests().back().target, "/x/a%20b.mp3?sig=1");
  EXPECT_FALSE(store->exists("other"));
  EXPECT_EQ(error_of([&] { store->read("other", 10); }).code, ErrorCode::kNotFound);
  EXPECT_EQ(error_of([&] { store->read("a b.mp3", 9); }).code, ErrorCode::kBadData);
  EXPECT_EQ(error_of([&] { store->write("a b.mp3", "x"); }).code, ErrorCode::kUnsupported);
  EXPECT_EQ(error_of([&] { store->remove("a b.mp3"); }).code, ErrorCode::kUnsupported);
}

TEST_F(HttpStoreTest, PrivateAddressesAreRefused) {
  HttpServer server(Script(std::vector{ServerResponse{.body = "secret"}}));
  const auto error = error_of([&] { open_store(server.url() + "/a?sig=hidden", {})->read("a", 100); });
  EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.message, AllOf(HasSubstr("not public"), Not(HasSubstr("hidden"))));
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(HttpStoreTest, ResumesTheSameVersionAlone) {
  int turn = 0;
  HttpServer server([&](const ServerRequest& request) {
    if (++turn == 1) {
      return ServerResponse{.headers = {{"ETag", "\"v1\""}}, .body = "0123456789", .cut_after_bytes = 4};
    }
    EXPECT_EQ(request.headers.at("range"), "bytes=4-");
    EXPECT_EQ(request.headers.at("if-range"), "\"v1\"");
    return ServerResponse{
        .status = 206, .headers = {{"ETag", "\"v1\""}, {"Content-Range", "bytes 4-9/10"}}, .body = "456789"};
  });
  EXPECT_EQ(open_store(server.url() + "/a", allowing())->read("a", 100), "0123456789");
  EXPECT_EQ(turn, 2);
}

TEST_F(HttpStoreTest, AServerThatKnowsNoVersionsSendsAllOfItAgain) {
  int turn = 0;
  HttpServer server([&](const ServerRequest& request) {
    EXPECT_FALSE(request.headers.contains("range"));
    ServerResponse answer{.body = "0123456789"};
    if (++turn == 1) answer.cut_after_bytes = 4;
    return answer;
  });
  EXPECT_EQ(open_store(server.url() + "/a", allowing())->read("a", 100), "0123456789");
}

TEST_F(HttpStoreTest, AddressesSignedForReadingAloneHaveASize) {
  HttpServer server([](const ServerRequest& request) {
    if (request.method == "HEAD") return ServerResponse{.status = 403};
    EXPECT_EQ(request.headers.at("range"), "bytes=0-0");
    return ServerResponse{.status = 206, .headers = {{"Content-Range", "bytes 0-0/1234"}}, .body = "0"};
  });
  EXPECT_EQ(open_store(server.url() + "/a", allowing())->find("a")->size_bytes, 1234U);
}

TEST_F(HttpStoreTest, SaysWhatIsWrong) {
  HttpServer server([](const ServerRequest& request) {
    return ServerResponse{.status = request.target == "/gone" ? 404 : request.target == "/closed" ? 401 : 500};
  });
  const auto failure = [&](const std::string& name) {
    return error_of([&] { open_store(server.url() + "/" + name, allowing())->download(name, folder_.path() / "x"); });
  };
  EXPECT_EQ(failure("gone").code, ErrorCode::kNotFound);
  EXPECT_EQ(failure("closed").code, ErrorCode::kIo);
  EXPECT_EQ(failure("broken").code, ErrorCode::kNetwork);
  EXPECT_FALSE(open_store(server.url() + "/gone", allowing())->exists("gone"));
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path())) << "nothing half-written stays";
}

TEST_F(HttpStoreTest, AFullTargetIsSaid) {
  HttpServer server(Script(std::vector{ServerResponse{.body = "0123456789"}}));
  const auto error = error_of(
      [&] { open_store(server.url() + "/a", allowing())->download("a", folder_.path() / "absent" / "a.mp3"); });
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace amanuensis::storage
