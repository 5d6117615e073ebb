// `amanuensis transcribe` with several files at once, and beside OpenAI's sequential algorithm.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "program_fixture.h"

namespace amanuensis::e2e {
namespace {

class BatchedTest : public ProgramFixture {
 protected:
  void SetUp() override {
    if (!has_ffmpeg()) GTEST_SKIP() << "needs the ffmpeg program";
  }
  std::string part_of_recording(const std::string& from_s, const std::string& name) const {
    return make_media({"-ss", from_s, "-i", recording(), "-t", "7"}, name);
  }
};

TEST_F(BatchedTest, FilesAreTranscribedTogetherAndWrittenInOrder) {
  const std::string first = part_of_recording("0", "first.wav");
  const std::string second = part_of_recording("33", "second.wav");
  const test::RunResult together = transcribe({first, second});
  EXPECT_EQ(together.exit_code, 0) << together.error;
  EXPECT_EQ(together.out, transcribe({first}).out + transcribe({second}).out);
  EXPECT_EQ(transcribe({second, first}).out, transcribe({second}).out + transcribe({first}).out);
}

TEST_F(BatchedTest, TheSizeOfTheBatchChangesNothing) {
  const test::RunResult usual = transcribe({recording()});
  EXPECT_EQ(usual.exit_code, 0) << usual.error;
  EXPECT_EQ(transcribe({recording(), "--batch-size", "1"}).out, usual.out);
}

TEST_F(BatchedTest, WordTimesComeInBatchesToo) {
  const test::RunResult result = transcribe({short_recording(), "--word-timestamps", "-f", "json"});
  EXPECT_EQ(result.exit_code, 0) << result.error;
  EXPECT_THAT(result.out, testing::HasSubstr("\"words\""));
}

TEST_F(BatchedTest, VoiceActivityLeavesOutSilence) {
  const std::string silence = make_media({"-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono", "-t", "40"}, "silence.wav");
  const test::RunResult result = transcribe({silence, "--vad-filter"});
  EXPECT_EQ(result.exit_code, 0) << result.error;
  EXPECT_EQ(result.out, "");
}

}  // namespace
}  // namespace amanuensis::e2e
