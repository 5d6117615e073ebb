// `transcribe --live` and word times, through the whole program with the bundled model.
#include <nlohmann/json.hpp>
#include <regex>
#include <string>

#include "program_fixture.h"

namespace amanuensis::e2e {
namespace {

using ::testing::HasSubstr;

class LiveTest : public ProgramFixture {
 protected:
  void SetUp() override {
    if (!has_ffmpeg()) GTEST_SKIP() << "the ffmpeg program is not installed";
    pcm_ = make_media({"-i", recording(), "-t", "12", "-f", "s16le", "-ac", "1", "-ar", "16000"}, "speech.pcm");
  }
  test::RunResult live(const std::vector<std::string>& more, bool on_terminal = false) const {
    return transcribe(with({"--live", "-"}, more), {.input_file = pcm_, .on_terminal = on_terminal});
  }

  std::string pcm_;
};

TEST_F(LiveTest, WritesCommittedTextAloneIntoAPipe) {
  const test::RunResult result = live({});
  EXPECT_EQ(result.exit_code, 0) << result.error;
  EXPECT_EQ(result.error, "");
  EXPECT_GE(lines(result.out), 2) << result.out;
  EXPECT_EQ(result.out.find('['), std::string::npos) << "no times";
  EXPECT_EQ(result.out.find('\r'), std::string::npos) << "nothing that changes";
}

TEST_F(LiveTest, FloatingPointSamplesGiveTheSame) {
  const std::string floats =
      make_media({"-f", "s16le", "-ar", "16000", "-ac", "1", "-i", pcm_, "-f", "f32le"}, "speech.f32");
  const test::RunResult result = transcribe({"--live", "-", "--live-format", "f32le"}, {.input_file = floats});
  EXPECT_EQ(result.exit_code, 0) << result.error;
  EXPECT_EQ(result.out, live({}).out);
}

TEST_F(LiveTest, FormatsThatNeedTheWholeComeAtTheEnd) {
  const test::RunResult result = live({"--output-format", "json", "--word-timestamps", "True"});
  ASSERT_EQ(result.exit_code, 0) << result.error;
  const nlohmann::json transcript = nlohmann::json::parse(result.out);
  double last_s = 0;
  for (const nlohmann::json& segment : transcript.at("segments")) {
    for (const nlohmann::json& word : segment.at("words")) {
      EXPECT_GE(word.at("start").get<double>(), last_s - 1e-9);
      EXPECT_GT(word.at("end").get<double>(), word.at("start").get<double>());
      last_s = word.at("end");
    }
  }
  EXPECT_GT(last_s, 5.0);
  EXPECT_LE(last_s, 12.01);
}

TEST_F(LiveTest, WritesFilesNamedAfterStandardInput) {
  const test::RunResult result = live({"-o", path("out"), "-f", "txt,srt"});
  EXPECT_EQ(result.exit_code, 0) << result.error;
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(read("out/stdin.srt"), HasSubstr(" --> "));
  EXPECT_NE(read("out/stdin.txt"), "");
}

TEST_F(LiveTest, SilenceGivesNothing) {
  const std::string silence =
      make_media({"-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono", "-t", "8", "-f", "s16le"}, "silence.pcm");
  const test::RunResult result = transcribe({"--live", "-"}, {.input_file = silence});
  EXPECT_EQ(result.exit_code, 0) << result.error;
  EXPECT_EQ(result.out, "");
}

TEST_F(LiveTest, HearsStandardInputAlone) {
  expect_one_line(transcribe({"--live", recording()}), 2, "--live");
  expect_one_line(transcribe({"--live", "-", "--live-format", "mp3"}), 2, "--live-format");
  const test::RunResult nothing = transcribe({"--live", "-"});
  EXPECT_EQ(nothing.exit_code, 0) << nothing.error;
  EXPECT_EQ(nothing.out, "");
}

class WordTimesProgramTest : public ProgramFixture {};

TEST_F(WordTimesProgramTest, HighlightedCaptionsUnderlineEachWord) {
  if (!has_ffmpeg()) GTEST_SKIP() << "the ffmpeg program is not installed";
  const std::string file = short_recording();
  const test::RunResult karaoke =
      transcribe({"--word_timestamps", "True", "--highlight_words", "True", "-f", "srt", file});
  ASSERT_EQ(karaoke.exit_code, 0) << karaoke.error;
  EXPECT_TRUE(std::regex_search(karaoke.out, std::regex("<u>[A-Za-z]+.?</u>"))) << karaoke.out;
  const test::RunResult few = transcribe({"--word-timestamps", "--max-words-per-line", "2", "-f", "vtt", file});
  ASSERT_EQ(few.exit_code, 0) << few.error;
  const test::RunResult plain = transcribe({"--word-timestamps", "-f", "vtt", file});
  EXPECT_GT(lines(few.out), lines(plain.out));
}

TEST_F(WordTimesProgramTest, OptionsThatNeedWordTimesAreRefusedWithout) {
  expect_one_line(transcribe({"--highlight-words", recording()}), 2, "--word-timestamps");
  expect_one_line(transcribe({"--max-words-per-line", "3", recording()}), 2, "--word-timestamps");
  expect_one_line(transcribe({"--hallucination-silence-threshold", "2", recording()}), 2, "--word-timestamps");
  expect_one_line(transcribe({"--repetition-penalty", "0", recording()}), 2, "--repetition-penalty");
  expect_one_line(transcribe({"--no-repeat-ngram-size", "-1", recording()}), 2, "--no-repeat-ngram-size");
}

}  // namespace
}  // namespace amanuensis::e2e
