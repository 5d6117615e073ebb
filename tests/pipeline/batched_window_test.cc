#include "pipeline/batched_window.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "support/hashed_model.h"
#include "support/small_vocabulary.h"

namespace amanuensis::pipeline {
namespace {

using model::TokenId;

class BatchedWindowTest : public testing::Test {
 protected:
  // Time tokens are written as numbers of 20 ms, text as itself.
  TokenId at(std::size_t position) const {
    return tokenizer_.special().timestamp_begin + static_cast<TokenId>(position);
  }
  std::vector<TokenId> text(const std::string& text) const { return tokenizer_.encode(text); }
  BatchedCut cut(const std::vector<std::vector<TokenId>>& parts, const WindowPlace& place,
                 CutOptions options = {}) const {
    decoding::WindowResult result;
    for (const auto& part : parts) result.tokens.insert(result.tokens.end(), part.begin(), part.end());
    result.avg_logprob = -0.25;
    return cut_batched(result, place, tokenizer_, options);
  }
  static std::vector<std::string> texts(const BatchedCut& cut) {
    std::vector<std::string> texts;
    for (const Segment& segment : cut.segments) texts.push_back(segment.text);
    return texts;
  }

  const model::Tokenizer tokenizer_ = test::small_tokenizer();
};

TEST_F(BatchedWindowTest, ASingleTimeAtTheEndCompletesTheWindow) {
  const BatchedCut window =
      cut({{at(0)}, text(" one"), {at(100), at(110)}, text(" two"), {at(200)}}, {.seek = 0, .frames = 2500});
  EXPECT_EQ(texts(window), (std::vector<std::string>{" one", " two"}));
  EXPECT_EQ(window.advance_frames, 0U);
}

TEST_F(BatchedWindowTest, CompleteTextAfterTheLastPairIsNotLost) {
  const BatchedCut window =
      cut({{at(0)}, text(" one"), {at(100), at(110)}, text(" two")}, {.seek = 500, .frames = 1000});
  ASSERT_EQ(texts(window), (std::vector<std::string>{" one", " two"}));
  EXPECT_EQ(window.segments[1].start_s, 5.0 + 2.2);
  EXPECT_EQ(window.segments[1].end_s, 15.0) << "it ends with the window";
  EXPECT_EQ(window.segments[1].avg_logprob, -0.25);
  EXPECT_EQ(window.advance_frames, 0U);
}

TEST_F(BatchedWindowTest, TextThatWasCutOffIsDecodedAgain) {
  const BatchedCut window =
      cut({{at(0)}, text(" one"), {at(100), at(110)}, text(" two")}, {.seek = 0, .frames = 1000}, {.cut_off = true});
  EXPECT_EQ(texts(window), (std::vector<std::string>{" one"}));
  EXPECT_EQ(window.advance_frames, 200U);
}

TEST_F(BatchedWindowTest, AudioThatWasLeftOpenIsDecodedOnItsOwn) {
  const BatchedCut window = cut({{at(0)}, text(" one"), {at(100), at(100)}}, {.seek = 0, .frames = 1000});
  EXPECT_EQ(texts(window), (std::vector<std::string>{" one"}));
  EXPECT_EQ(window.advance_frames, 200U);
  const BatchedCut at_the_end = cut({{at(0)}, text(" one"), {at(490), at(490)}}, {.seek = 0, .frames = 1000});
  EXPECT_EQ(at_the_end.advance_frames, 0U) << "0.2 s hold nothing";
}

TEST_F(BatchedWindowTest, TimesGoBackToWhereTheWindowsPiecesWere) {
  // 2 s from 10 s on, then 3 s from 60 s on.
  const AudioWindow window{{{160'000, 192'000}, {960'000, 1'008'000}}};
  Segment segment;
  segment.start_s = 0.5;
  segment.end_s = 7.0;
  segment.words = {{.word = " a", .start_s = 0.5, .end_s = 1.0}, {.word = " b", .start_s = 2.5, .end_s = 3.0}};
  move_to_original({&segment, 1}, window);
  EXPECT_DOUBLE_EQ(segment.start_s, 10.5);
  EXPECT_DOUBLE_EQ(segment.end_s, 63.0) << "never beyond the speech";
  EXPECT_DOUBLE_EQ(segment.words[1].start_s, 60.5);
  EXPECT_DOUBLE_EQ(segment.words[1].end_s, 61.0);
}

TEST_F(BatchedWindowTest, TheLogMelIsTheRecordingsAsFarAsItGoesAndThenZero) {
  std::vector<float> samples(16'000 * 2);
  test::fill_uniform("noise", samples);
  const audio::MelFilters filters(80);
  const AlignedBuffer<float> window = window_log_mel(samples, filters, 3000, {});
  const audio::LogMel whole = audio::log_mel_spectrogram(samples, 80, 480'000);
  const auto row = window.matrix(80, 3000).row(17);
  for (std::size_t t = 0; t < 200; ++t) EXPECT_EQ(row[t], whole.view()(17, t)) << t;
  EXPECT_THAT(std::vector(row.begin() + 200, row.end()), testing::Each(0.0F));
}

TEST_F(BatchedWindowTest, QuietWindowsKeepTheFloorOfLouderOnesBefore) {
  std::vector<float> loud(16'000);
  test::fill_uniform("noise", loud);
  std::vector<float> quiet = loud;
  for (float& sample : quiet) sample *= 1e-6F;
  const audio::MelFilters filters(80);
  float largest = -std::numeric_limits<float>::infinity();
  const audio::LogMelOptions options{.largest = &largest};
  const auto first = window_log_mel(loud, filters, 100, options);
  const float after_first = largest;
  const auto second = window_log_mel(quiet, filters, 100, options);
  EXPECT_EQ(largest, after_first);
  EXPECT_THAT(second.span(), testing::Each((after_first - 8.0F + 4.0F) / 4.0F)) << "all of it is below the floor";
  EXPECT_NE(second[0], window_log_mel(quiet, filters, 100, {})[0]);
}

TEST_F(BatchedWindowTest, ShiftingDropsTheBeginning) {
  std::vector<float> values = {1, 2, 3, 4, 5, 6};
  shift_log_mel({values.data(), 2, 3}, 2);
  EXPECT_EQ(values, (std::vector<float>{3, 0, 0, 6, 0, 0}));
}

}  // namespace
}  // namespace amanuensis::pipeline
