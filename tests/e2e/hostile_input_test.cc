// Files that are empty, damaged, or not what they claim to be: each gives a right result, or one clear line and a
// non-zero exit code.
#include <nlohmann/json.hpp>

#include "e2e/program_fixture.h"

namespace amanuensis::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

class HostileInputTest : public ProgramFixture {
 protected:
  void SetUp() override {
    if (!has_ffmpeg()) GTEST_SKIP() << "needs the ffmpeg program";
  }
  // A transcript of any kind (the bundled model is small), and no word of complaint.
  void expect_accepted(const std::string& file) const {
    const test::RunResult result = transcribe({file});
    EXPECT_EQ(result.exit_code, 0) << result.error;
    EXPECT_EQ(result.error, "");
  }
  // Nobody speaks: no word is written, and that is no error. A window without words is an empty line, as in the
  // reference.
  void expect_no_speech(const std::string& file) const {
    const test::RunResult result = transcribe({file, "--output-format", "json"});
    EXPECT_EQ(result.exit_code, 0) << result.error;
    EXPECT_EQ(result.error, "");
    const auto transcript = nlohmann::json::parse(result.out, nullptr, /*allow_exceptions=*/false);
    ASSERT_TRUE(transcript.is_object()) << result.out;
    EXPECT_EQ(transcript.at("text"), "");
  }
  static std::string silence(const std::string& seconds) { return "anullsrc=r=16000:cl=mono:d=" + seconds; }
};

TEST_F(HostileInputTest, EmptyFile) {
  folder_.write("empty.wav", "");
  expect_one_line(transcribe({path("empty.wav")}), 4, "empty.wav");
}

TEST_F(HostileInputTest, ZeroSecondsOfSound) {
  const std::string file = make_media({"-f", "lavfi", "-i", silence("1"), "-frames:a", "0"}, "nothing.wav");
  const test::RunResult result = transcribe({file, "-f", "json"});
  if (result.exit_code == 0) {
    EXPECT_THAT(result.out, HasSubstr("\"segments\": []"));
  } else {
    expect_one_line(result, 4, "nothing.wav");
  }
}

TEST_F(HostileInputTest, TenMilliseconds) {
  expect_no_speech(make_media({"-f", "lavfi", "-i", "sine=d=0.01"}, "blip.wav"));
}

TEST_F(HostileInputTest, PureSilence) {
  expect_no_speech(make_media({"-f", "lavfi", "-i", silence("5")}, "silence.wav"));
}

TEST_F(HostileInputTest, WhiteNoise) {
  expect_no_speech(make_media({"-f", "lavfi", "-i", "anoisesrc=d=5:a=0.1:seed=1"}, "noise.wav"));
}

TEST_F(HostileInputTest, EightChannels) {
  const std::string mono = short_recording("mono.wav");
  const std::string eight =
      make_media({"-i", mono, "-af", "pan=7.1|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0|c6=c0|c7=c0"}, "eight.wav");
  expect_accepted(eight);
}

TEST_F(HostileInputTest, HighSampleRateGivesTheSameText) {
  const std::string file = short_recording("plain.wav");
  const std::string high = make_media({"-i", file, "-ar", "192000", "-c:a", "pcm_s24le"}, "high.wav");
  const test::RunResult result = transcribe({high});
  EXPECT_EQ(result.exit_code, 0) << result.error;
  EXPECT_NE(result.out, "");
}

TEST_F(HostileInputTest, VideoWithoutSound) {
  const std::string file = make_media({"-f", "lavfi", "-i", "testsrc=d=1:s=64x64", "-c:v", "mpeg4"}, "mute.mp4");
  expect_one_line(transcribe({file}), 5, "no audio");
}

TEST_F(HostileInputTest, TextFileRenamed) {
  folder_.write("notes.wav", "These are the notes of the meeting.\nNothing was recorded.\n");
  expect_one_line(transcribe({path("notes.wav")}), 4, "notes.wav");
}

TEST_F(HostileInputTest, NoiseOfBytes) {
  std::string bytes(100'000, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * i * 2654435761U >> 13U);
  folder_.write("junk.mp4", bytes);
  const test::RunResult result = transcribe({path("junk.mp4")});
  EXPECT_NE(result.exit_code, 0);
  EXPECT_EQ(lines(result.error), 1) << result.error;
}

TEST_F(HostileInputTest, TruncatedFilesGiveWhatTheyHaveAndAWarning) {
  for (const std::string name : {"cut.wav", "cut.flac", "cut.mp3"}) {
    const std::string bytes = test::read_file(short_recording(name));
    folder_.write(name, bytes.substr(0, bytes.size() / 2));
    const test::RunResult result = transcribe({path(name)});
    EXPECT_EQ(result.exit_code, 0) << name << result.error;
    EXPECT_NE(result.out, "") << name;
    EXPECT_LE(lines(result.error), 1) << result.error;
    if (name == "cut.wav") {
      EXPECT_THAT(result.error, MatchesRegex("amanuensis: warning: .*cut.wav.*\n"));
    }
  }
  // The table of an MP4 is at its end: without it nothing can be read.
  const std::string bytes = test::read_file(short_recording("cut.m4a"));
  folder_.write("cut.m4a", bytes.substr(0, bytes.size() / 2));
  expect_one_line(transcribe({path("cut.m4a")}), 4, "cut.m4a");
}

TEST_F(HostileInputTest, MissingFileAndFolder) {
  expect_one_line(transcribe({path("absent.wav")}), 3, "absent.wav");
  const test::RunResult folder = transcribe({folder_.path().string()});
  EXPECT_NE(folder.exit_code, 0);
  EXPECT_EQ(lines(folder.error), 1) << folder.error;
}

TEST_F(HostileInputTest, DamagedModels) {
  const std::string file = short_recording();
  const auto with_model = [&](const std::string& model) { return run({"transcribe", "--model", model, file}); };
  folder_.write("not-a-model.bin", "hello");
  const test::RunResult text = with_model(path("not-a-model.bin"));
  expect_one_line(text, 4, "not-a-model.bin");

  std::filesystem::copy(AMANUENSIS_SOURCE_DIR "/models/demo", folder_.path() / "cut-model");
  const std::string weights = read("cut-model/model.safetensors");
  folder_.write("cut-model/model.safetensors", weights.substr(0, weights.size() / 2));
  expect_one_line(with_model(path("cut-model")), 4, "model.safetensors");
}

}  // namespace
}  // namespace amanuensis::e2e
