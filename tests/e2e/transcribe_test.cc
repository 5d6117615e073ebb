// `amanuensis transcribe` as a person or a script uses it: what goes where, and how it ends.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "e2e/program_fixture.h"

namespace amanuensis::e2e {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

class TranscribeTest : public ProgramFixture {
 protected:
  void SetUp() override {
    if (!has_ffmpeg()) GTEST_SKIP() << "needs the ffmpeg program";
  }
};

TEST_F(TranscribeTest, PipeGetsTheResultAndNothingElse) {
  const std::string file = short_recording();
  const test::RunResult piped = transcribe({file});
  EXPECT_EQ(piped.exit_code, 0);
  EXPECT_EQ(piped.error, "");
  EXPECT_NE(piped.out, "");

  const test::RunResult to_files = transcribe({file, "--output_dir", path("out"), "--output_format", "all"});
  EXPECT_EQ(to_files.exit_code, 0) << to_files.error;
  EXPECT_EQ(to_files.out, "");
  EXPECT_EQ(to_files.error, "");
  EXPECT_EQ(read("out/short.txt"), piped.out) << "streamed text is the file's text";
  for (const std::string format : {"srt", "vtt", "tsv", "json"}) {
    const test::RunResult one = transcribe({file, "-f", format});
    const std::string content = read("out/short." + format);
    EXPECT_EQ(one.out, content.ends_with('\n') ? content : content + "\n") << format;
  }
  const auto json = nlohmann::json::parse(read("out/short.json"));
  EXPECT_EQ(json.at("language"), "en");
  EXPECT_FALSE(json.at("segments").empty());
  EXPECT_THAT(read("out/short.vtt"), StartsWith("WEBVTT\n"));
  EXPECT_THAT(read("out/short.srt"), StartsWith("1\n00:00:"));
  EXPECT_THAT(read("out/short.tsv"), StartsWith("start\tend\ttext\n"));
}

TEST_F(TranscribeTest, StandardInputIsAFileLikeAnyOther) {
  const std::string file = short_recording();
  const test::RunResult named = transcribe({file});
  const test::RunResult piped = transcribe({"-"}, {.input_file = file});
  EXPECT_EQ(piped.exit_code, 0) << piped.error;
  EXPECT_EQ(piped.out, named.out);
  EXPECT_EQ(transcribe({"-", "-o", path("out"), "-f", "srt"}, {.input_file = file}).exit_code, 0);
  EXPECT_NE(read("out/stdin.srt"), "");
}

TEST_F(TranscribeTest, OneBadFileDoesNotStopTheOthers) {
  const std::string first = short_recording("first.wav");
  const std::string last = short_recording("last.flac");
  folder_.write("bad.wav", "not sound");
  const test::RunResult result = transcribe({first, path("bad.wav"), path("absent.wav"), last, "-o", path("out")});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(lines(result.error), 2) << result.error;
  EXPECT_THAT(result.error, AllOf(HasSubstr("bad.wav"), HasSubstr("absent.wav")));
  EXPECT_NE(read("out/first.txt"), "");
  EXPECT_NE(read("out/last.txt"), "");
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "out/bad.txt"));
}

TEST_F(TranscribeTest, SeveralFilesAsJsonAreOneLineEach) {
  const test::RunResult result = transcribe({short_recording("a.wav"), short_recording("b.wav"), "-f", "json"});
  EXPECT_EQ(result.exit_code, 0) << result.error;
  ASSERT_EQ(lines(result.out), 2);
  EXPECT_TRUE(nlohmann::json::accept(result.out.substr(0, result.out.find('\n'))));
}

TEST_F(TranscribeTest, FilesOfOneNameAreNotOverwritten) {
  expect_one_line(transcribe({short_recording("x.wav"), short_recording("x.flac"), "-o", path("out")}), 2, "x.flac");
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "out"));
}

TEST_F(TranscribeTest, TerminalShowsTimedLinesAndACleanEnd) {
  const test::RunResult result = transcribe({short_recording()}, {.on_terminal = true});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, HasSubstr("[00:0"));
  EXPECT_THAT(result.out, HasSubstr(" --> "));
  EXPECT_THAT(result.out, HasSubstr("\r\x1b[K")) << "the bar is erased";
  EXPECT_THAT(result.out, HasSubstr("x realtime"));
  EXPECT_TRUE(result.out.ends_with("\n")) << "the last line is a whole one";
  EXPECT_THAT(transcribe({short_recording(), "--quiet"}, {.on_terminal = true}).out, Not(HasSubstr("realtime")));
}

TEST_F(TranscribeTest, VerboseSpeaksOnStandardErrorAlone) {
  const test::RunResult result = transcribe({short_recording(), "--verbose"});
  EXPECT_EQ(result.out, transcribe({short_recording()}).out);
  EXPECT_THAT(result.error, AllOf(HasSubstr("model "), HasSubstr("cpu ("), HasSubstr("language en")));
}

TEST_F(TranscribeTest, InterruptEndsCleanly) {
  const std::string file = make_media({"-stream_loop", "9", "-i", recording()}, "long.wav");
  test::RunOptions options;
  options.signal = SIGINT;
  options.signal_after = "loaded in";
  options.signal_delay = std::chrono::milliseconds(300);
  const test::RunResult result = transcribe({file, "--verbose", "-o", path("out")}, options);
  EXPECT_EQ(result.exit_code, 130) << result.error;
  EXPECT_TRUE(result.error.ends_with("amanuensis: interrupted\n")) << result.error;
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "out/long.txt"));

  options.signal = SIGTERM;
  EXPECT_EQ(transcribe({file, "--verbose", "-o", path("out")}, options).exit_code, 143);
}

// A pipe whose writer is there but writes nothing, and one whose writer never comes.
TEST_F(TranscribeTest, InterruptEndsTheWaitForAnIdlePipe) {
  const std::string pipe = path("idle");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  test::RunOptions options;
  options.signal = SIGINT;
  options.signal_after = "loaded in";
  options.signal_delay = std::chrono::milliseconds(300);
  options.timeout = std::chrono::seconds(60);
  const test::RunResult no_writer = transcribe({pipe, "--verbose"}, options);
  EXPECT_EQ(no_writer.exit_code, 130) << no_writer.error;

  const int writer = open(pipe.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(writer, 0);
  options.input_file = pipe;
  const test::RunResult silent = transcribe({"-", "--verbose"}, options);
  EXPECT_EQ(silent.exit_code, 130) << silent.error;
  EXPECT_TRUE(silent.error.ends_with("amanuensis: interrupted\n")) << silent.error;
  // The first bytes of a file, and then nothing more.
  EXPECT_EQ(write(writer, "RIFF\0\0\0\0WAVE", 12), 12);
  EXPECT_EQ(transcribe({"-", "--verbose"}, options).exit_code, 130);
  close(writer);
}

TEST_F(TranscribeTest, ReaderThatGoesAwayEndsItQuietly) {
  const std::string file = make_media({"-stream_loop", "9", "-i", recording()}, "long.wav");
  test::RunOptions options;
  options.close_output_after = 1;
  const test::RunResult result = transcribe({file}, options);
  EXPECT_EQ(result.exit_code, 141);
  EXPECT_EQ(result.error, "");
}

TEST_F(TranscribeTest, FullDiskIsSaid) {
  expect_one_line(transcribe({short_recording()}, {.output_file = "/dev/full"}), 8, "No space left");
}

TEST_F(TranscribeTest, UnwritableFolderIsSaid) {
  folder_.write("taken", "a file, not a folder");
  expect_one_line(transcribe({short_recording(), "-o", path("taken")}), 6, "taken");
}

TEST_F(TranscribeTest, PlaceThatCannotBeMeantIsSaid) {
  expect_one_line(transcribe({short_recording(), "-o", "-"}), 2, "standard output");
  expect_one_line(transcribe({path("a/x.wav"), path("b/x.wav"), "-o", path("out")}), 2, "out/x.txt");
}

TEST_F(TranscribeTest, UnknownInstructionSetIsAnError) {
  expect_one_line(transcribe({short_recording()}, {.environment = {{"AMANUENSIS_ISA", "avx1024"}}}), 2, "avx1024");
}

TEST_F(TranscribeTest, EveryComputeTypeRuns) {
  for (const std::string type : {"auto", "float32", "bfloat16", "int8"}) {
    const test::RunResult result = transcribe({short_recording(), "--compute-type", type, "--verbose"});
    EXPECT_EQ(result.exit_code, 0) << type << result.error;
    EXPECT_THAT(result.error, HasSubstr(type == "auto" ? "cpu (" : type));
  }
}

TEST_F(TranscribeTest, DemoMeasuresItself) {
  const test::RunResult result = run({"demo"});
  EXPECT_EQ(result.exit_code, 0) << result.error;
  EXPECT_THAT(result.out, AllOf(HasSubstr("word error rate"), HasSubstr("x realtime"), HasSubstr(" --> ")));
}

}  // namespace
}  // namespace amanuensis::e2e
