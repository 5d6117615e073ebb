#include "decoding/decode_window.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "decoding/fallback.h"
#include "decoding/language.h"
#include "support/error_of.h"
#include "support/hashed_whisper.h"

namespace amanuensis::decoding {
namespace {

DecodingOptions english() {
  DecodingOptions options;
  options.language = "en";
  return options;
}

TEST(DecodeWindow, IsRepeatableAndStaysInsideTheContext) {
  const DecodingContext context = test::miniature_whisper().context();
  const auto window = test::miniature_whisper().window("mel.0");
  DecodingOptions options = english();
  options.prompt = std::vector<TokenId>(100, 1000);
  options.sample_length = 1000;
  for (const std::size_t beams : {std::size_t{1}, std::size_t{4}}) {
    options.beam_size = beams;
    const WindowResult result = decode_window(context, window, options, {});
    EXPECT_EQ(result.tokens, decode_window(context, window, options, {}).tokens);
    // <|startofprev|>, 23 of the prompt, 3 of the start; one token more than fits is sampled, as in the reference.
    EXPECT_LE(result.tokens.size(), 48 - 27 + 1U);
    EXPECT_TRUE(std::isfinite(result.avg_logprob));
    EXPECT_GT(result.no_speech_prob, 0.0);
    EXPECT_LT(result.no_speech_prob, 1.0);
  }
}

TEST(DecodeWindow, SamplesDependOnTheSeedAlone) {
  const DecodingContext context = test::miniature_whisper().context();
  const auto window = test::miniature_whisper().window("mel.0");
  DecodingOptions options = english();
  options.temperature = 0.9;
  options.best_of = 3;
  options.seed = 11;
  const WindowResult first = decode_window(context, window, options, {});
  EXPECT_EQ(first.tokens, decode_window(context, window, options, {}).tokens);
  EXPECT_EQ(first.temperature, 0.9);
  options.seed = 12;
  EXPECT_NE(first.tokens, decode_window(context, window, options, {}).tokens);
}

TEST(DecodeWindow, BestOfIsTheBestOfItsSamples) {
  const DecodingContext context = test::miniature_whisper().context();
  const auto window = test::miniature_whisper().window("mel.1");
  DecodingOptions options = english();
  options.temperature = 1.0;
  options.best_of = 1;
  const WindowResult one = decode_window(context, window, options, {});
  options.best_of = 8;
  const WindowResult best = decode_window(context, window, options, {});
  const auto score = [](const WindowResult& r) {
    return r.avg_logprob * static_cast<double>(r.tokens.size() + 1) / static_cast<double>(r.tokens.size());
  };
  EXPECT_GE(score(best), score(one) - 1e-4) << "the first sample is one of the eight";
}

TEST(DecodeWindow, WindowsAdvanceTogetherAsTheyDoAlone) {
  const DecodingContext context = test::miniature_whisper().context();
  std::vector<DecodingOptions> options(3, english());
  options[1].beam_size = 3;
  options[1].prompt = {500, 600};
  options[2].temperature = 0.7;
  std::vector<WindowDecoder> decoders;
  decoders.reserve(3);
  std::vector<WindowResult> alone;
  for (std::size_t i = 0; i < 3; ++i) {
    const auto window = test::miniature_whisper().window("mel." + std::to_string(i));
    alone.push_back(decode_window(context, window, options[i], {}));
    decoders.emplace_back(context, window, options[i]);
  }
  while (true) {
    std::vector<model::DecodeItem> items;
    for (WindowDecoder& decoder : decoders) {
      if (!decoder.done()) decoder.collect(items);
    }
    if (items.empty()) break;
    context.model.decode(items);
    for (WindowDecoder& decoder : decoders) {
      if (!decoder.done()) decoder.advance();
    }
  }
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(decoders[i].result().tokens, alone[i].tokens) << i;
    EXPECT_NEAR(decoders[i].result().avg_logprob, alone[i].avg_logprob, 1e-4) << i;
  }
}

TEST(DecodeWindow, StopsWhenAsked) {
  std::stop_source source;
  source.request_stop();
  const auto error = test::error_of([&] {
    decode_window(test::miniature_whisper().context(), test::miniature_whisper().window("mel.0"), english(),
                  source.get_token());
  });
  EXPECT_EQ(error.code, ErrorCode::kCancelled);
}

TEST(DecodeWindow, RefusesAMultilingualModelWithoutALanguage) {
  const auto error = test::error_of(
      [&] { decode_window(test::miniature_whisper().context(), test::miniature_whisper().window("mel.0"), {}, {}); });
  EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
}

TEST(DecodeWithFallback, TriesTemperaturesUntilOnePasses) {
  const DecodingContext context = test::miniature_whisper().context();
  const auto window = test::miniature_whisper().window("mel.0");
  FallbackOptions fallback;
  fallback.temperatures = {0.0, 0.5, 1.0};
  fallback.logprob_threshold = 1.0;  // nothing passes
  fallback.no_speech_threshold.reset();
  EXPECT_EQ(decode_with_fallback(context, window, english(), fallback, {}).temperature, 1.0);
  fallback.logprob_threshold = -1000.0;
  fallback.compression_ratio_threshold = 1000.0;
  EXPECT_EQ(decode_with_fallback(context, window, english(), fallback, {}).temperature, 0.0);
  fallback.temperatures.clear();
  EXPECT_EQ(test::error_of([&] { decode_with_fallback(context, window, english(), fallback, {}); }).code,
            ErrorCode::kInvalidArgument);
}

TEST(DetectLanguage, GivesAProbabilityToEachLanguage) {
  const LanguageProbabilities found =
      detect_language(test::miniature_whisper().context(), test::miniature_whisper().window("mel.0"));
  ASSERT_EQ(found.size(), 99U);
  double sum = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    sum += found[i].second;
    EXPECT_LE(found[i].second, found[i == 0 ? 0 : i - 1].second);
  }
  EXPECT_NEAR(sum, 1.0, 1e-6);
}

}  // namespace
}  // namespace amanuensis::decoding
