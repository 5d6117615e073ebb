// The parts of the server that need no socket.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "base/error.h"
#include "server/auth/gate.h"
#include "server/auth/hosts.h"
#include "server/auth/keys.h"
#include "server/endpoints/transcription_form.h"
#include "server/http/events.h"
#include "server/http/http_error.h"
#include "server/http/router.h"
#include "server/jobs/webhooks.h"
#include "server/live/realtime_events.h"
#include "server/net/outbound.h"
#include "server/transcript/transcript_json.h"
#include "support/temp_folder.h"

namespace amanuensis::server {
namespace {

using ::testing::HasSubstr;

template <typename Call>
ErrorBody refused(const Call& call) {
  try {
    call();
  } catch (const HttpError& error) {
    return error.body();
  }
  ADD_FAILURE() << "nothing was refused";
  return {};
}

TEST(Router, FindsRoutesAndSaysWhatIsAllowed) {
  const Router router({{.method = "GET", .path = "/"},
                       {.method = "GET", .path = "/v1/jobs"},
                       {.method = "POST", .path = "/v1/jobs"},
                       {.method = "GET", .path = "/v1/jobs/{id}/events"},
                       {.method = "GET", .path = "/assets/{name...}"}});
  EXPECT_EQ(router.find("GET", "/").route->path, "/");
  EXPECT_EQ(router.find("HEAD", "/v1/jobs").route->method, "GET");
  EXPECT_EQ(router.find("GET", "/v1/jobs/a%2Fb/events").values.at("id"), "a%2Fb");
  EXPECT_EQ(router.find("GET", "/assets/app/main.js").values.at("name"), "app/main.js");
  EXPECT_EQ(router.find("DELETE", "/v1/jobs").route, nullptr);
  EXPECT_EQ(router.find("DELETE", "/v1/jobs").allowed, "GET, HEAD, POST");
  for (const char* none : {"", "/v1", "/v1/jobs/", "/v1/jobs//events", "/v1/jobs/a/events/b", "//", "/assets"}) {
    EXPECT_EQ(router.find("GET", none).route, nullptr) << none;
    EXPECT_EQ(router.find("GET", none).allowed, "") << none;
  }
}

TEST(Target, IsTakenApart) {
  Request request;
  parse_target("/a%20b?x=1+2&y=%26&x=3&&z", request);
  EXPECT_EQ(request.path, "/a b");
  EXPECT_EQ(request.query_value("x"), "1 2");
  EXPECT_EQ(request.query_value("y"), "&");
  EXPECT_EQ(request.query_value("z"), "");
  EXPECT_EQ(request.query_value("none"), std::nullopt);
  for (const char* bad : {"no-slash", "/%", "/%4", "/%zz", "/%00"}) {
    Request other;
    EXPECT_EQ(refused([&] { parse_target(bad, other); }).status, 400) << bad;
  }
}

TEST(Events, AreWrittenLineByLine) {
  EXPECT_EQ(event_text({.data = "a\nb", .name = "n", .id = "1-2"}), "event: n\nid: 1-2\ndata: a\ndata: b\n\n");
  EXPECT_EQ(event_text({.data = ""}), "data: \n\n");
}

TEST(Form, NamesTheFieldThatMakesNoSense) {
  const auto param = [](std::map<std::string, std::vector<std::string>, std::less<>> fields) {
    Form form;
    form.fields = std::move(fields);
    return refused([&] { parse_transcription_form(form, {}); }).param;
  };
  EXPECT_EQ(param({{"response_format", {"xml"}}}), "response_format");
  EXPECT_EQ(param({{"response_format", {"diarized_json"}}, {"min_speakers", {"many"}}}), "min_speakers");
  EXPECT_EQ(param({{"timestamp_granularities[]", {"word"}}}), "timestamp_granularities");
  EXPECT_EQ(param({{"response_format", {"verbose_json"}}, {"timestamp_granularities[]", {"letter"}}}),
            "timestamp_granularities");
  EXPECT_EQ(param({{"language", {"klingon"}}}), "language");
  EXPECT_EQ(param({{"temperature", {"2"}}}), "temperature");
  EXPECT_EQ(param({{"temperature", {"nan"}}}), "temperature");
  EXPECT_EQ(param({{"stream", {"perhaps"}}}), "stream");
  EXPECT_EQ(param({{"include[]", {"everything"}}}), "include");
  EXPECT_EQ(param({{"chunking_strategy", {"[]"}}}), "chunking_strategy");
  EXPECT_EQ(param({{"chunking_strategy", {R"({"type": "server_vad", "threshold": 9})"}}}), "chunking_strategy");
}

TEST(Form, MeansWhatOpenAisFieldsMean) {
  Form form;
  form.fields = {{"response_format", {"verbose_json"}},
                 {"timestamp_granularities[]", {"word", "segment"}},
                 {"language", {"German"}},
                 {"temperature", {"0.4"}},
                 {"chunking_strategy[type]", {"server_vad"}},
                 {"chunking_strategy[threshold]", {"0.25"}}};
  const TranscriptionParams params = parse_transcription_form(form, {.translate = true, .beam_size = 3});
  EXPECT_TRUE(params.words);
  EXPECT_TRUE(params.segments);
  EXPECT_EQ(params.options.transcribe.language, "de");
  EXPECT_EQ(params.options.transcribe.fallback.temperatures, std::vector<double>{0.4});
  EXPECT_EQ(params.options.transcribe.decoding.beam_size, 3U);
  EXPECT_EQ(params.options.transcribe.decoding.task, decoding::Task::kTranslate);
  EXPECT_TRUE(params.options.vad_filter);
  EXPECT_EQ(params.options.segmenter.speech.threshold, 0.25);
}

TEST(Keys, AreKeptAsHashesAndLimited) {
  const test::TempFolder folder;
  const std::string secret = make_key();
  const ApiKey key{.name = "alice", .hash = hash_key(secret), .admin = true, .per_minute = 2, .running = 1};
  const auto file = folder.path() / "keys";
  std::ofstream(file) << "# people\n\n" << key_line(key);
  KeyRing ring(read_key_file(file));
  const ApiKey* found = ring.find(secret);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->name, "alice");
  EXPECT_TRUE(found->admin);
  EXPECT_EQ(ring.find("amk_wrong"), nullptr);
  EXPECT_EQ(ring.find(key.hash), nullptr);

  const Clock::time_point now = Clock::now();
  ring.begin(*found, now);
  EXPECT_EQ(refused([&] { ring.begin(*found, now); }).status, 429);  // one at once
  ring.end("alice");
  ring.begin(*found, now);
  ring.end("alice");
  const ErrorBody third = refused([&] { ring.begin(*found, now); });  // two a minute
  EXPECT_EQ(third.status, 429);
  EXPECT_EQ(third.headers.at("retry-after"), "30");
  ring.begin(*found, now + std::chrono::seconds(31));
}

TEST(Keys, SayWhichLineIsWrong) {
  const test::TempFolder folder;
  const auto file = folder.path() / "keys";
  std::ofstream(file) << "# one\nalice secret-in-plain-text\n";
  try {
    read_key_file(file);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("line 2"));
  }
  std::ofstream(file) << "# nobody yet\n\n";
  try {
    read_key_file(file);
    FAIL() << "a file without keys would let everybody in";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("keys new"));
  }
}

TEST(Gate, LetsInWhoMay) {
  const std::string secret = make_key();
  Gate gate(KeyRing({{.name = "bob", .hash = hash_key(secret)}}), {"https://friend.example"});
  const Route open{.method = "GET", .path = "/health", .access = Access::kEverybody};
  const Route keyed{.method = "POST", .path = "/v1/jobs", .access = Access::kKey};
  const Route admin{.method = "POST", .path = "/v1/models/pull", .access = Access::kAdmin};
  const auto request = [](Headers headers) {
    Request made;
    made.method = "POST";
    made.headers = std::move(headers);
    made.headers["host"] = "here:9004";
    made.caller.address = "127.0.0.1";
    return made;
  };
  Request nobody = request({});
  gate.admit(nobody, open);
  EXPECT_EQ(refused([&] { gate.admit(nobody, keyed); }).code, "missing_api_key");
  Request wrong = request({{"authorization", "Bearer nothing"}});
  EXPECT_EQ(refused([&] { gate.admit(wrong, keyed); }).code, "invalid_api_key");
  Request bob = request({{"authorization", "Bearer " + secret}});
  gate.admit(bob, keyed);
  EXPECT_EQ(bob.caller.key_name, "bob");
  EXPECT_EQ(refused([&] { gate.admit(bob, admin); }).status, 403);
  Request other_header = request({{"x-api-key", secret}});
  gate.admit(other_header, keyed);
  Request browser = request({{"sec-websocket-protocol", "realtime, openai-insecure-api-key." + secret}});
  gate.admit(browser, keyed);

  Request stranger = request({{"authorization", "Bearer " + secret}, {"origin", "https://evil.example"}});
  EXPECT_EQ(refused([&] { gate.admit(stranger, keyed); }).code, "origin_refused");
  Request same = request({{"authorization", "Bearer " + secret}, {"origin", "http://here:9004"}});
  gate.admit(same, keyed);
  Request ally = request({{"authorization", "Bearer " + secret}, {"origin", "https://friend.example"}});
  gate.admit(ally, keyed);
  Response response;
  gate.add_cors_headers(ally, response);
  EXPECT_EQ(response.headers["access-control-allow-origin"], "https://friend.example");
}

TEST(Hosts, AreNamesThatNobodyCanPointHere) {
  EXPECT_EQ(host_name("Example.org.:9004"), "example.org");
  EXPECT_EQ(host_name("[::1]:9004"), "::1");
  EXPECT_EQ(host_name("[::1"), "::1");
  EXPECT_EQ(host_name("::1"), "::1");
  const HostRules rules{.checked = true, .allowed = {"STT.example.org", "*.inside.example", "0.0.0.0"}};
  for (const char* good :
       {"", "localhost", "localhost:9004", "LOCALHOST", "127.0.0.1:9004", "192.168.1.5", "[fe80::1]:9004",
        "amanuensis:9004", "box.local", "box.lan.", "a.b.internal", "x.home.arpa", "app.localhost:1", "stt.example.org",
        "Stt.Example.Org.:443", "a.inside.example", "a.b.inside.example"}) {
    EXPECT_TRUE(allows_host(rules, good)) << good;
  }
  for (const char* bad : {"evil.example", "evil.example:9004", "localhost.evil.example", "127.0.0.1.evil.example",
                          "xstt.example.org", "stt.example.org.evil.example", "inside.example", "xinside.example",
                          ":9004", "[]:9004", ".", "1.2.3", "local.com", "evil.local.com"}) {
    EXPECT_FALSE(allows_host(rules, bad)) << bad;
  }
  EXPECT_TRUE(allows_host({}, "evil.example"));
  EXPECT_TRUE(allows_host({.checked = true, .allowed = {"*"}}, "evil.example"));
}

TEST(Gate, IsNotDeceivedByAPageThatBorrowsItsAddress) {
  Gate gate(KeyRing({}), {}, {.checked = true, .allowed = {}});
  const Route jobs{.method = "GET", .path = "/v1/jobs", .access = Access::kKey};
  const Route pull{.method = "POST", .path = "/v1/models/pull", .access = Access::kAdmin};
  Request rebound;
  rebound.method = "GET";  // the same site, to a browser: it sends no origin
  rebound.headers = {{"host", "evil.example:9004"}};
  rebound.caller.address = "127.0.0.1";
  EXPECT_EQ(refused([&] { gate.admit(rebound, jobs); }).code, "host_refused");
  Request local = rebound;
  local.method = "POST";
  local.headers = {{"host", "localhost:9004"}};
  gate.admit(local, pull);
  EXPECT_TRUE(local.caller.admin);
  local.headers.emplace("x-forwarded-for", "192.0.2.7");
  EXPECT_EQ(refused([&] { gate.admit(local, pull); }).code, "admin_only");
}

TEST(Realtime, TakesOpenAisWaysOfFindingTurns) {
  RealtimeSettings settings;
  const auto apply = [&](const char* detection) {
    const auto session =
        nlohmann::ordered_json::parse(fmt::format(R"({{"audio": {{"input": {{"turn_detection": {}}}}}}})", detection));
    apply_session(session, /*beta=*/false, settings);
    return session_json(settings, "x", false)["audio"]["input"]["turn_detection"].dump();
  };
  EXPECT_THAT(apply(R"({"type": "server_vad", "silence_duration_ms": 700})"),
              HasSubstr(R"("silence_duration_ms":700.0)"));
  EXPECT_EQ(apply(R"({"type": "semantic_vad", "eagerness": "low", "create_response": true})"),
            R"({"type":"semantic_vad","eagerness":"low"})");
  EXPECT_EQ(apply("null"), "null");
  EXPECT_EQ(refused([&] { apply(R"({"type": "semantic_vad", "eagerness": "very"})"); }).param,
            "session.audio.input.turn_detection.eagerness");
  EXPECT_THAT(refused([&] { apply(R"({"type": "clever_vad"})"); }).message, HasSubstr("semantic_vad"));
  EXPECT_EQ(settings.turns, TurnDetection::kNone);  // what was refused changed nothing
  double last = 0;
  for (const char* name : {"high", "medium", "low"}) {
    const Eagerness* eagerness = find_eagerness(name);
    ASSERT_NE(eagerness, nullptr);
    EXPECT_GT(eagerness->unfinished_ms, last);
    EXPECT_LT(eagerness->finished_ms, eagerness->unfinished_ms);
    last = eagerness->unfinished_ms;
  }
}

TEST(Outbound, TakesHttpAddressesAlone) {
  EXPECT_EQ(check_url("url", "https://example.org/a/talk%20one.mp3?x=1"), "talk one.mp3");
  EXPECT_EQ(check_url("url", "http://example.org"), "recording");
  for (const char* bad : {"file:///etc/passwd", "ftp://example.org/a", "/etc/passwd", "", "gopher://x", "http://"}) {
    EXPECT_EQ(refused([&] { check_url("url", bad); }).param, "url") << bad;
  }
  const OutboundOptions options;
  const test::TempFolder folder;
  for (const char* url : {"http://127.0.0.1:1/a", "http://localhost:1/a", "http://[::1]:1/a", "http://2130706433:1/"}) {
    EXPECT_EQ(refused([&] { fetch_recording(options, url, folder.path(), "x"); }).code, "url_refused") << url;
  }
}

TEST(Webhooks, AreSignedAndTriedAgainMoreAndMoreSlowly) {
  // echo -n '10.{}' | openssl dgst -sha256 -hmac secret
  EXPECT_EQ(sign_webhook("secret", 10, "{}").substr(0, 8), "t=10,v1=");
  EXPECT_EQ(sign_webhook("secret", 10, "{}").size(), 8 + 64U);
  EXPECT_NE(sign_webhook("secret", 10, "{}"), sign_webhook("other", 10, "{}"));
  EXPECT_NE(sign_webhook("secret", 10, "{}"), sign_webhook("secret", 11, "{}"));
  EXPECT_EQ(webhook_pause_ms(0), 1000);
  EXPECT_EQ(webhook_pause_ms(3), 8000);
  EXPECT_EQ(webhook_pause_ms(30), 3'600'000);
  EXPECT_EQ(webhook_pause_ms(100), 0);
}

TEST(TranscriptJson, LosesNothing) {
  pipeline::Transcript transcript;
  transcript.text = " Hello there.";
  transcript.language = "en";
  transcript.duration_s = 2.5;
  transcript.language_probabilities = {{"en", 0.75}, {"de", 0.25}};
  transcript.segments.push_back({.id = 0,
                                 .seek = 10,
                                 .start_s = 0.25,
                                 .end_s = 1.5,
                                 .text = " Hello there.",
                                 .tokens = {1, 2},
                                 .temperature = 0.5,
                                 .avg_logprob = -0.25,
                                 .compression_ratio = 1.5,
                                 .no_speech_prob = 0.125,
                                 .words = {{" Hello", 0.25, 0.75, 0.5}, {" there.", 0.75, 1.5, 1}}});
  const std::string json = full_json(transcript);
  EXPECT_EQ(full_json(parse_full_json(json)), json);
  EXPECT_THAT(json, HasSubstr(R"("text":"Hello there.")"));
  EXPECT_THROW(parse_full_json("{}"), Error);
}

TEST(TranscriptJson, LogprobsAreOfTokensWhoseBytesMayBreakCharacters) {
  pipeline::Transcript transcript;
  transcript.segments.emplace_back().scored_tokens = {{.bytes = " Hi", .logprob = -0.5},
                                                      {.bytes = "\xC3", .logprob = -1e30}};
  EXPECT_EQ(openai_logprobs(transcript), R"([{"token":" Hi","logprob":-0.5,"bytes":[32,72,105]},)"
                                         "{\"token\":\"\uFFFD\",\"logprob\":-9999.0,\"bytes\":[195]}]");
}

}  // namespace
}  // namespace amanuensis::server
