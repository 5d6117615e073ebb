// What the program reads from its surroundings, and how it shows progress.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>

#include "cli/arguments.h"
#include "cli/environment.h"
#include "cli/exit_code.h"
#include "cli/progress_text.h"
#include "support/temp_folder.h"

namespace amanuensis::cli {
namespace {

using test::TempFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

Environment environment_of(const std::map<std::string, std::string>& variables,
                           const std::string& program = "/x/bin/a") {
  return make_environment(
      [&](const std::string& name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        if (found == variables.end()) return std::nullopt;
        return found->second;
      },
      program);
}

TEST(EnvironmentTest, CacheIsWherePythonLooks) {
  EXPECT_EQ(environment_of({{"HOME", "/h"}}).hub.cache, "/h/.cache/huggingface/hub");
  EXPECT_EQ(environment_of({{"HOME", "/h"}, {"XDG_CACHE_HOME", "/c"}}).hub.cache, "/c/huggingface/hub");
  EXPECT_EQ(environment_of({{"HOME", "/h"}, {"HF_HOME", "~/hf"}}).hub.cache, "/h/hf/hub");
  EXPECT_EQ(environment_of({{"HF_HOME", "/hf"}, {"HF_HUB_CACHE", "/models"}}).hub.cache, "/models");
  EXPECT_EQ(environment_of({}).hub.cache, "");
}

TEST(EnvironmentTest, TokenComesFromTheVariableOrTheFile) {
  const TempFolder home;
  home.write("token", "hf_file\n");
  EXPECT_EQ(environment_of({{"HF_HOME", home.path()}}).hub.token, "hf_file");
  EXPECT_EQ(environment_of({{"HF_HOME", home.path()}, {"HF_TOKEN", " hf_variable "}}).hub.token, "hf_variable");
  EXPECT_EQ(environment_of({}).hub.token, "");
}

TEST(EnvironmentTest, FlagsAndEndpoint) {
  EXPECT_EQ(environment_of({}).hub.endpoint, "https://huggingface.co");
  EXPECT_FALSE(environment_of({}).hub.offline);
  const Environment environment =
      environment_of({{"HF_ENDPOINT", "http://mirror"}, {"HF_HUB_OFFLINE", "1"}, {"AMANUENSIS_ISA", "avx2"}});
  EXPECT_EQ(environment.hub.endpoint, "http://mirror");
  EXPECT_TRUE(environment.hub.offline);
  EXPECT_EQ(environment.isa, "avx2");
}

TEST(EnvironmentTest, BundledModelsLieBesideTheProgramOrInItsSourceTree) {
  const TempFolder root;
  root.write("models/demo/config.json", "{}");
  EXPECT_THAT(bundled_model_dirs(root.path() / "build/release/bin/amanuensis", ""),
              ElementsAre(root.path() / "models"));
  EXPECT_THAT(bundled_model_dirs("/nowhere/bin/amanuensis", ""), IsEmpty());
  EXPECT_THAT(bundled_model_dirs(root.path() / "build/release/bin/amanuensis", "/a:/b"), ElementsAre("/a", "/b"));
  root.write("usr/share/amanuensis/models/demo/config.json", "{}");
  EXPECT_EQ(bundled_model_dirs(root.path() / "usr/bin/amanuensis", "").front(),
            root.path() / "usr/share/amanuensis/models");
}

TEST(ArgumentsTest, UnderscoresBecomeDashesInNamesOnly) {
  EXPECT_THAT(
      normalize_arguments({"transcribe", "--beam_size", "5", "my_file.wav", "--initial_prompt=a_b", "--", "--x_y"}),
      ElementsAre("transcribe", "--beam-size", "5", "my_file.wav", "--initial-prompt=a_b", "--", "--x_y"));
}

TEST(ArgumentsTest, SwitchesTakePythonsBooleans) {
  EXPECT_THAT(normalize_arguments({"--condition_on_previous_text", "False", "a.wav"}),
              ElementsAre("--condition-on-previous-text=false", "a.wav"));
  EXPECT_THAT(normalize_arguments({"--condition-on-previous-text", "a.wav"}),
              ElementsAre("--condition-on-previous-text", "a.wav"));
  EXPECT_THAT(normalize_arguments({"--verbose", "True"}), ElementsAre("--verbose=true"));
  EXPECT_THAT(normalize_arguments({"--hotwords", "True"}), ElementsAre("--hotwords", "True"));
}

TEST(ProgressTextTest, TimesAndSizesReadWell) {
  EXPECT_EQ(clock_text(0), "0:00");
  EXPECT_EQ(clock_text(65.4), "1:05");
  EXPECT_EQ(clock_text(3723), "1:02:03");
  EXPECT_EQ(clock_text(-1), "-:--");
  EXPECT_EQ(clock_text(std::numeric_limits<double>::infinity()), "-:--");
  EXPECT_EQ(size_text(0), "0 B");
  EXPECT_EQ(size_text(999), "999 B");
  EXPECT_EQ(size_text(12'345), "12.3 kB");
  EXPECT_EQ(size_text(999'600), "1 MB");
  EXPECT_EQ(size_text(1'624'000'000), "1.62 GB");
}

TEST(ProgressTextTest, BarFitsItsLine) {
  for (std::size_t columns = 0; columns < 200; ++columns) {
    const std::string line =
        bar_text({"a-rather-long-name.mp4", 0.5, "1:00 / 2:00  10.0x realtime  0:06 left"}, columns);
    if (columns >= 50) {
      EXPECT_LE(line.size(), columns) << line;
    }
    EXPECT_THAT(line, HasSubstr("50%"));
  }
  EXPECT_THAT(bar_text({"x", 1.5, ""}, 80), StartsWith("x  [##############################] 100%"));
  EXPECT_THAT(bar_text({"x", std::numeric_limits<double>::quiet_NaN(), ""}, 80), HasSubstr("  0%"));
}

TEST(ExitCodeTest, EveryKindOfErrorHasItsOwn) {
  EXPECT_EQ(exit_code(ErrorCode::kInvalidArgument), 2);
  EXPECT_EQ(exit_code(ErrorCode::kNotFound), 3);
  EXPECT_EQ(exit_code(ErrorCode::kBadData), 4);
  EXPECT_EQ(exit_code(ErrorCode::kUnsupported), 5);
  EXPECT_EQ(exit_code(ErrorCode::kIo), 6);
  EXPECT_EQ(exit_code(ErrorCode::kNetwork), 7);
  EXPECT_EQ(exit_code(ErrorCode::kResourceExhausted), 8);
  EXPECT_EQ(exit_code(ErrorCode::kInternal), 70);
  EXPECT_EQ(exit_code(ErrorCode::kCancelled), 130);
}

}  // namespace
}  // namespace amanuensis::cli
