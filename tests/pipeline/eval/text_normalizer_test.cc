// The normalizers against openai-whisper's own (tools/goldens/eval_text.py).
#include "pipeline/eval/text_normalizer.h"

#include <gtest/gtest.h>

#include "pipeline/eval/unicode_text.h"
#include "support/goldens.h"

namespace amanuensis::pipeline {
namespace {

TEST(TextNormalizerTest, EqualsWhispersOnMadeUpTexts) {
  const nlohmann::json cases = test::read_golden("eval_normalizers.json");
  ASSERT_GT(cases.size(), 500U);
  for (const nlohmann::json& each : cases) {
    const auto text = each["text"].get<std::string>();
    EXPECT_EQ(normalize_english(text), each["english"].get<std::string>()) << "[" << text << "]";
    EXPECT_EQ(normalize_basic(text), each["basic"].get<std::string>()) << "[" << text << "]";
  }
}

TEST(TextNormalizerTest, NumbersMayBeOfAnyLength) {
  std::string digits;
  std::string words;
  for (int i = 0; i < 200; ++i) {
    digits += std::to_string(i % 9 + 1);
    words += std::string(i == 0 ? "" : " ") +
             std::vector<std::string>{"one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}[i % 9];
  }
  EXPECT_EQ(normalize_english(words + " million"), digits + "000000");
}

TEST(TextNormalizerTest, MalformedBytesAreReplaced) {
  EXPECT_EQ(normalize(Normalizer::kNone, "a\xFF\xC3"), "a\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(normalize_basic("a\xFF z"), "a z");
}

TEST(TextNormalizerTest, NamesGoBothWays) {
  for (const Normalizer each : {Normalizer::kEnglish, Normalizer::kBasic, Normalizer::kNone}) {
    EXPECT_EQ(normalizer_named(to_string(each)), each);
  }
  EXPECT_FALSE(normalizer_named("englsh").has_value());
}

TEST(UnicodeTextTest, MarksAreOrderedAndJoined) {
  EXPECT_EQ(decompose_and_compose(U"a\u0301\u0328"), U"\u0105\u0301");
  EXPECT_EQ(decompose(U"\uD55C"), U"\u1112\u1161\u11AB");
  EXPECT_EQ(decompose_and_compose(U"\u1112\u1161\u11AB"), U"\uD55C");
  EXPECT_EQ(lower_case(U"\u039F\u0394\u039F\u03A3."), U"\u03BF\u03B4\u03BF\u03C2.");
}

}  // namespace
}  // namespace amanuensis::pipeline
