// What the whole-program tests share: the program, the bundled model and recording, and media files made on the spot by
// the ffmpeg program (tests that need it are skipped where it is missing).
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "support/run_program.h"
#include "support/shell.h"
#include "support/temp_folder.h"

namespace amanuensis::e2e {

class ProgramFixture : public ::testing::Test {
 protected:
  // Greedy, one temperature: what these tests look at does not depend on the search.
  static std::vector<std::string> quick() {
    return {"transcribe", "--model",     "demo", "--language",
            "en",         "--beam-size", "1",    "--temperature-increment-on-fallback",
            "0"};
  }
  static std::vector<std::string> with(std::vector<std::string> arguments, const std::vector<std::string>& more) {
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  test::RunResult run(const std::vector<std::string>& arguments, test::RunOptions options = {}) const {
    // A cache of our own: what this machine's user has pulled plays no part.
    options.environment.emplace("HF_HOME", folder_.path() / "hf");
    options.environment.emplace("AMANUENSIS_MODELS", AMANUENSIS_SOURCE_DIR "/models");
    std::vector<std::string> command{AMANUENSIS_PROGRAM};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return test::run_program(command, options);
  }
  test::RunResult transcribe(const std::vector<std::string>& more, const test::RunOptions& options = {}) const {
    return run(with(quick(), more), options);
  }

  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }
  std::string read(const std::string& name) const { return test::read_file(folder_.path() / name); }

  // Runs `ffmpeg -y <arguments> <name>` and returns the file's path.
  std::string make_media(const std::vector<std::string>& arguments, const std::string& name) const {
    std::vector<std::string> command{"/usr/bin/ffmpeg", "-nostdin", "-loglevel", "error", "-y"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    command.push_back(path(name));
    const test::RunResult result = test::run_program(command);
    EXPECT_EQ(result.exit_code, 0) << result.error;
    return path(name);
  }
  static bool has_ffmpeg() { return test::has_program("ffmpeg"); }

  static std::string recording() { return AMANUENSIS_SOURCE_DIR "/models/demo/recordings/meeting.flac"; }
  // Its first seconds, as a small file.
  std::string short_recording(const std::string& name = "short.wav") const {
    return make_media({"-i", recording(), "-t", "8"}, name);
  }

  static std::ptrdiff_t lines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

  // One clear line on standard error, nothing on standard output, and this exit code.
  static void expect_one_line(const test::RunResult& result, int exit_code, const std::string& part) {
    EXPECT_EQ(result.exit_code, exit_code) << result.error;
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(lines(result.error), 1) << result.error;
    EXPECT_THAT(result.error, ::testing::AllOf(::testing::StartsWith("amanuensis: "), ::testing::HasSubstr(part)));
  }

  test::TempFolder folder_;
};

}  // namespace amanuensis::e2e
