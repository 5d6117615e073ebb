#include "pipeline/word_error_rate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace amanuensis::pipeline {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(WordErrorRateTest, WordsLoseCaseAndPunctuationOnly) {
  EXPECT_THAT(words_of(" Hello, World! "), ElementsAre("hello", "world"));
  EXPECT_THAT(words_of("Don't 'quote' the well-known one."),
              ElementsAre("don't", "quote", "the", "well", "known", "one"));
  EXPECT_THAT(words_of("don\xE2\x80\x99t wait\xE2\x80\xA6 42%"), ElementsAre("don't", "wait", "42"));
  EXPECT_THAT(words_of("d\xC3\xA9j\xC3\xA0 vu"), ElementsAre("d\xC3\xA9j\xC3\xA0", "vu"));
  EXPECT_THAT(words_of(" ... "), IsEmpty());
}

TEST(WordErrorRateTest, CountsEachKindOfError) {
  const WordErrors errors = count_word_errors("the cat sat on the mat", "the bat sat the mat now");
  EXPECT_EQ(errors.words, 6U);
  EXPECT_EQ(errors.substitutions, 1U);
  EXPECT_EQ(errors.deletions, 1U);
  EXPECT_EQ(errors.insertions, 1U);
  EXPECT_DOUBLE_EQ(errors.rate(), 0.5);
  ASSERT_EQ(errors.edits.size(), 3U);
  EXPECT_EQ(errors.edits[0].said, "cat");
  EXPECT_EQ(errors.edits[0].heard, "bat");
  EXPECT_EQ(errors.edits[1].said, "on");
  EXPECT_EQ(errors.edits[1].heard, "");
  EXPECT_EQ(errors.edits[2].said, "");
  EXPECT_EQ(errors.edits[2].heard, "now");
}

TEST(WordErrorRateTest, EqualTextsHaveNone) {
  EXPECT_EQ(count_word_errors("A b, c.", "a B c").errors(), 0U);
  EXPECT_DOUBLE_EQ(count_word_errors("", "").rate(), 0.0);
}

TEST(WordErrorRateTest, EmptyTextsCountAsAllOrNothing) {
  EXPECT_DOUBLE_EQ(count_word_errors("one two", "").rate(), 1.0);
  EXPECT_EQ(count_word_errors("one two", "").deletions, 2U);
  EXPECT_DOUBLE_EQ(count_word_errors("", "noise").rate(), 1.0);
  EXPECT_EQ(count_word_errors("one", "a b c one").insertions, 3U);
}

}  // namespace
}  // namespace amanuensis::pipeline
