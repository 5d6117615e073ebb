#include "pipeline/window_segments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "support/small_vocabulary.h"

namespace amanuensis::pipeline {
namespace {

using model::TokenId;

class WindowSegmentsTest : public testing::Test {
 protected:
  // Time tokens are written as numbers of 20 ms below, text as itself.
  TokenId at(std::size_t position) const {
    return tokenizer_.special().timestamp_begin + static_cast<TokenId>(position);
  }
  std::vector<TokenId> text(const std::string& text) const { return tokenizer_.encode(text); }
  static std::vector<TokenId> join(const std::vector<std::vector<TokenId>>& parts) {
    std::vector<TokenId> tokens;
    for (const auto& part : parts) tokens.insert(tokens.end(), part.begin(), part.end());
    return tokens;
  }
  WindowSegments cut(std::vector<TokenId> tokens, WindowPlace place = {.seek = 1000, .frames = 3000}) const {
    decoding::WindowResult result;
    result.tokens = std::move(tokens);
    result.temperature = 0.4;
    result.avg_logprob = -0.25;
    result.compression_ratio = 1.5;
    result.no_speech_prob = 0.125;
    return cut_window(result, place, tokenizer_);
  }

  const model::Tokenizer tokenizer_ = test::small_tokenizer();
};

TEST_F(WindowSegmentsTest, CutsBetweenPairsAndGoesOnAtTheLastOne) {
  const auto tokens = join({{at(0)}, text(" one"), {at(100), at(110)}, text(" two"), {at(200), at(200)}, text(" th")});
  const WindowSegments window = cut(tokens);
  ASSERT_EQ(window.segments.size(), 2U);
  EXPECT_EQ(window.segments[0].text, " one");
  EXPECT_EQ(window.segments[0].start_s, 10.0);
  EXPECT_EQ(window.segments[0].end_s, 12.0);
  EXPECT_EQ(window.segments[1].text, " two");
  EXPECT_EQ(window.segments[1].start_s, 10.0 + 110 * 0.02);
  EXPECT_EQ(window.segments[1].end_s, 14.0);
  EXPECT_EQ(window.segments[1].tokens, join({{at(110)}, text(" two"), {at(200)}}));
  EXPECT_EQ(window.advance_frames, 400U) << "the unfinished segment belongs to the next window";
  EXPECT_EQ(window.segments[0].seek, 1000U);
  EXPECT_EQ(window.segments[0].temperature, 0.4);
  EXPECT_EQ(window.segments[0].avg_logprob, -0.25);
  EXPECT_EQ(window.segments[0].compression_ratio, 1.5);
  EXPECT_EQ(window.segments[0].no_speech_prob, 0.125);
}

TEST_F(WindowSegmentsTest, ASingleTimeAtTheEndMeansSilenceAfterIt) {
  const auto tokens = join({{at(0)}, text(" one"), {at(100), at(110)}, text(" two"), {at(200)}});
  const WindowSegments window = cut(tokens, {.seek = 0, .frames = 2500});
  ASSERT_EQ(window.segments.size(), 2U);
  EXPECT_EQ(window.segments[1].end_s, 4.0);
  EXPECT_EQ(window.advance_frames, 2500U);
}

TEST_F(WindowSegmentsTest, WithoutAPairTheWindowIsOneSegment) {
  WindowSegments window = cut(join({{at(5)}, text(" one"), {at(100)}}));
  ASSERT_EQ(window.segments.size(), 1U);
  EXPECT_EQ(window.segments[0].start_s, 10.0) << "the window's start, not the time token";
  EXPECT_EQ(window.segments[0].end_s, 12.0);
  EXPECT_EQ(window.advance_frames, 3000U);

  window = cut(join({{at(0)}, text(" one")}), {.seek = 0, .frames = 1234});
  ASSERT_EQ(window.segments.size(), 1U);
  EXPECT_EQ(window.segments[0].end_s, 12.34) << "<|0.00|> says nothing about the end";
  EXPECT_EQ(window.advance_frames, 1234U);
}

TEST_F(WindowSegmentsTest, SegmentsWithoutLengthOrTextAreEmptied) {
  const auto tokens =
      join({{at(0)}, text(" one"), {at(0), at(10)}, text("  \n"), {at(20), at(20)}, text(" x"), {at(30), at(30)}});
  const WindowSegments window = cut(tokens);
  ASSERT_EQ(window.segments.size(), 3U);
  EXPECT_TRUE(window.segments[0].text.empty());
  EXPECT_TRUE(window.segments[0].tokens.empty());
  EXPECT_TRUE(window.segments[1].text.empty());
  EXPECT_TRUE(window.segments[1].tokens.empty());
  EXPECT_EQ(window.segments[2].text, " x");
}

TEST_F(WindowSegmentsTest, NothingSaidIsOneEmptySegment) {
  const WindowSegments window = cut({});
  ASSERT_EQ(window.segments.size(), 1U);
  EXPECT_TRUE(window.segments[0].text.empty());
  EXPECT_EQ(window.advance_frames, 3000U);
}

TEST_F(WindowSegmentsTest, AlwaysGoesOn) {
  const WindowSegments window = cut(join({{at(0), at(0)}, text(" a")}));
  EXPECT_EQ(window.advance_frames, 3000U) << "the reference would see this window again for ever";
}

}  // namespace
}  // namespace amanuensis::pipeline
