// `amanuensis speakers`, and what `diarize` makes of the voices it keeps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "support/run_in_process.h"
#include "support/temp_folder.h"

namespace amanuensis::cli {
namespace {

using test::Outcome;
using test::run_in_process;
using test::TempFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class SpeakersCommand : public ::testing::Test {
 protected:
  SpeakersCommand() { environment_.data_dir = folder_.path() / "data"; }

  Outcome run(const std::vector<std::string>& arguments) const { return run_in_process(arguments, environment_); }

  TempFolder folder_;
  Environment environment_;
  std::string recording_ = std::string(AMANUENSIS_SOURCE_DIR) + "/models/demo/recordings/planning.flac";
};

TEST_F(SpeakersCommand, AVoiceIsLearnedListedReplacedAndForgotten) {
  EXPECT_THAT(run({"speakers", "list"}).out, IsEmpty());
  const Outcome learned = run({"speakers", "enroll", "Ada", recording_});
  EXPECT_EQ(learned.code, 0) << learned.error;
  EXPECT_THAT(learned.error, HasSubstr("Ada"));
  EXPECT_EQ(run({"speakers", "enroll", "Ada", recording_}).code, 0);
  const std::string listed = run({"speakers", "list"}).out;
  EXPECT_THAT(listed, StartsWith("Ada\tbuiltin "));
  EXPECT_EQ(listed.find('\n'), listed.size() - 1) << "replaced, not added";
  EXPECT_EQ(run({"speakers", "remove", "Ada"}).code, 0);
  EXPECT_THAT(run({"speakers", "list"}).out, IsEmpty());
  const Outcome absent = run({"speakers", "remove", "Ada"});
  EXPECT_EQ(absent.code, 3);
  EXPECT_THAT(absent.error, HasSubstr("nobody called 'Ada'"));
}

TEST_F(SpeakersCommand, WhoIsAloneInARecordingHasTheirNameInIt) {
  ASSERT_EQ(run({"speakers", "enroll", "Ada", recording_}).code, 0);
  const Outcome found = run({"diarize", recording_, "--num-speakers", "1"});
  EXPECT_EQ(found.code, 0) << found.error;
  EXPECT_THAT(found.out, AllOf(HasSubstr(" Ada "), Not(HasSubstr("SPEAKER_"))));
  EXPECT_THAT(found.error, Not(HasSubstr("enroll")));
}

TEST_F(SpeakersCommand, VoicesOfAnotherNetworkAreNamedAndNotCompared) {
  std::filesystem::create_directories(environment_.data_dir);
  std::ofstream(environment_.data_dir / "speakers.json")
      << R"([{"name": "Ada", "model": "builtin", "voice": [1, 0]}, {"name": "Ben", "model": "other", "voice": [1]}])";
  const Outcome found = run({"diarize", recording_, recording_});
  EXPECT_EQ(found.code, 0) << found.error;
  EXPECT_THAT(found.error, HasSubstr("Ada, Ben"));
  EXPECT_EQ(found.error.find("Ada, Ben"), found.error.rfind("Ada, Ben")) << "once";
  EXPECT_THAT(found.out, Not(HasSubstr(" Ada ")));
}

TEST_F(SpeakersCommand, NothingToLearnFromAndADamagedStoreAreErrors) {
  const std::string empty = (folder_.path() / "empty.wav").string();
  std::ofstream(empty).close();
  EXPECT_EQ(run({"speakers", "enroll", "Ada", empty}).code, 4);
  EXPECT_EQ(run({"speakers", "enroll", "Ada", (folder_.path() / "absent.wav").string()}).code, 3);
  std::filesystem::create_directories(environment_.data_dir);
  std::ofstream(environment_.data_dir / "speakers.json") << "{";
  const Outcome damaged = run({"speakers", "list"});
  EXPECT_EQ(damaged.code, 4);
  EXPECT_THAT(damaged.error, HasSubstr("speakers.json"));
  environment_.data_dir.clear();
  EXPECT_EQ(run({"speakers", "list"}).code, 2);
}

}  // namespace
}  // namespace amanuensis::cli
