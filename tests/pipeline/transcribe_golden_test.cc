// Whole transcriptions with the demo checkpoint, against openai-whisper's transcribe() with the same weights.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "golden_audio.h"
#include "model/hub/hashing.h"
#include "pipeline/transcriber.h"
#include "support/demo_model.h"
#include "support/goldens.h"

namespace amanuensis::pipeline {
namespace {

// Places in a golden's segments (its segment_fields).
enum Field { kSeek, kStart, kEnd, kTemperature, kAvgLogprob, kNoSpeechProb, kCompressionRatio, kText, kTokens };

// Forward passes differ by rounding, and a sum over a hundred tokens by as many.
constexpr double kLogprobTolerance = 2e-3;

// Sanitizers make this some twenty times as slow and look for other faults: a few cases are enough for them.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kMostCases = 3;
constexpr bool kSanitized = true;
#else
constexpr std::size_t kMostCases = std::numeric_limits<std::size_t>::max();
constexpr bool kSanitized = false;
#endif

template <typename T>
void take(const nlohmann::json& given, const char* name, T& option) {
  if (given.contains(name)) option = given.at(name).get<T>();
}

template <typename T>
void take(const nlohmann::json& given, const char* name, std::optional<T>& option) {
  if (!given.contains(name)) return;
  option.reset();
  if (!given.at(name).is_null()) option = given.at(name).get<T>();
}

TranscribeOptions options_of(const nlohmann::json& given) {
  TranscribeOptions options;
  take(given, "language", options.language);
  take(given, "initial_prompt", options.initial_prompt);
  take(given, "carry_initial_prompt", options.carry_initial_prompt);
  take(given, "condition_on_previous_text", options.condition_on_previous_text);
  take(given, "clip_timestamps", options.clip_timestamps);
  take(given, "temperature", options.fallback.temperatures);
  take(given, "compression_ratio_threshold", options.fallback.compression_ratio_threshold);
  take(given, "logprob_threshold", options.fallback.logprob_threshold);
  take(given, "no_speech_threshold", options.fallback.no_speech_threshold);
  take(given, "best_of", options.decoding.best_of);
  take(given, "beam_size", options.decoding.beam_size);
  take(given, "patience", options.decoding.patience);
  take(given, "length_penalty", options.decoding.length_penalty);
  take(given, "sample_len", options.decoding.sample_length);
  take(given, "prefix", options.decoding.prefix);
  take(given, "suppress_tokens", options.decoding.suppress_tokens);
  take(given, "suppress_blank", options.decoding.suppress_blank);
  take(given, "without_timestamps", options.decoding.without_timestamps);
  take(given, "max_initial_timestamp", options.decoding.max_initial_timestamp_s);
  return options;
}

void expect_segment(const Segment& segment, const nlohmann::json& expected) {
  EXPECT_EQ(segment.text, expected.at(kText).get<std::string>());
  EXPECT_EQ(segment.tokens, expected.at(kTokens).get<std::vector<model::TokenId>>());
  EXPECT_EQ(segment.seek, expected.at(kSeek).get<std::size_t>());
  EXPECT_EQ(segment.start_s, expected.at(kStart).get<double>());
  EXPECT_EQ(segment.end_s, expected.at(kEnd).get<double>());
  EXPECT_EQ(segment.temperature, expected.at(kTemperature).get<double>());
  EXPECT_EQ(segment.compression_ratio, expected.at(kCompressionRatio).get<double>());
  EXPECT_NEAR(segment.avg_logprob, expected.at(kAvgLogprob).get<double>(), kLogprobTolerance);
  const double no_speech = expected.at(kNoSpeechProb);
  EXPECT_NEAR(segment.no_speech_prob, no_speech, 1e-2 * no_speech + 1e-6);
}

class TranscribeGolden : public testing::TestWithParam<const char*> {
 protected:
  // Goldens of other weights or recordings would blame the engine for a difference that is not its own.
  static void check_hashes(const nlohmann::json& golden) {
    const std::string advice = "; run tools/goldens/transcribe.py and commit what it writes";
    ASSERT_EQ(model::sha256_of_file(test::source_path("models/demo/model.safetensors"), {}),
              golden.at("model_sha256").get<std::string>())
        << "the goldens are of another model" << advice;
    for (const auto& [name, hash] : golden.at("recordings_sha256").items()) {
      ASSERT_EQ(model::sha256_of_file(GoldenAudio::path_of(name), {}), hash.get<std::string>())
          << "the goldens are of another recording " << name << advice;
    }
  }

  static std::size_t frame_of(const nlohmann::json& frame, std::size_t otherwise) {
    return frame.is_null() ? otherwise : frame.get<std::size_t>();
  }

  static void check_case(const Transcriber& transcriber, std::span<const float> samples, const nlohmann::json& c) {
    const Transcript transcript = transcriber.transcribe(samples, options_of(c.at("options")), {}, {});
    EXPECT_EQ(transcript.language, c.at("language").get<std::string>());
    const nlohmann::json& expected = c.at("segments");
    // From here on PyTorch's random numbers, or the rounding of its sums, decided.
    constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();
    const std::size_t sampled_from = frame_of(c.at("sampled_from"), kNever);
    const std::size_t compared_before = std::min(sampled_from, frame_of(c.at("near_tie_from"), kNever));
    std::size_t i = 0;
    for (; i < expected.size() && expected.at(i).at(kSeek).get<std::size_t>() < compared_before; ++i) {
      SCOPED_TRACE("segment " + std::to_string(i));
      ASSERT_LT(i, transcript.segments.size());
      expect_segment(transcript.segments[i], expected.at(i));
      EXPECT_EQ(transcript.segments[i].id, i);
      if (HasFailure()) return;  // what follows is conditioned on this
    }
    if (compared_before != kNever) {
      if (compared_before == sampled_from && i < transcript.segments.size() &&
          transcript.segments[i].seek == sampled_from) {
        EXPECT_GT(transcript.segments[i].temperature, 0.0) << "the reference fell back in this window";
      }
      return;
    }
    EXPECT_EQ(transcript.segments.size(), expected.size());
    EXPECT_EQ(transcript.text, c.at("text").get<std::string>());
  }
};

TEST_P(TranscribeGolden, SegmentsEqualTheReferences) {
  const nlohmann::json golden = test::read_golden(std::string("transcribe_") + GetParam() + ".json");
  check_hashes(golden);
  if (HasFatalFailure()) return;
  if (kSanitized && std::string(GetParam()) == "long") GTEST_SKIP() << "too slow with a sanitizer";
  test::DemoModel demo;
  const Transcriber transcriber(demo.model, demo.tokenizer, demo.checkpoint.generation);
  GoldenAudio audio;
  std::size_t cases = 0;
  for (const nlohmann::json& c : golden.at("cases")) {
    if (cases++ == kMostCases) break;
    SCOPED_TRACE(c.at("name").get<std::string>());
    check_case(transcriber, audio.samples_of(c.at("audio")), c);
  }
}

INSTANTIATE_TEST_SUITE_P(Recordings, TranscribeGolden, testing::Values("cases", "long"),
                         [](const auto& set) { return std::string(set.param); });

}  // namespace
}  // namespace amanuensis::pipeline
