// `amanuensis diarize`: several files, bad ones among them, and what it refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

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

// A mono file of 16 kHz: silence, or a tone that nobody speaks.
std::string wave_file(const TempFolder& folder, const std::string& name, double seconds, double amplitude) {
  const std::filesystem::path path = folder.path() / name;
  const auto samples = static_cast<std::uint32_t>(seconds * 16000);
  std::ofstream file(path, std::ios::binary);
  const auto number = [&](std::uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) file.put(static_cast<char>(value >> (8 * i) & 0xFF));
  };
  file << "RIFF";
  number(36 + 2 * samples, 4);
  file << "WAVEfmt ";
  number(16, 4);
  number(1, 2);
  number(1, 2);
  number(16000, 4);
  number(32000, 4);
  number(2, 2);
  number(16, 2);
  file << "data";
  number(2 * samples, 4);
  for (std::uint32_t i = 0; i < samples; ++i) {
    number(static_cast<std::uint16_t>(std::lround(amplitude * 32767 * std::sin(0.2 * i))), 2);
  }
  return path.string();
}

TEST(DiarizeCommand, ABadFileDoesNotKeepTheOthersBack) {
  const TempFolder folder;
  const std::string first = wave_file(folder, "first.wav", 1, 0);
  const std::string last = wave_file(folder, "last.wav", 2, 0.1);
  const std::string broken = (folder.path() / "broken.wav").string();
  std::ofstream(broken) << "this is no sound";
  const std::string out = (folder.path() / "out").string();
  const Outcome outcome = run_in_process(
      {"diarize", first, broken, (folder.path() / "absent.wav").string(), last, "-f", "JSON", "-o", out});
  EXPECT_EQ(outcome.code, 1) << outcome.error;
  EXPECT_THAT(outcome.out, IsEmpty());
  EXPECT_THAT(outcome.error, AllOf(HasSubstr("broken.wav"), HasSubstr("absent.wav"), Not(HasSubstr("first.wav"))));
  EXPECT_TRUE(std::filesystem::exists(out + "/first.json"));
  EXPECT_TRUE(std::filesystem::exists(out + "/last.json"));
  EXPECT_FALSE(std::filesystem::exists(out + "/broken.json"));
}

TEST(DiarizeCommand, ABadFileAloneSaysWhy) {
  const TempFolder folder;
  EXPECT_EQ(run_in_process({"diarize", (folder.path() / "absent.wav").string()}).code, 3);
  const std::string empty = (folder.path() / "empty.wav").string();
  std::ofstream(empty).close();
  const Outcome outcome = run_in_process({"diarize", empty});
  EXPECT_EQ(outcome.code, 4) << outcome.error;
  EXPECT_THAT(outcome.error, HasSubstr("empty.wav"));
}

TEST(DiarizeCommand, NoSpeechIsNobodyHoweverManyAreAskedFor) {
  const TempFolder folder;
  const std::string silence = wave_file(folder, "silence.wav", 3, 0);
  const Outcome outcome = run_in_process({"diarize", silence, "--num-speakers", "5", "-f", "json"});
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("\"count\":0"), HasSubstr("\"turns\":[]")));
  EXPECT_THAT(run_in_process({"diarize", silence}).out, IsEmpty());
}

TEST(DiarizeCommand, OptionsThatMakeNoSenseAreNamed) {
  const TempFolder folder;
  const std::string silence = wave_file(folder, "silence.wav", 1, 0);
  for (const auto& [option, value] : std::vector<std::pair<std::string, std::string>>{
           {"--num-speakers", "0"}, {"--max-speakers", "many"}, {"--output-format", "rtm"}}) {
    const Outcome outcome = run_in_process({"diarize", silence, option, value});
    EXPECT_EQ(outcome.code, 2) << option;
    EXPECT_THAT(outcome.error, HasSubstr(value));
  }
  EXPECT_EQ(run_in_process({"diarize", silence, "--min-speakers", "3", "--max-speakers", "2"}).code, 2);
  EXPECT_THAT(run_in_process({"diarize", silence, "-o", silence + "/out"}).error, HasSubstr("--output-dir"));
  EXPECT_THAT(run_in_process({"diarize", silence, "-o", "-"}).error, HasSubstr("--output-dir '-'"));
}

}  // namespace
}  // namespace amanuensis::cli
