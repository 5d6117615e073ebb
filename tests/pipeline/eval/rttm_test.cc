#include "pipeline/eval/rttm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/error_of.h"
#include "support/temp_folder.h"

namespace amanuensis::pipeline {
namespace {

using test::error_of;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string complaint(const std::string& text) {
  const test::ThrownError error = error_of([&] { parse_rttm(text, "x.rttm"); });
  EXPECT_EQ(error.code, ErrorCode::kBadData) << text;
  return error.message;
}

TEST(RttmTest, TurnsAreReadByRecording) {
  const auto recordings = parse_rttm(
      ";; made by hand\n"
      "SPKR-INFO b 1 <NA> <NA> <NA> unknown ann <NA> <NA>\r\n"
      "SPEAKER b 1 0.5 1.25 <NA> <NA> ann <NA> <NA>\r\n"
      "\n"
      "SPEAKER a 1 3 0 <NA> <NA> bob <NA>\n"
      "  SPEAKER\tb 1 1e1 .5 <NA> <NA> \xC3\xA9va",
      "x.rttm");
  ASSERT_EQ(recordings.size(), 2U);
  EXPECT_EQ(recordings[0].name, "b");
  EXPECT_EQ(recordings[0].turns, (std::vector<RttmTurn>{{"ann", 0.5, 1.25}, {"\xC3\xA9va", 10, 0.5}}));
  EXPECT_EQ(recordings[1].turns, (std::vector<RttmTurn>{{"bob", 3, 0}}));
  EXPECT_TRUE(parse_rttm("", "x.rttm").empty());
}

TEST(RttmTest, ErrorsNameFileLineAndField) {
  EXPECT_THAT(complaint("\nSPEAKER a 1 x 2 <NA> <NA> s <NA> <NA>"),
              AllOf(HasSubstr("x.rttm: line 2: field 4 (start)"), HasSubstr("'x'"), HasSubstr("number of seconds")));
  EXPECT_THAT(complaint("SPEAKER a 1 1 -2 <NA> <NA> s <NA> <NA>"), HasSubstr("field 5 (duration) is '-2'"));
  EXPECT_THAT(complaint("SPEAKER a 1 1 nan <NA> <NA> s <NA> <NA>"), HasSubstr("field 5"));
  EXPECT_THAT(complaint("SPEAKER a 1 1 1e99 <NA> <NA> s <NA> <NA>"), HasSubstr("field 5"));
  EXPECT_THAT(complaint("SPEAKER a 1 1 2"), HasSubstr("5 fields"));
  EXPECT_THAT(complaint("SPEAKER a b 1 1 2 <NA> <NA> my name <NA> <NA>"), HasSubstr("12 fields"));
  EXPECT_THAT(complaint("SPEKER a 1 1 2 <NA> <NA> s <NA> <NA>"),
              AllOf(HasSubstr("field 1 (type)"), HasSubstr("did you mean 'SPEAKER'")));
  EXPECT_THAT(complaint("SPEAKER a 1 1 2 <NA> <NA> <NA> <NA> <NA>"), HasSubstr("field 8 (speaker)"));
  EXPECT_THAT(complaint("SPEAKER <NA> 1 1 2 <NA> <NA> s <NA> <NA>"), HasSubstr("field 2 (recording)"));
  EXPECT_THAT(complaint("\x01\x02 \xFF"), HasSubstr("field 1"));
}

TEST(RttmTest, UemSpansAreReadOrRefused) {
  const auto spans = parse_uem(";; all of it\nrec 1 0.000 30.5\n", "x.uem");
  ASSERT_EQ(spans.size(), 1U);
  EXPECT_EQ(spans[0].recording, "rec");
  EXPECT_EQ(spans[0].end_s, 30.5);
  EXPECT_THAT(error_of([] { parse_uem("rec 1 5 4", "x.uem"); }).message, HasSubstr("field 4 (end) lies before"));
  EXPECT_THAT(error_of([] { parse_uem("rec 5 4", "x.uem"); }).message, HasSubstr("3 fields"));
}

TEST(RttmTest, WhatIsWrittenIsReadAgain) {
  const RttmRecording recording{"my meeting", {{"ann b", 0, 1.5}, {"", 2.25, 0.125}}};
  const std::string text = format_rttm(recording);
  EXPECT_THAT(text, HasSubstr("SPEAKER my_meeting 1 0.000 1.500 <NA> <NA> ann_b <NA> <NA>\n"));
  const auto again = parse_rttm(text, "again");
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].turns, (std::vector<RttmTurn>{{"ann_b", 0, 1.5}, {"unknown", 2.25, 0.125}}));
}

TEST(RttmTest, FilesThatAreNoTextAreNamed) {
  const test::TempFolder folder;
  EXPECT_EQ(error_of([&] { read_rttm(folder.path() / "none.rttm"); }).code, ErrorCode::kNotFound);
  EXPECT_EQ(error_of([&] { read_rttm(folder.path()); }).code, ErrorCode::kInvalidArgument);
  const auto wave = folder.write("a.wav", std::string("RIFF\0\0\0\0", 8));
  EXPECT_THAT(error_of([&] { read_rttm(wave); }).message, AllOf(HasSubstr("a.wav"), HasSubstr("no text file")));
}

}  // namespace
}  // namespace amanuensis::pipeline
