#include "decoding/fallback.h"

#include <gtest/gtest.h>

namespace amanuensis::decoding {
namespace {

WindowResult result_with(double avg_logprob, double compression_ratio, double no_speech_prob) {
  WindowResult result;
  result.avg_logprob = avg_logprob;
  result.compression_ratio = compression_ratio;
  result.no_speech_prob = no_speech_prob;
  return result;
}

TEST(NeedsFallback, ForRepetitionOrImprobability) {
  const FallbackOptions options;
  EXPECT_FALSE(needs_fallback(result_with(-0.3, 1.5, 0.0), options));
  EXPECT_TRUE(needs_fallback(result_with(-0.3, 2.5, 0.0), options));
  EXPECT_TRUE(needs_fallback(result_with(-1.1, 1.5, 0.0), options));
}

TEST(NeedsFallback, NotAtTheThresholdsThemselves) { EXPECT_FALSE(needs_fallback(result_with(-1.0, 2.4, 0.0), {})); }

TEST(NeedsFallback, NotForSilence) {
  EXPECT_FALSE(needs_fallback(result_with(-1.1, 1.5, 0.61), {}));
  EXPECT_FALSE(needs_fallback(result_with(-1.1, 9.0, 0.61), {})) << "the reference excuses repetition too";
  EXPECT_TRUE(needs_fallback(result_with(-1.1, 1.5, 0.6), {}));
  EXPECT_TRUE(needs_fallback(result_with(-0.3, 2.5, 0.9), {})) << "probable text is not silence";
}

TEST(NeedsFallback, NotWithoutThresholds) {
  FallbackOptions options;
  options.compression_ratio_threshold.reset();
  EXPECT_FALSE(needs_fallback(result_with(-0.3, 9.0, 0.0), options));
  options.logprob_threshold.reset();
  EXPECT_FALSE(needs_fallback(result_with(-9.0, 9.0, 0.9), options));
  options.logprob_threshold = -1.0;
  options.no_speech_threshold.reset();
  EXPECT_TRUE(needs_fallback(result_with(-9.0, 1.0, 0.9), options));
}

}  // namespace
}  // namespace amanuensis::decoding
