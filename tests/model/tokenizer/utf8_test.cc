#include "model/tokenizer/utf8.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "model/tokenizer/tokenizer.h"

namespace amanuensis::model {
namespace {

#define R "\xEF\xBF\xBD"

// The right column is what Python's bytes.decode("utf-8", "replace") gives.
TEST(Utf8, ReplacesMalformedPartsAsPythonDoes) {
  const std::pair<std::string, std::string> cases[] = {
      {"", ""},
      {"plain", "plain"},
      {"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"},
      {"\xE2\x82", R},                // cut
      {"\xE2\x82z", R "z"},           // cut by another character
      {"\xF0\x9F\x98", R},            // cut
      {"\xF0\x80\x80\x80", R R R R},  // overlong
      {"\xC0\xAF", R R},              // overlong
      {"\xED\xA0\x80", R R R},        // surrogate
      {"\xF4\x90\x80\x80", R R R R},  // beyond U+10FFFF
      {"\xFF\xFE", R R},
      {"a\x80"
       "b",
       "a" R "b"},
      {"\xE2\xE2\x82\xAC", R "\xE2\x82\xAC"},
      {"\xF0\x9F\xF0\x9F\x98\x80", R "\xF0\x9F\x98\x80"},
  };
  for (const auto& [bytes, expected] : cases) EXPECT_EQ(replace_malformed_utf8(bytes), expected);
}

TEST(Utf8, StreamHoldsBackIncompleteCharacters) {
  Utf8Stream stream;
  EXPECT_EQ(stream.push("a\xE2"), "a");
  EXPECT_EQ(stream.push("\x82"), "");
  EXPECT_EQ(stream.push("\xAC!\xF0\x9F"), "\xE2\x82\xAC!");
  EXPECT_EQ(stream.finish(), R);
  EXPECT_EQ(stream.finish(), "");
  EXPECT_EQ(stream.push("\x98"), R);
}

TEST(Utf8, StreamGivesTheSameTextHoweverItIsCut) {
  std::mt19937 random(3);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes;
    for (std::size_t left = random() % 40; left > 0; --left) {
      constexpr std::string_view kLikely = "a\x80\xBF\xC3\xA9\xE2\x82\xAC\xED\xA0\xF0\x9F\x98\xF4\x90\xFF";
      bytes.push_back(kLikely[random() % kLikely.size()]);
    }
    Utf8Stream stream;
    std::string streamed;
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t size = std::min<std::size_t>(1 + random() % 3, bytes.size() - at);
      streamed += stream.push(std::string_view(bytes).substr(at, size));
      at += size;
    }
    streamed += stream.finish();
    ASSERT_EQ(streamed, replace_malformed_utf8(bytes));
  }
}

#undef R

TEST(Utf8, AppendAndReadAgree) {
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string text;
    append_utf8(c, text);
    const Utf8Char read = read_utf8(text);
    ASSERT_EQ(read.status, Utf8Status::kValid);
    ASSERT_EQ(read.code_point, c);
    ASSERT_EQ(read.size_bytes, text.size());
  }
}

TEST(Utf8, CountsCharacters) {
  EXPECT_EQ(count_utf8(""), 0);
  EXPECT_EQ(count_utf8("na\xC3\xAFve \xF0\x9F\x98\x80"), 7);
}

}  // namespace
}  // namespace amanuensis::model
