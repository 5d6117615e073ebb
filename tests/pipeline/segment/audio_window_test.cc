#include "pipeline/segment/audio_window.h"

#include <gtest/gtest.h>

#include <random>

#include "pipeline/segment/speech_transcript.h"

namespace amanuensis::pipeline {
namespace {

AudioWindow random_window(std::mt19937& random) {
  AudioWindow window;
  std::size_t at = random() % 5000;
  const std::size_t pieces = 1 + random() % 6;
  for (std::size_t i = 0; i < pieces; ++i) {
    const std::size_t size = 1 + random() % 3000;
    window.pieces.push_back({at, at + size});
    // Some pieces touch, some are hours apart.
    const std::size_t gap = random() % 3 == 0 ? 0 : random() % 3 == 0 ? random() % 300'000'000 : random() % 4000;
    at += size + gap;
  }
  return window;
}

TEST(AudioWindow, SamplesMapExactlyAndBack) {
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    const AudioWindow window = random_window(random);
    std::size_t place = 0;
    for (const SpeechSpan& piece : window.pieces) {
      for (std::size_t sample = piece.start; sample < piece.end; ++sample, ++place) {
        ASSERT_EQ(original_sample(window, place), sample);
        ASSERT_EQ(window_sample(window, sample), place);
      }
      EXPECT_EQ(original_sample(window, place, Joint::kBefore), piece.end);
    }
    EXPECT_EQ(place, window.samples());
    EXPECT_EQ(original_sample(window, place), window.pieces.back().end);
    EXPECT_EQ(original_sample(window, place + 12345), window.pieces.back().end);
  }
}

TEST(AudioWindow, SecondsOfEverySampleAreExact) {
  std::mt19937 random(2);
  for (int round = 0; round < 50; ++round) {
    const AudioWindow window = random_window(random);
    for (std::size_t place = 0; place < window.samples(); place += 1 + random() % 7) {
      const double time_s = static_cast<double>(place) / 16000;
      const std::size_t sample = original_sample(window, place);
      ASSERT_DOUBLE_EQ(original_time_s(window, time_s), static_cast<double>(sample) / 16000);
      ASSERT_NEAR(window_time_s(window, static_cast<double>(sample) / 16000), time_s, 1e-10);
    }
  }
}

TEST(AudioWindow, TimesInAPauseAreTheJoint) {
  const AudioWindow window{{{16000, 32000}, {160000, 176000}}};
  for (const double time_s : {2.0, 2.5, 9.99, 10.0}) EXPECT_DOUBLE_EQ(window_time_s(window, time_s), 1.0) << time_s;
  EXPECT_DOUBLE_EQ(window_time_s(window, 0.2), 0.0);
  EXPECT_DOUBLE_EQ(window_time_s(window, 99), 2.0);
  EXPECT_DOUBLE_EQ(original_time_s(window, 1.0, Joint::kAfter), 10.0);
  EXPECT_DOUBLE_EQ(original_time_s(window, 1.0, Joint::kBefore), 2.0);
  EXPECT_DOUBLE_EQ(original_time_s(window, -3), 1.0);
  EXPECT_DOUBLE_EQ(original_time_s(window, 30), 11.0);
  EXPECT_DOUBLE_EQ(original_time_s({}, 3), 0.0);
}

TEST(AudioWindow, TimesNeverDecreaseAndStayInside) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    const AudioWindow window = random_window(random);
    const double length_s = static_cast<double>(window.samples()) / 16000;
    double before = -1;
    for (int i = -5; i <= 1005; ++i) {
      const double original = original_time_s(window, length_s * i / 1000, i % 2 == 0 ? Joint::kAfter : Joint::kBefore);
      if (i % 2 == 0) {
        ASSERT_GE(original, before);
        before = original;
      }
      ASSERT_GE(original, static_cast<double>(window.pieces.front().start) / 16000);
      ASSERT_LE(original, static_cast<double>(window.pieces.back().end) / 16000);
    }
  }
}

TEST(AudioWindow, WordsKeepTheirOrderAndTheirLengthInsideOnePiece) {
  std::mt19937 random(4);
  for (int round = 0; round < 300; ++round) {
    const AudioWindow window = random_window(random);
    const double length_s = static_cast<double>(window.samples()) / 16000;
    double time_s = 0;
    double end_before = 0;
    while (time_s < length_s) {
      const TimeRange said{time_s, time_s + 0.001 * static_cast<double>(1 + random() % 60)};
      const TimeRange word = original_word(window, said);
      ASSERT_GE(word.start_s, end_before);
      ASSERT_LE(word.start_s, word.end_s);
      ASSERT_LE(word.end_s - word.start_s, said.end_s - said.start_s + 1e-9);
      end_before = word.end_s;
      time_s = said.end_s;
    }
  }
}

TEST(AudioWindow, SegmentsGoFromWhereTheyStartToWhereTheyEnd) {
  const AudioWindow window{{{16000, 32000}, {160000, 176000}}};
  EXPECT_EQ(original_segment(window, TimeRange{0.5, 1.5}), (TimeRange{1.5, 10.5}));
  EXPECT_EQ(original_segment(window, TimeRange{0.5, 1.0}), (TimeRange{1.5, 2.0}));
  EXPECT_EQ(original_segment(window, TimeRange{1.0, 1.5}), (TimeRange{10.0, 10.5}));
  EXPECT_EQ(original_segment(window, TimeRange{1.0, 1.0}), (TimeRange{10.0, 10.0}));

  Segment segment;
  segment.seek = 110;
  segment.start_s = 0.5;
  segment.end_s = 1.5;
  segment.words = {{" one", 0.6, 0.9, 1}, {" two", 0.9, 1.3, 1}};
  const Segment original = original_segment(window, segment);
  EXPECT_EQ(original.seek, 1010U);
  EXPECT_DOUBLE_EQ(original.start_s, 1.6);
  EXPECT_DOUBLE_EQ(original.words[0].end_s, 1.9);
  EXPECT_DOUBLE_EQ(original.words[1].start_s, 10.0);  // its middle is in the second piece, and so is all of it
  EXPECT_DOUBLE_EQ(original.end_s, 10.3);
}

}  // namespace
}  // namespace amanuensis::pipeline
