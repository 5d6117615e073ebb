#include "pipeline/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "golden_audio.h"
#include "pipeline/word_error_rate.h"
#include "support/demo_model.h"
#include "support/error_of.h"

namespace amanuensis::pipeline {
namespace {

class EngineTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    demo_ = std::make_unique<test::DemoModel>();
    speech_ = audio::read_all_audio(GoldenAudio::path_of("meeting.flac"));
  }
  static void TearDownTestSuite() { demo_.reset(); }

  static decoding::DecodingContext context() {
    return {.model = demo_->model, .tokenizer = demo_->tokenizer, .generation = demo_->checkpoint.generation};
  }
  static std::vector<float> first_seconds(std::size_t seconds) {
    return {speech_.begin(), speech_.begin() + static_cast<std::ptrdiff_t>(std::min(speech_.size(), seconds * 16'000))};
  }
  // Greedy, one try, short texts: fast.
  static EngineRequest request_of(std::vector<float> samples) {
    EngineRequest request;
    request.audio = sample_source(std::move(samples));
    request.options.transcribe.fallback.temperatures = {0.0};
    return request;
  }

  static inline std::unique_ptr<test::DemoModel> demo_;
  static inline std::vector<float> speech_;
};

TEST_F(EngineTest, NoSamplesGiveAnEmptyTranscript) {
  Engine engine(context(), {});
  const Transcript transcript = engine.submit(request_of({})).wait();
  EXPECT_TRUE(transcript.segments.empty());
  EXPECT_EQ(transcript.language, "en");
  EXPECT_EQ(transcript.duration_s, 0.0);
}

TEST_F(EngineTest, SaysTheSameWordsAsTheSequentialAlgorithm) {
  TranscribeOptions options;
  options.fallback.temperatures = {0.0};
  options.condition_on_previous_text = false;
  const Transcript sequential =
      Transcriber(demo_->model, demo_->tokenizer, demo_->checkpoint.generation).transcribe(speech_, options, {}, {});
  Engine engine(context(), {});
  const Transcript batched = engine.submit(request_of(speech_)).wait();
  EXPECT_LE(count_word_errors(sequential.text, batched.text).rate(), 0.01) << sequential.text << "\n" << batched.text;
  EXPECT_EQ(batched.duration_s, sequential.duration_s);
}

TEST_F(EngineTest, TellsEverythingInTheOrderOfTheAudio) {
  Engine engine(context(), {});
  EngineRequest request = request_of(first_seconds(60));
  std::vector<std::string> log;
  std::vector<Segment> told;
  double done_s = 0;
  request.events.transcribe.on_language = [&](const std::string& code, double) { log.push_back("language " + code); };
  request.events.transcribe.on_segment = [&](const Segment& segment) {
    EXPECT_EQ(log, std::vector<std::string>{"language en"});
    told.push_back(segment);
  };
  request.events.transcribe.on_progress = [&](const Progress& progress) {
    EXPECT_GE(progress.audio_done_s, done_s);
    EXPECT_EQ(progress.audio_total_s, 60.0);
    done_s = progress.audio_done_s;
  };
  int ends = 0;
  request.events.on_end = [&](const Transcript&, const std::exception_ptr& error) {
    EXPECT_FALSE(error);
    ++ends;
  };
  const Transcript transcript = engine.submit(std::move(request)).wait();
  EXPECT_EQ(ends, 1);
  EXPECT_EQ(done_s, 60.0);
  ASSERT_FALSE(told.empty());
  ASSERT_EQ(told.size(), transcript.segments.size());
  double last_start_s = 0;
  for (std::size_t i = 0; i < told.size(); ++i) {
    EXPECT_EQ(told[i].id, i);
    EXPECT_EQ(told[i].text, transcript.segments[i].text);
    EXPECT_LE(last_start_s, told[i].start_s);
    EXPECT_LE(told[i].start_s, told[i].end_s);
    EXPECT_LE(told[i].end_s, 60.0);
    last_start_s = told[i].start_s;
  }
}

TEST_F(EngineTest, ManyAtOnceComeOutAsTheyDoAlone) {
  Engine engine(context(), {});
  std::vector<std::vector<float>> recordings;
  for (const std::size_t seconds : {8, 20, 33, 12}) recordings.push_back(first_seconds(seconds));
  std::vector<std::string> alone;
  for (const auto& samples : recordings) alone.push_back(engine.submit(request_of(samples)).wait().text);
  std::vector<Engine::Handle> handles;
  for (const auto& samples : recordings) handles.push_back(engine.submit(request_of(samples)));
  for (std::size_t i = 0; i < handles.size(); ++i) EXPECT_EQ(handles[i].wait().text, alone[i]) << i;
  EXPECT_EQ(engine.counts().requests, 0U);
  EXPECT_EQ(engine.counts().sequences_lent, 0U);
}

TEST_F(EngineTest, ACancelledRequestEndsOnceAndLeavesOthersAlone) {
  Engine engine(context(), {});
  std::atomic<int> ends = 0;
  EngineRequest cancelled = request_of(speech_);
  cancelled.events.on_end = [&](const Transcript&, const std::exception_ptr& error) {
    EXPECT_TRUE(error);
    ++ends;
  };
  const Engine::Handle first = engine.submit(std::move(cancelled));
  const Engine::Handle second = engine.submit(request_of(first_seconds(10)));
  first.cancel();
  first.cancel();
  EXPECT_EQ(test::error_of([&] { first.wait(); }).code, ErrorCode::kCancelled);
  EXPECT_FALSE(second.wait().text.empty());
  EXPECT_EQ(ends, 1);
}

TEST_F(EngineTest, WhatIsLeftIsCancelledWithTheEngine) {
  std::vector<Engine::Handle> handles;
  {
    Engine engine(context(), {.max_active = 1});
    for (int i = 0; i < 3; ++i) handles.push_back(engine.submit(request_of(speech_)));
  }
  for (const Engine::Handle& handle : handles) {
    EXPECT_TRUE(handle.done());
    EXPECT_EQ(test::error_of([&] { handle.wait(); }).code, ErrorCode::kCancelled);
  }
}

TEST_F(EngineTest, FailuresAreTheRequestsOwn) {
  Engine engine(context(), {});
  EngineRequest missing = request_of({});
  missing.audio = media_source("/nowhere/at/all.wav");
  const Engine::Handle lost = engine.submit(std::move(missing));
  EngineRequest throwing = request_of(first_seconds(10));
  throwing.events.transcribe.on_segment = [](const Segment&) { throw Error(ErrorCode::kIo, "the reader went away"); };
  const Engine::Handle thrown = engine.submit(std::move(throwing));
  EngineRequest late = request_of(speech_);
  late.deadline = decoding::SchedulerClock::now();
  const Engine::Handle overdue = engine.submit(std::move(late));
  const Engine::Handle good = engine.submit(request_of(first_seconds(10)));
  EXPECT_EQ(test::error_of([&] { lost.wait(); }).code, ErrorCode::kNotFound);
  EXPECT_EQ(test::error_of([&] { thrown.wait(); }).code, ErrorCode::kIo);
  EXPECT_EQ(test::error_of([&] { overdue.wait(); }).code, ErrorCode::kDeadlineExceeded);
  EXPECT_FALSE(good.wait().text.empty());
}

TEST_F(EngineTest, OptionsThatMakeNoSenseAreRefusedAtOnce) {
  Engine engine(context(), {});
  EngineRequest request = request_of({});
  request.options.transcribe.language = "klingon";
  EXPECT_EQ(test::error_of([&] { engine.submit(std::move(request)); }).code, ErrorCode::kInvalidArgument);
  request = request_of({});
  request.options.transcribe.fallback.temperatures.clear();
  EXPECT_EQ(test::error_of([&] { engine.submit(std::move(request)); }).code, ErrorCode::kInvalidArgument);
}

TEST_F(EngineTest, WordsComeWithTimes) {
  Engine engine(context(), {});
  EngineRequest request = request_of(first_seconds(40));
  request.options.transcribe.word_timestamps = true;
  const Transcript transcript = engine.submit(std::move(request)).wait();
  double last_end_s = 0;
  std::string words;
  for (const Segment& segment : transcript.segments) {
    EXPECT_FALSE(segment.words.empty());
    for (const Word& word : segment.words) {
      EXPECT_LT(word.start_s, word.end_s);
      EXPECT_GE(word.start_s, last_end_s);
      last_end_s = word.end_s;
      words += word.word;
    }
  }
  EXPECT_LE(last_end_s, 40.0);
  EXPECT_EQ(count_word_errors(transcript.text, words).errors(), 0U);
}

}  // namespace
}  // namespace amanuensis::pipeline
