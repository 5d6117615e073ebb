#include "pipeline/segment/segmenter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "support/error_of.h"

namespace amanuensis::pipeline {
namespace {

// Takes for speech what is louder than a step of 16 bits, frame by frame.
class LevelDetector final : public VoiceDetector {
 public:
  std::string_view name() const override { return "level"; }
  void push(std::span<const float> samples, std::vector<float>& probabilities) override {
    for (const float sample : samples) {
      peak_ = std::max(peak_, std::abs(sample));
      if (++count_ == kVadFrameSamples) flush(probabilities);
    }
  }
  void finish(std::vector<float>& probabilities) override {
    if (count_ > 0) flush(probabilities);
  }

 private:
  void flush(std::vector<float>& probabilities) {
    probabilities.push_back(peak_ > 0.01F ? 0.9F : 0.1F);
    peak_ = 0;
    count_ = 0;
  }
  float peak_ = 0;
  std::size_t count_ = 0;
};

// Talk of random length between pauses of random length, each second of it with dips.
std::vector<float> talk(std::mt19937& random, double seconds, double longest_talk_s) {
  std::vector<float> samples;
  const auto until = static_cast<std::size_t>(seconds * 16000);
  while (samples.size() < until) {
    const std::size_t speech = 1 + random() % static_cast<std::size_t>(longest_talk_s * 16000);
    for (std::size_t i = 0; i < speech; ++i) {
      const float level = (samples.size() / 1600) % 7 == 0 ? 0.02F : 0.3F;
      samples.push_back(level * (static_cast<float>(random() % 2001) / 1000 - 1));
    }
    samples.resize(samples.size() + random() % 64000, 0.0F);
  }
  samples.resize(until);
  return samples;
}

struct Segmented {
  std::vector<SpeechWindow> windows;
  std::size_t most_held = 0;
};

Segmented segment_in_pieces(std::span<const float> samples, const SegmenterOptions& options, std::mt19937& random,
                            bool detects = true) {
  Segmented result;
  Segmenter segmenter(detects ? std::make_unique<LevelDetector>() : nullptr, options);
  const auto take = [&] {
    result.most_held = std::max(result.most_held, segmenter.held_samples());
    while (auto window = segmenter.take_window()) result.windows.push_back(std::move(*window));
  };
  while (!samples.empty()) {
    const std::size_t count = std::min<std::size_t>(samples.size(), 1 + random() % 40000);
    segmenter.push(samples.first(count));
    samples = samples.subspan(count);
    take();
  }
  segmenter.finish();
  take();
  return result;
}

SegmenterOptions random_options(std::mt19937& random) {
  SegmenterOptions options;
  options.speech.min_silence_duration_ms = static_cast<double>(random() % 2500);
  options.speech.speech_pad_ms = static_cast<double>(random() % 500);
  options.speech.min_speech_duration_ms = static_cast<double>(random() % 300);
  if (random() % 3 == 0) options.speech.max_speech_duration_s = 2 + static_cast<double>(random() % 20);
  options.window.max_samples = 16000 * (2 + random() % 10);
  if (random() % 2 == 0) options.window.max_gap_samples = random() % 100000;
  return options;
}

TEST(Segmenter, GivesWhatTheWholeRecordingGives) {
  std::mt19937 random(11);
  for (int round = 0; round < 40; ++round) {
    const std::vector<float> samples = talk(random, 60, 1 + static_cast<double>(random() % 20));
    const SegmenterOptions options = random_options(random);
    LevelDetector detector;
    const std::vector<SpeechSpan> spans = detect_speech(detector, samples, options.speech);
    const std::vector<AudioWindow> windows = make_windows(spans, samples, options.window);
    const Segmented streamed = segment_in_pieces(samples, options, random);
    ASSERT_EQ(streamed.windows.size(), windows.size());
    std::vector<SpeechSpan> pieces;
    for (std::size_t i = 0; i < windows.size(); ++i) {
      EXPECT_EQ(streamed.windows[i].window.pieces, windows[i].pieces);
      EXPECT_EQ(streamed.windows[i].samples, window_audio(windows[i], samples));
      EXPECT_LE(windows[i].samples(), options.window.max_samples);
      ASSERT_FALSE(windows[i].pieces.empty());
      pieces.insert(pieces.end(), windows[i].pieces.begin(), windows[i].pieces.end());
    }
    // Nothing is lost and nothing comes twice: where spans were cut, the pieces touch.
    std::vector<SpeechSpan> joined;
    for (const SpeechSpan& piece : pieces) {
      const bool is_cut = !joined.empty() && joined.back().end == piece.start &&
                          std::ranges::none_of(spans, [&](const SpeechSpan& s) { return s.start == piece.start; });
      if (is_cut) {
        joined.back().end = piece.end;
      } else {
        joined.push_back(piece);
      }
    }
    EXPECT_EQ(joined, spans);
  }
}

TEST(Segmenter, CutsInTheQuietestPlaceNearTheEnd) {
  std::mt19937 random(12);
  std::vector<float> samples(16000 * 50);
  for (float& sample : samples) sample = 0.3F * (static_cast<float>(random() % 2001) / 1000 - 1);
  // A quiet place too early, one in the last third, and a quieter one behind the window.
  const auto hush = [&](double from_s, double to_s, float level) {
    for (auto i = static_cast<std::size_t>(from_s * 16000); i < static_cast<std::size_t>(to_s * 16000); ++i) {
      samples[i] *= level;
    }
  };
  hush(10.0, 11.0, 0.001F);
  hush(24.3, 24.7, 0.1F);
  hush(31.0, 32.0, 0.0F);
  const std::vector<SpeechSpan> all{{0, samples.size()}};
  const std::vector<AudioWindow> windows = make_windows(all, samples, {});
  ASSERT_EQ(windows.size(), 2U);
  const double cut_s = static_cast<double>(windows[0].pieces.back().end) / 16000;
  EXPECT_GT(cut_s, 24.35);
  EXPECT_LT(cut_s, 24.65);
  EXPECT_EQ(windows[1].pieces.front().start, windows[0].pieces.back().end);
}

TEST(Segmenter, MergesSpansUntilAWindowIsFull) {
  const std::vector<float> samples(16000 * 200);
  const auto span = [](std::size_t from_s, std::size_t to_s) { return SpeechSpan{from_s * 16000, to_s * 16000}; };
  const std::vector<SpeechSpan> spans{span(0, 10), span(12, 22), span(25, 40), span(45, 59), span(120, 125)};
  const std::vector<AudioWindow> windows = make_windows(spans, samples, {});
  ASSERT_EQ(windows.size(), 3U);
  EXPECT_EQ(windows[0].pieces, (std::vector<SpeechSpan>{spans[0], spans[1]}));
  EXPECT_EQ(windows[1].pieces, (std::vector<SpeechSpan>{spans[2], spans[3]}));
  EXPECT_EQ(windows[2].pieces, (std::vector<SpeechSpan>{spans[4]})) << "a minute's pause is no place for a joint";
}

TEST(Segmenter, MemoryIsFlatOverHours) {
  std::mt19937 random(13);
  const SegmenterOptions options;
  const std::vector<float> ten_minutes = talk(random, 600, 50);
  Segmenter segmenter(std::make_unique<LevelDetector>(), options);
  std::size_t most_held = 0;
  std::size_t windows = 0;
  for (int i = 0; i < 12; ++i) {
    segmenter.push(ten_minutes);
    while (segmenter.take_window()) ++windows;
    most_held = std::max(most_held, segmenter.held_samples());
  }
  segmenter.finish();
  EXPECT_GT(windows, 100U);
  EXPECT_LT(most_held, 16000U * 120);
  EXPECT_EQ(segmenter.samples(), ten_minutes.size() * 12);
}

TEST(Segmenter, SpeechWithoutAnEndIsCutAsItComes) {
  std::mt19937 random(14);
  std::vector<float> samples(16000 * 600);
  for (float& sample : samples) sample = 0.3F * (static_cast<float>(random() % 2001) / 1000 - 1);
  const Segmented segmented = segment_in_pieces(samples, {}, random);
  EXPECT_GE(segmented.windows.size(), 20U);
  EXPECT_LE(segmented.windows.size(), 31U);
  EXPECT_LT(segmented.most_held, 16000U * 100);
}

TEST(Segmenter, WithoutADetectorEverythingIsKept) {
  std::mt19937 random(15);
  const std::vector<float> samples = talk(random, 100, 10);
  const Segmented segmented = segment_in_pieces(samples, {}, random, false);
  std::size_t at = 0;
  for (const SpeechWindow& window : segmented.windows) {
    ASSERT_EQ(window.window.pieces.size(), 1U);
    EXPECT_EQ(window.window.pieces[0].start, at);
    at = window.window.pieces[0].end;
  }
  EXPECT_EQ(at, samples.size());
}

TEST(Segmenter, NoAudioAndSilenceGiveNoWindow) {
  std::mt19937 random(16);
  EXPECT_TRUE(segment_in_pieces({}, {}, random).windows.empty());
  EXPECT_TRUE(segment_in_pieces({}, {}, random, false).windows.empty());
  EXPECT_TRUE(segment_in_pieces(std::vector<float>(300'001), {}, random).windows.empty());
}

TEST(Segmenter, OptionsWithoutSenseAreRefused) {
  SegmenterOptions options;
  options.window.max_samples = 0;
  EXPECT_EQ(test::error_of([&] { Segmenter(nullptr, options); }).code, ErrorCode::kInvalidArgument);
  options = {};
  options.window.search_share = 1;
  EXPECT_EQ(test::error_of([&] { Segmenter(nullptr, options); }).code, ErrorCode::kInvalidArgument);
  options = {};
  options.speech.threshold = 2;
  EXPECT_EQ(test::error_of([&] { Segmenter(nullptr, options); }).code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace amanuensis::pipeline
