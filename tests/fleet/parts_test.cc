// What needs no server: records, options, inputs, range files, results.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "fleet/fleet.h"
#include "fleet/inputs.h"
#include "fleet/job.h"
#include "fleet/job_options.h"
#include "fleet/range_files.h"
#include "fleet/recording.h"
#include "fleet/status.h"
#include "fleet/task_steps.h"
#include "pipeline/transcript_json.h"
#include "support/error_of.h"
#include "support/temp_folder.h"

namespace amanuensis::fleet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Job full_job() {
  Job job;
  job.id = "job_1";
  job.status = JobStatus::kRunning;
  job.priority = Priority::kHigh;
  job.epoch = 2;
  job.created_ms = 5;
  job.started_ms = 6;
  job.attempt = 3;
  job.lost = 1;
  job.name = "\"quoted\" \xC3\xA4.wav";
  job.source = "/a/b";
  job.model = "demo";
  job.options = R"({"task":"transcribe"})";
  job.formats = {"srt"};
  job.failures = {"first", "second"};
  job.ranges = JobRanges{.count = 3, .done = "101", .planned = true, .audio_done_s = 12.5};
  job.error = job_error("bad_media", "no audio");
  return job;
}

TEST(Job, IsTheSameAfterItWasStored) {
  const Job job = full_job();
  const std::string json = job_json(job);
  EXPECT_EQ(job_json(parse_job(json)), json);
  EXPECT_EQ(parse_job(json).ranges->done, "101");
  EXPECT_EQ(error_message(parse_job(json)), "no audio");
  for (const char* bad : {"", "{}", "[]", "{\"id\":1}"}) {
    EXPECT_EQ(test::error_of([&] { parse_job(bad); }).code, ErrorCode::kBadData) << bad;
  }
}

TEST(Job, NamesDependOnRecordingModelAndOptions) {
  EXPECT_EQ(job_id("a", "m", "{}"), job_id("a", "m", "{}"));
  EXPECT_NE(job_id("a", "m", "{}"), job_id("b", "m", "{}"));
  EXPECT_NE(job_id("a", "m", "{}"), job_id("a", "n", "{}"));
  EXPECT_NE(result_key("abc", "m", "{}"), result_key("abc", "m", "{1}"));
  EXPECT_EQ(result_key("abc", "m", "{}").substr(0, 7), "ab/abc-");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");  // FIPS 180-2
}

TEST(JobOptions, AreCanonical) {
  JobOptions options;
  options.language = "de";
  options.translate = true;
  options.temperature = 0.4;
  options.beam_size = 5;
  options.diarize.emplace();
  options.diarize->max_speakers = 4;
  const std::string json = options_json(options);
  EXPECT_EQ(options_json(parse_options(json)), json);
  const pipeline::BatchedOptions batched = batched_options(parse_options(json));
  EXPECT_EQ(batched.transcribe.language, "de");
  EXPECT_EQ(batched.transcribe.fallback.temperatures, std::vector<double>{0.4});
  EXPECT_EQ(batched.transcribe.decoding.beam_size, 5U);
  EXPECT_FALSE(batched.vad_filter);
  // Speakers need the times of words.
  options.word_timestamps = false;
  EXPECT_TRUE(batched_options(options).transcribe.word_timestamps);
  EXPECT_EQ(test::error_of([] { parse_options("{\"beam_size\":\"x\"}"); }).code, ErrorCode::kBadData);
}

TEST(WorkItem, GoesThroughTheQueueUnchanged) {
  const WorkItem item{.job = "job_1", .epoch = 7, .kind = WorkItem::Kind::kRange, .range = 12};
  const WorkItem read = parse_work(work_json(item));
  EXPECT_EQ(work_name(read), "job_1.7.r12");
  EXPECT_EQ(work_name({.job = "job_1", .kind = WorkItem::Kind::kMerge}), "job_1.1.merge");
  EXPECT_EQ(test::error_of([] { parse_work("nonsense"); }).code, ErrorCode::kBadData);
}

TEST(WorkerStatus, IsTheSameAfterItWasTold) {
  WorkerStatus status;
  status.worker = "w";
  status.active.push_back({.job = "j", .name = "a.wav", .part = "range 1", .audio_done_s = 1.5, .audio_total_s = 3});
  EXPECT_EQ(status_json(parse_status(status_json(status))), status_json(status));
  EXPECT_EQ(test::error_of([] { parse_status("{}"); }).code, ErrorCode::kBadData);
}

TEST(Failures, PassOrDoNot) {
  EXPECT_FALSE(may_pass(Step::kTranscribing, ErrorCode::kBadData));
  EXPECT_FALSE(may_pass(Step::kFetching, ErrorCode::kNotFound));
  EXPECT_TRUE(may_pass(Step::kModel, ErrorCode::kNotFound));  // another worker may have it
  EXPECT_TRUE(may_pass(Step::kFetching, ErrorCode::kNetwork));
  EXPECT_TRUE(may_pass(Step::kWriting, ErrorCode::kResourceExhausted));
  EXPECT_EQ(without("/tmp/x.wav: no audio", "/tmp/x.wav", "talk.wav"), "talk.wav: no audio");
}

std::vector<std::string> names_of(const std::string& text) {
  Stores stores({});
  std::vector<std::string> names;
  expand_input(text, stores, [&](const Input& input) { names.push_back(input.name); });
  return names;
}

TEST(Inputs, AreFilesFoldersAndPatterns) {
  const test::TempFolder folder;
  for (const char* name : {"b.WAV", "a.mp3", "deep/c.flac", "notes.txt", ".hidden.wav"}) folder.write(name, "x");
  const std::string root = folder.path().string();
  EXPECT_THAT(names_of(root), ElementsAre("a.mp3", "b.WAV", "c.flac"));
  EXPECT_THAT(names_of(root + "/*.mp3"), ElementsAre("a.mp3"));
  EXPECT_THAT(names_of(root + "/notes.txt"), ElementsAre("notes.txt"));  // named: taken as it is
  EXPECT_THAT(names_of("file://" + root + "/a.mp3"), ElementsAre("a.mp3"));
  for (const std::string& none : {root + "/none.wav", root + "/*.ogg"}) {
    EXPECT_EQ(test::error_of([&] { names_of(none); }).code, ErrorCode::kNotFound) << none;
  }
  folder.write("bad\xFF.wav", "x");
  EXPECT_EQ(test::error_of([&] { names_of(root + "/bad\xFF.wav"); }).code, ErrorCode::kInvalidArgument);
}

TEST(Inputs, ComeFromManifests) {
  std::istringstream in("# calls\n\na.wav\r\n/b.wav\ns3://bucket/c.wav\n{\"source\": \"d.wav\"}\n");
  EXPECT_THAT(read_manifest(in, "/lists"), ElementsAre("/lists/a.wav", "/b.wav", "s3://bucket/c.wav", "/lists/d.wav"));
  std::istringstream bad("a.wav\n{\"sauce\": 1}\n");
  EXPECT_THAT(test::error_of([&] { read_manifest(bad, "."); }).message, HasSubstr("line 2"));
}

TEST(RangeFiles, LoseNothing) {
  RangeInput input;
  input.range.windows = {{{{10, 20}, {30, 45}}}, {{{50, 60}}}};
  input.range.largest_mel = 0.1F;
  input.samples = {-32768, -1, 0, 32767};
  input.language = "de";
  input.start_s = 0.1;
  const RangeInput read = decode_range(encode_range(input));
  EXPECT_EQ(read.range.windows[0].pieces, input.range.windows[0].pieces);
  EXPECT_EQ(read.range.largest_mel, 0.1F);
  EXPECT_EQ(read.samples, input.samples);
  EXPECT_EQ(read.language, "de");
  EXPECT_EQ(read.start_s, 0.1);
  EXPECT_FALSE(std::isfinite(decode_range(encode_range({})).range.largest_mel));

  pipeline::Segment segment{.seek = 3, .start_s = 1.0 / 3, .end_s = 0.7, .text = "half a character \xC3"};
  segment.tokens = {1, 2};
  segment.words = {{.word = " half", .start_s = 0.1 + 0.2, .end_s = 1, .probability = 0.9}};
  const auto texts = decode_texts(encode_texts({{{segment}, "en", {{"en", 0.75}}}}));
  EXPECT_EQ(texts[0].segments[0].text, segment.text);
  EXPECT_EQ(texts[0].segments[0].start_s, 1.0 / 3);
  EXPECT_EQ(texts[0].segments[0].words[0].start_s, 0.1 + 0.2);
  EXPECT_EQ(texts[0].language_probabilities[0].second, 0.75);

  RangePlan plan{.count = 4, .duration_s = 7.7, .warning = "w", .silent_language = "en"};
  plan.diarization.emplace();
  plan.diarization->turns = {{0.5, 1.5, 1}};
  const RangePlan read_plan = decode_plan(encode_plan(plan));
  EXPECT_EQ(read_plan.count, 4U);
  EXPECT_EQ(read_plan.diarization->turns, plan.diarization->turns);
  const pipeline::TranscriptMark mark = decode_mark(encode_mark({.segments = 7, .last_end_s = 0.1 + 0.2}));
  EXPECT_EQ(mark.segments, 7U);
  EXPECT_EQ(mark.last_end_s, 0.1 + 0.2);
  for (const char* bad : {"", "x", "\xA0"}) {
    EXPECT_EQ(test::error_of([&] { decode_mark(bad); }).code, ErrorCode::kBadData);
    EXPECT_EQ(test::error_of([&] { decode_range(bad); }).code, ErrorCode::kBadData);
    EXPECT_EQ(test::error_of([&] { decode_plan(bad); }).code, ErrorCode::kBadData);
  }
  float out[8];
  EXPECT_EQ(source_of({16384, -32768})->read(out), 2U);
  EXPECT_EQ(out[0], 0.5F);
  EXPECT_EQ(out[1], -1.0F);
}

TEST(Results, AreNeverTwo) {
  const test::TempFolder folder;
  const auto store = storage::open_store(folder.path().string(), {});
  pipeline::Transcript first;
  first.text = " one";
  first.segments = {{.start_s = 0, .end_s = 1, .text = " one"}};
  pipeline::Transcript second = first;
  second.text = second.segments[0].text = " two";
  EXPECT_EQ(find_result(*store, "ab/x"), std::nullopt);
  const std::string kept = write_result(*store, "ab/x", pipeline::full_json(first), {"txt", "json"});
  EXPECT_EQ(write_result(*store, "ab/x", pipeline::full_json(second), {"txt", "srt"}), kept);
  EXPECT_EQ(find_result(*store, "ab/x"), kept);
  EXPECT_EQ(test::read_file(folder.path() / "ab/x.txt"), "one\n");
  // What was missing is made from the first.
  EXPECT_THAT(test::read_file(folder.path() / "ab/x.srt"), HasSubstr("one"));
}

}  // namespace
}  // namespace amanuensis::fleet
