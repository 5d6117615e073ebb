#include "cli/option_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "support/error_of.h"

namespace amanuensis::cli {
namespace {

using test::error_of;
using ::testing::AllOf;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The message of the usage error that reading `text` gives.
template <typename Read>
std::string refused(const Read& read, const std::string& text) {
  const auto error = error_of([&] { read(OptionText{"--option", text}); });
  EXPECT_EQ(error.code, ErrorCode::kInvalidArgument) << text;
  EXPECT_THAT(error.message, AllOf(HasSubstr("--option"), HasSubstr("'" + text + "'")));
  return error.message;
}

TEST(OptionValuesTest, NumbersAreWholeTextsWithinBounds) {
  const auto read = [](const OptionText& option) { return read_number(option, 0, 1); };
  EXPECT_DOUBLE_EQ(read({"--x", "0.25"}), 0.25);
  EXPECT_DOUBLE_EQ(read({"--x", " +1 "}), 1.0);
  for (const char* bad : {"", "x", "1x", "0,5", "nan", "inf", "--"})
    EXPECT_THAT(refused(read, bad), HasSubstr("not a number"));
  EXPECT_THAT(refused(read, "-0.1"), HasSubstr("between 0 and 1"));
  EXPECT_THAT(refused(read, "1.5"), HasSubstr("between 0 and 1"));
}

TEST(OptionValuesTest, NoneIsNothing) {
  EXPECT_EQ(read_optional_number({"--x", "None"}, 0, 1), std::nullopt);
  EXPECT_EQ(read_optional_number({"--x", "none"}, 0, 1), std::nullopt);
  EXPECT_EQ(read_optional_number({"--x", "0.5"}, 0, 1), 0.5);
  EXPECT_EQ(read_optional_count({"--x", "None"}, 1, 5), std::nullopt);
}

TEST(OptionValuesTest, CountsAreWholeNumbersWithinBounds) {
  const auto read = [](const OptionText& option) { return read_count(option, 1, 100); };
  EXPECT_EQ(read({"--x", "5"}), 5U);
  EXPECT_THAT(refused(read, "0"), HasSubstr("at least 1"));
  EXPECT_THAT(refused(read, "-3"), HasSubstr("at least 1"));
  EXPECT_THAT(refused(read, "101"), HasSubstr("at most 100"));
  for (const char* bad : {"", "2.5", "five", "99999999999999999999"}) {
    EXPECT_THAT(refused(read, bad), HasSubstr("not a whole number"));
  }
}

TEST(OptionValuesTest, TokenListsMayBeEmptyAndHoldMinusOne) {
  EXPECT_THAT(read_token_list({"--x", "-1"}), ElementsAre(-1));
  EXPECT_THAT(read_token_list({"--x", "50, 7,-1"}), ElementsAre(50, 7, -1));
  EXPECT_THAT(read_token_list({"--x", ""}), IsEmpty());
  for (const char* bad : {"a", "1,", ",1", "-2", "1.5"}) refused([](const OptionText& o) { read_token_list(o); }, bad);
}

TEST(OptionValuesTest, ClipsAscend) {
  EXPECT_THAT(read_clips({"--x", "0"}), ElementsAre(0.0));
  EXPECT_THAT(read_clips({"--x", ""}), ElementsAre(0.0));
  EXPECT_THAT(read_clips({"--x", "1.5,3,3,4"}), ElementsAre(1.5, 3.0, 3.0, 4.0));
  for (const char* bad : {"3,1", "x", "1,,2", "-1", "2,2", "1;2"})
    refused([](const OptionText& o) { read_clips(o); }, bad);
}

TEST(OptionValuesTest, LanguagesAreCodesOrNames) {
  EXPECT_EQ(read_language({"--x", "auto"}), std::nullopt);
  EXPECT_EQ(read_language({"--x", "de"}), "de");
  EXPECT_EQ(read_language({"--x", "German"}), "de");
  const auto read = [](const OptionText& option) { read_language(option); };
  EXPECT_THAT(refused(read, "germn"), HasSubstr("did you mean 'german'?"));
  EXPECT_THAT(refused(read, "xx"), HasSubstr("code"));
  refused(read, "");
}

TEST(OptionValuesTest, ChoicesSuggestTheNearest) {
  constexpr std::array<std::string_view, 2> kTasks{"transcribe", "translate"};
  EXPECT_EQ(read_choice({"--x", "Translate"}, kTasks), "translate");
  EXPECT_THAT(refused([&](const OptionText& o) { read_choice(o, kTasks); }, "transcibe"),
              HasSubstr("did you mean 'transcribe'?"));
}

TEST(OptionValuesTest, FormatsAreAListWithoutRepetition) {
  EXPECT_THAT(read_formats({"--x", "srt"}), ElementsAre("srt"));
  EXPECT_THAT(read_formats({"--x", "json, SRT,json"}), ElementsAre("json", "srt"));
  EXPECT_EQ(read_formats({"--x", "all"}).size(), 5U);
  const auto read = [](const OptionText& option) { read_formats(option); };
  EXPECT_THAT(refused(read, "str"), HasSubstr("did you mean 'srt'?"));
  refused(read, "");
  refused(read, "srt,");
}

TEST(OptionValuesTest, TemperaturesClimbToOne) {
  EXPECT_THAT(temperature_ladder(0, 0.2),
              ElementsAre(0.0, 0.2, 0.4, DoubleNear(0.6, 1e-12), DoubleNear(0.8, 1e-12), DoubleNear(1.0, 1e-12)));
  EXPECT_THAT(temperature_ladder(0.5, 0.4), ElementsAre(0.5, 0.9));
  EXPECT_THAT(temperature_ladder(0.3, std::nullopt), ElementsAre(0.3));
  EXPECT_THAT(temperature_ladder(0.3, 0.0), ElementsAre(0.3));
  EXPECT_THAT(temperature_ladder(1.5, 0.2), ElementsAre(1.5));
}

}  // namespace
}  // namespace amanuensis::cli
