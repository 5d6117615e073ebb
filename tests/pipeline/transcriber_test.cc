#include "pipeline/transcriber.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "golden_audio.h"
#include "support/demo_model.h"
#include "support/error_of.h"

namespace amanuensis::pipeline {
namespace {

class TranscriberTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    demo_ = std::make_unique<test::DemoModel>();
    GoldenAudio audio;
    const nlohmann::json part = {{"recording", "meeting.flac"}, {"to", 16000 * 34}};
    speech_ = audio.samples_of(nlohmann::json::array({part}));
  }
  static void TearDownTestSuite() { demo_.reset(); }

  static Transcript transcribe(std::span<const float> samples, const TranscribeEvents& events = {},
                               std::stop_token stop = {}) {
    return Transcriber(demo_->model, demo_->tokenizer, demo_->checkpoint.generation)
        .transcribe(samples, options_, events, std::move(stop));
  }

  void SetUp() override {
    options_ = {};
    options_.fallback.temperatures = {0.0};
    options_.decoding.sample_length = 48;
  }

  static inline std::unique_ptr<test::DemoModel> demo_;
  static inline std::vector<float> speech_;
  static inline TranscribeOptions options_;
};

TEST_F(TranscriberTest, NoSamplesGiveAnEmptyTranscript) {
  const Transcript transcript = transcribe({});
  EXPECT_TRUE(transcript.text.empty());
  EXPECT_TRUE(transcript.segments.empty());
  EXPECT_EQ(transcript.duration_s, 0.0);
  EXPECT_EQ(transcript.language, "en");
}

TEST_F(TranscriberTest, LessThanAFrameGivesAnEmptyTranscript) {
  EXPECT_TRUE(transcribe(std::vector<float>(159, 0.1F)).segments.empty());
}

TEST_F(TranscriberTest, TellsLanguageSegmentsAndProgressInOrder) {
  std::vector<std::string> log;
  std::vector<Segment> told;
  double done_s = 0;
  TranscribeEvents events;
  events.on_language = [&](const std::string& code, double probability) {
    log.push_back("language " + code);
    EXPECT_EQ(probability, 1.0) << "the demo model knows one language";
  };
  events.on_segment = [&](const Segment& segment) {
    EXPECT_FALSE(log.empty()) << "the language comes first";
    told.push_back(segment);
  };
  events.on_progress = [&](const Progress& progress) {
    EXPECT_GE(progress.audio_done_s, done_s);
    EXPECT_EQ(progress.audio_total_s, 34.0);
    done_s = progress.audio_done_s;
  };
  const Transcript transcript = transcribe(speech_, events);
  EXPECT_EQ(log, std::vector<std::string>{"language en"});
  EXPECT_EQ(done_s, 34.0);
  EXPECT_EQ(transcript.duration_s, 34.0);
  ASSERT_EQ(told.size(), transcript.segments.size());
  for (std::size_t i = 0; i < told.size(); ++i) {
    EXPECT_EQ(told[i].id, i);
    EXPECT_EQ(told[i].text, transcript.segments[i].text);
  }
  ASSERT_EQ(transcript.language_probabilities.size(), 1U);
  EXPECT_EQ(transcript.language_probabilities[0].first, "en");
}

TEST_F(TranscriberTest, StopsWhenAskedInTheMiddle) {
  std::stop_source source;
  TranscribeEvents events;
  events.on_progress = [&](const Progress&) { source.request_stop(); };
  const auto error = test::error_of([&] { transcribe(speech_, events, source.get_token()); });
  EXPECT_EQ(error.code, ErrorCode::kCancelled);
}

TEST_F(TranscriberTest, SamplingIsRepeatable) {
  options_.fallback.temperatures = {0.8};
  options_.decoding.best_of = 2;
  options_.decoding.sample_length = 16;
  options_.clip_timestamps = {0.0, 4.0};
  options_.decoding.seed = 3;
  const Transcript first = transcribe(speech_);
  EXPECT_EQ(first.text, transcribe(speech_).text);
  ASSERT_FALSE(first.segments.empty());
  EXPECT_EQ(first.segments[0].temperature, 0.8);
}

TEST_F(TranscriberTest, ALanguageMayBeNamedInEnglish) {
  options_.language = "English";
  options_.clip_timestamps = {0.0, 2.0};
  const Transcript transcript = transcribe(speech_);
  EXPECT_EQ(transcript.language, "en");
  EXPECT_TRUE(transcript.language_probabilities.empty()) << "it was not detected";
}

TEST_F(TranscriberTest, HotwordsLeadEveryWindow) {
  const Transcript plain = transcribe(speech_);
  options_.hotwords = "Thomas Oliver Laura";
  const Transcript led = transcribe(speech_);
  ASSERT_FALSE(plain.segments.empty());
  ASSERT_FALSE(led.segments.empty());
  EXPECT_NE(plain.segments[0].avg_logprob, led.segments[0].avg_logprob) << "the first window's prompt differs";
}

TEST_F(TranscriberTest, WhatMakesNoSenseIsRefusedBeforeAnyWork) {
  const auto refused = [](const auto& change) {
    const TranscribeOptions before = options_;
    change(options_);
    const auto error = test::error_of([] { transcribe({}); });
    options_ = before;
    EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
    return error.message;
  };
  EXPECT_THAT(refused([](auto& o) { o.language = "klingon"; }), testing::HasSubstr("klingon"));
  EXPECT_THAT(refused([](auto& o) { o.language = "fr"; }), testing::HasSubstr("it knows en"));
  EXPECT_THAT(refused([](auto& o) { o.decoding.beam_size = 0; }), testing::HasSubstr("beam size"));
  EXPECT_THAT(refused([](auto& o) { o.fallback.temperatures = {0.0, -1.0}; }), testing::HasSubstr("temperature"));
  EXPECT_THAT(refused([](auto& o) { o.fallback.temperatures.clear(); }), testing::HasSubstr("temperature"));
  EXPECT_THAT(refused([](auto& o) { o.clip_timestamps = {-3.0}; }), testing::HasSubstr("-3"));
  EXPECT_THAT(refused([](auto& o) { o.decoding.suppress_tokens = {123456}; }), testing::HasSubstr("123456"));
}

}  // namespace
}  // namespace amanuensis::pipeline
