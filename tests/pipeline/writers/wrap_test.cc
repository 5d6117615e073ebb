// Line breaking where there are no word times.
#include "pipeline/writers/wrap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "model/tokenizer/utf8.h"
#include "pipeline/writers/subtitles.h"

namespace amanuensis::pipeline {
namespace {

using ::testing::ElementsAre;

TEST(Wrap, FillsLinesGreedilyAtSpaces) {
  EXPECT_THAT(wrap_text("the quick brown fox", 10), ElementsAre("the quick", "brown fox"));
  EXPECT_THAT(wrap_text("the quick brown fox", 9), ElementsAre("the quick", "brown fox"));
  EXPECT_THAT(wrap_text("the quick brown fox", 8), ElementsAre("the", "quick", "brown", "fox"));
  EXPECT_THAT(wrap_text("the quick brown fox", 100), ElementsAre("the quick brown fox"));
  EXPECT_THAT(wrap_text("", 5), ElementsAre(""));
  EXPECT_THAT(wrap_text("  a \n\t b  ", 5), ElementsAre("a b"));
}

TEST(Wrap, LeavesLongWordsWhole) {
  EXPECT_THAT(wrap_text("a extraordinarily b", 5), ElementsAre("a", "extraordinarily", "b"));
}

TEST(Wrap, CountsCharactersNotBytes) {
  EXPECT_THAT(wrap_text("žluťoučký kůň běžel", 13), ElementsAre("žluťoučký kůň", "běžel"));
}

TEST(Wrap, BreaksScriptsWithoutSpacesBetweenCharacters) {
  EXPECT_THAT(wrap_text("今日はいい天気", 3), ElementsAre("今日は", "いい天", "気"));
  // Punctuation stays with what it closes or opens, Latin words whole.
  EXPECT_THAT(wrap_text("今日は。いい", 3), ElementsAre("今日", "は。い", "い"));
  EXPECT_THAT(wrap_text("今「日は」", 2), ElementsAre("今", "「日", "は」"));
  EXPECT_THAT(wrap_text("用Python写", 3), ElementsAre("用Python写"));
  // A vowel sign stays with its letter, and one written first with the letter after it.
  for (const std::string& line : wrap_text("วันนี้อากาศดีมากเราจะไปตลาด", 4)) {
    const char32_t first = model::read_utf8(line).code_point;
    EXPECT_FALSE(first >= 0x0E31 && first <= 0x0E3A) << line;
    EXPECT_FALSE(first >= 0x0E47 && first <= 0x0E4E) << line;
  }
}

Transcript one_segment(const std::string& text) {
  Transcript transcript;
  transcript.segments.push_back({.start_s = 10, .end_s = 20, .text = text});
  return transcript;
}

TEST(CaptionsWithoutWordTimes, WrapEachSegment) {
  const auto cues = make_cues(one_segment(" the quick brown fox"), {.max_line_width = 10});
  ASSERT_EQ(cues.size(), 1);
  EXPECT_EQ(cues[0].text, "the quick\nbrown fox");
  EXPECT_EQ(cues[0].start_ms, 10000);
  EXPECT_EQ(cues[0].end_ms, 20000);
}

TEST(CaptionsWithoutWordTimes, FurtherCuesShareTheTimeByCharacters) {
  const auto cues = make_cues(one_segment(" aaaa bbbb cccc dddd ee"), {.max_line_width = 4, .max_line_count = 2});
  ASSERT_EQ(cues.size(), 3);
  EXPECT_EQ(cues[0].text, "aaaa\nbbbb");
  EXPECT_EQ(cues[1].text, "cccc\ndddd");
  EXPECT_EQ(cues[2].text, "ee");
  EXPECT_EQ(cues[0].start_ms, 10000);
  EXPECT_EQ(cues[0].end_ms, 14444);
  EXPECT_EQ(cues[1].start_ms, 14444);
  EXPECT_EQ(cues[1].end_ms, 18889);
  EXPECT_EQ(cues[2].end_ms, 20000);
}

TEST(CaptionsWithoutWordTimes, ALineCountAloneChangesNothing) {
  const Transcript transcript = one_segment(" aaaa bbbb --> cccc");
  for (const WriterOptions& options :
       std::vector<WriterOptions>{{.max_line_count = 1}, {.max_words_per_line = 1}, {}}) {
    const auto cues = make_cues(transcript, options);
    ASSERT_EQ(cues.size(), 1);
    EXPECT_EQ(cues[0].text, "aaaa bbbb -> cccc");
  }
}

}  // namespace
}  // namespace amanuensis::pipeline
