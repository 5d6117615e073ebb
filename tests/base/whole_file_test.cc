#include "base/whole_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "support/error_of.h"
#include "support/temp_folder.h"

namespace amanuensis {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

namespace fs = std::filesystem;

std::ptrdiff_t entries(const fs::path& folder) {
  return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
}

TEST(WholeFile, AppearsOnlyWhenCommitted) {
  const test::TempFolder folder;
  const fs::path target = folder.write("a.txt", "older");
  {
    WholeFile file(target);
    file.write("new");
    file.write("er");
    EXPECT_EQ(test::read_file(target), "older");
    file.commit();
    EXPECT_EQ(test::read_file(target), "newer");
  }
  { WholeFile(target).write("given up"); }
  EXPECT_EQ(test::read_file(target), "newer");
  EXPECT_EQ(entries(folder.path()), 1);
}

TEST(WholeFile, SeveralAtOnceInOneFolder) {
  const test::TempFolder folder;
  WholeFile first(folder.path() / "first");
  WholeFile second(folder.path() / "second");
  first.write("1");
  second.write("2");
  second.commit();
  first.commit();
  EXPECT_EQ(test::read_file(folder.path() / "first"), "1");
  EXPECT_EQ(test::read_file(folder.path() / "second"), "2");
  EXPECT_EQ(entries(folder.path()), 2);
}

TEST(WholeFile, CanBeginAgain) {
  const test::TempFolder folder;
  const fs::path target = folder.path() / "a.txt";
  WholeFile file(target);
  file.write("a first try that was longer");
  file.clear();
  file.write("second");
  file.commit_unflushed();
  EXPECT_EQ(test::read_file(target), "second");
  EXPECT_EQ(entries(folder.path()), 1);
}

TEST(WholeFile, LeavesWhatIsThereWhenAsked) {
  const test::TempFolder folder;
  const fs::path target = folder.path() / "a.txt";
  {
    WholeFile first(target);
    WholeFile second(target);
    first.write("first");
    second.write("second");
    EXPECT_TRUE(first.commit_if_absent());
    EXPECT_FALSE(second.commit_if_absent());
  }
  EXPECT_EQ(test::read_file(target), "first");
  EXPECT_EQ(entries(folder.path()), 1) << "neither leaves another name";
}

TEST(WholeFile, SaysWhatIsWrong) {
  const test::TempFolder folder;
  folder.write("file", "not a folder");
  for (const char* parent : {"absent", "file"}) {
    const test::ThrownError error = test::error_of([&] { WholeFile(folder.path() / parent / "a.txt"); });
    EXPECT_EQ(error.code, ErrorCode::kNotFound) << parent;
    EXPECT_THAT(error.message, AllOf(HasSubstr("a.txt: cannot write"), HasSubstr("does the folder exist?")));
  }
  EXPECT_EQ(test::error_of([] { WholeFile("/proc/a.txt"); }).code, ErrorCode::kIo);
}

}  // namespace
}  // namespace amanuensis
