// Spans against faster-whisper's: tools/goldens/vad.py.
#include "pipeline/segment/speech_spans.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "support/error_of.h"
#include "support/goldens.h"
#include "support/npy_file.h"
#include "support/temp_folder.h"

namespace amanuensis::pipeline {
namespace {

using nlohmann::json;

int hashed_integer(const std::string& name, std::size_t index, int limit) {
  return static_cast<int>((static_cast<double>(test::hashed_uniform(name, index)) + 1.0) * 0.5 * limit);
}

// vad.py's track().
std::vector<float> made_up_track(std::size_t index, std::size_t frames) {
  const std::size_t step = 7 + 5 * index;
  const std::string number = std::to_string(index);
  const int i = static_cast<int>(index);
  std::vector<float> track;
  for (std::size_t frame = 0; frame < frames; ++frame) {
    const int slow = hashed_integer("vad.slow." + number, frame / step, 256);
    const int noise = hashed_integer("vad.noise." + number, frame, 20 + 16 * i);
    track.push_back(static_cast<float>(std::clamp(slow * 2 - 128 + noise - (10 + 8 * i), 0, 255)) / 256);
  }
  return track;
}

SpeechOptions read_options(const json& given) {
  SpeechOptions options;
  options.threshold = given.value("threshold", options.threshold);
  if (given.contains("neg_threshold")) options.neg_threshold = given.at("neg_threshold").get<double>();
  options.min_speech_duration_ms = given.value("min_speech_duration_ms", options.min_speech_duration_ms);
  options.max_speech_duration_s = given.value("max_speech_duration_s", options.max_speech_duration_s);
  options.min_silence_duration_ms = given.value("min_silence_duration_ms", options.min_silence_duration_ms);
  options.speech_pad_ms = given.value("speech_pad_ms", options.speech_pad_ms);
  return options;
}

class SpansGolden : public testing::Test {
 protected:
  std::vector<float> probabilities(const json& test_case) const {
    const auto track = test_case.at("track").get<int>();
    if (track >= 0) {
      return made_up_track(static_cast<std::size_t>(track), golden_.at("track_frames").get<std::size_t>());
    }
    return test::parse_npy(test::read_file(test::source_path("tests/goldens/vad_silero_test.npy"))).values;
  }

  const json golden_ = test::read_golden("vad_spans.json");
};

TEST_F(SpansGolden, TracksAreThoseOfTheReference) {
  const std::vector<float> track = made_up_track(3, 8);
  for (std::size_t i = 0; i < track.size(); ++i) EXPECT_EQ(track[i], golden_.at("hashed_values")[i].get<float>());
}

TEST_F(SpansGolden, DefaultsAreThoseOfTheReference) {
  const json& defaults = golden_.at("defaults");
  EXPECT_EQ(SpeechOptions().threshold, defaults.at("threshold").get<double>());
  EXPECT_EQ(SpeechOptions().min_speech_duration_ms, defaults.at("min_speech_duration_ms").get<double>());
  EXPECT_EQ(SpeechOptions().min_silence_duration_ms, defaults.at("min_silence_duration_ms").get<double>());
  EXPECT_EQ(SpeechOptions().speech_pad_ms, defaults.at("speech_pad_ms").get<double>());
}

TEST_F(SpansGolden, SpansAreThoseOfTheReference) {
  for (const json& test_case : golden_.at("cases")) {
    std::vector<SpeechSpan> expected;
    for (const json& span : test_case.at("spans")) expected.push_back({span[0], span[1]});
    const std::vector<SpeechSpan> found =
        find_speech_spans(probabilities(test_case), test_case.at("samples"), read_options(test_case.at("options")));
    EXPECT_EQ(found, expected) << test_case.at("track") << " " << test_case.at("options");
  }
}

// What is said to be settled while the audio runs is what comes out in the end.
TEST_F(SpansGolden, WhatIsSettledStaysSo) {
  for (const json& test_case : golden_.at("cases")) {
    const SpeechOptions options = read_options(test_case.at("options"));
    const std::vector<float> track = probabilities(test_case);
    const std::size_t samples = test_case.at("samples");
    const std::vector<SpeechSpan> whole = find_speech_spans(track, samples, options);
    SpeechSpanFinder finder(options);
    std::vector<SpeechSpan> found;
    for (const float probability : track) {
      finder.push(probability);
      const std::vector<SpeechSpan> settled = finder.take_spans();
      found.insert(found.end(), settled.begin(), settled.end());
      ASSERT_LE(found.size(), whole.size());
      const std::size_t next = found.size();
      if (next < whole.size()) {
        EXPECT_LE(finder.settled_until(), whole[next].start);
      }
      if (const auto open = finder.open_span()) {
        ASSERT_LT(next, whole.size()) << test_case.at("options");
        EXPECT_EQ(open->start, whole[next].start);
        EXPECT_LE(open->end, whole[next].end);
      }
    }
    finder.finish(samples);
    const std::vector<SpeechSpan> rest = finder.take_spans();
    found.insert(found.end(), rest.begin(), rest.end());
    EXPECT_EQ(found, whole);
  }
}

TEST(SpeechSpans, AreOrderedDisjointAndInside) {
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    std::vector<float> track(random() % 400);
    for (float& p : track) p = static_cast<float>(random() % 1000) / 999;
    SpeechOptions options;
    options.min_silence_duration_ms = static_cast<double>(random() % 400);
    options.speech_pad_ms = static_cast<double>(random() % 500);
    options.min_speech_duration_ms = static_cast<double>(random() % 200);
    if (random() % 2 == 0) options.max_speech_duration_s = 1 + static_cast<double>(random() % 5);
    const std::size_t samples = track.size() * kVadFrameSamples - (track.empty() ? 0 : random() % kVadFrameSamples);
    std::size_t end = 0;
    for (const SpeechSpan& span : find_speech_spans(track, samples, options)) {
      EXPECT_GE(span.start, end);
      EXPECT_GT(span.end, span.start);
      EXPECT_LE(span.end, samples);
      end = span.end;
    }
  }
}

TEST(SpeechSpans, NothingInNothing) {
  EXPECT_TRUE(find_speech_spans({}, 0, {}).empty());
  EXPECT_TRUE(find_speech_spans(std::vector<float>(100, 0.0F), 51200, {}).empty());
  const std::vector<SpeechSpan> all = find_speech_spans(std::vector<float>(100, 1.0F), 51000, {});
  EXPECT_EQ(all, (std::vector<SpeechSpan>{{0, 51000}}));
}

TEST(SpeechSpans, OptionsWithoutSenseAreNamed) {
  const auto message = [](auto change) {
    SpeechOptions options;
    change(options);
    return test::error_of([&] { check_speech_options(options); }).message;
  };
  EXPECT_NE(message([](SpeechOptions& o) { o.threshold = 1.5; }).find("speech threshold 1.5"), std::string::npos);
  EXPECT_NE(message([](SpeechOptions& o) { o.neg_threshold = -1; }).find("negative speech threshold"),
            std::string::npos);
  EXPECT_NE(message([](SpeechOptions& o) { o.speech_pad_ms = -1; }).find("padding"), std::string::npos);
  EXPECT_NE(message([](SpeechOptions& o) { o.min_silence_duration_ms = NAN; }).find("silence"), std::string::npos);
  EXPECT_NE(message([](SpeechOptions& o) { o.max_speech_duration_s = 0; }).find("maximum"), std::string::npos);
}

}  // namespace
}  // namespace amanuensis::pipeline
