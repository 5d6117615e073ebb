#include "pipeline/writers/output_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "base/error.h"
#include "support/temp_folder.h"

namespace amanuensis::pipeline {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

class OutputFile : public ::testing::Test {
 protected:
  OutputFile() { transcript_.segments.push_back({.start_s = 0, .end_s = 1, .text = " Hello."}); }

  fs::path write(const fs::path& directory, const std::string& stem) const {
    return write_output_file(transcript_, *find_writer_format("txt"), {}, {directory, stem});
  }
  static std::string read(const fs::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static std::size_t entries(const fs::path& directory) {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
  }
  static Error error_of(const std::function<void()>& action) {
    try {
      action();
    } catch (const Error& error) {
      return error;
    }
    return {ErrorCode::kInternal, "no error"};
  }

  const test::TempFolder temporary_;
  const fs::path& folder_ = temporary_.path();
  Transcript transcript_;
};

TEST_F(OutputFile, MakesTheFolderAndReplacesAnOlderFile) {
  const fs::path directory = folder_ / "a/b";
  EXPECT_EQ(write(directory, "talk.part 1"), directory / "talk.part 1.txt");
  EXPECT_EQ(read(directory / "talk.part 1.txt"), "Hello.\n");
  transcript_.segments[0].text = " Again.";
  write(directory, "talk.part 1");
  EXPECT_EQ(read(directory / "talk.part 1.txt"), "Again.\n");
  EXPECT_EQ(entries(directory), 1);
}

TEST_F(OutputFile, TakesTheLongestNameTheSystemAllows) {
  const std::string stem(251, 'x');
  EXPECT_EQ(read(write(folder_, stem)), "Hello.\n");
  EXPECT_EQ(error_of([&] { write(folder_, stem + "x"); }).code(), ErrorCode::kIo);
  EXPECT_EQ(entries(folder_), 1);
}

TEST_F(OutputFile, SaysWhatCannotBeWritten) {
  std::ofstream(folder_ / "file") << "x";
  const Error inside_file = error_of([&] { write(folder_ / "file" / "sub", "talk"); });
  EXPECT_EQ(inside_file.code(), ErrorCode::kIo);
  EXPECT_THAT(inside_file.what(), AllOf(HasSubstr("file/sub"), HasSubstr("output folder")));

  fs::create_directories(folder_ / "talk.txt" / "child");
  const Error taken = error_of([&] { write(folder_, "talk"); });
  EXPECT_EQ(taken.code(), ErrorCode::kIo);
  EXPECT_THAT(taken.what(), HasSubstr("talk.txt"));
  EXPECT_EQ(entries(folder_), 2);

  EXPECT_EQ(error_of([&] { write("/proc", "talk"); }).code(), ErrorCode::kIo);
}

// A limit on file sizes stands in for a full disk: both stop a write half way.
TEST_F(OutputFile, LeavesTheOlderFileWhenTheDiskIsFull) {
  write(folder_, "talk");
  transcript_.segments[0].text = std::string(200'000, 'x');
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{.rlim_cur = 100'000, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const Error full = error_of([&] { write(folder_, "talk"); });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(full.code(), ErrorCode::kResourceExhausted);
  EXPECT_THAT(full.what(), AllOf(HasSubstr("talk.txt"), HasSubstr("free some space")));
  EXPECT_EQ(read(folder_ / "talk.txt"), "Hello.\n");
  EXPECT_EQ(entries(folder_), 1);
}

TEST(OutputStem, IsTheNameWithoutItsLastExtension) {
  EXPECT_EQ(output_stem("talks/a.b.mp4"), "a.b");
  EXPECT_EQ(output_stem("meeting"), "meeting");
  EXPECT_EQ(output_stem("/x/.hidden"), ".hidden");
  EXPECT_EQ(output_stem("-"), "stdin");
}

}  // namespace
}  // namespace amanuensis::pipeline
