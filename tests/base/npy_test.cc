#include "base/npy.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "base/error.h"
#include "support/temp_folder.h"

namespace amanuensis {
namespace {

namespace fs = std::filesystem;

std::size_t files_in(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

std::string header_of(const std::string& file) {
  const auto length = static_cast<unsigned char>(file[8]) + 256U * static_cast<unsigned char>(file[9]);
  return file.substr(10, length);
}

TEST(Npy, HasTheHeaderThatNumpyWrites) {
  const test::TempFolder folder;
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  const std::vector<std::size_t> shape = {2, 3};
  write_npy(folder.path() / "a.npy", values, shape);
  const std::string file = test::read_file(folder.path() / "a.npy");
  ASSERT_EQ(file.size(), 128 + 24U);
  EXPECT_EQ(file.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
  const std::string header = header_of(file);
  EXPECT_EQ(header.size() + 10, 128U);
  EXPECT_TRUE(header.starts_with("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }  ")) << header;
  EXPECT_EQ(header.back(), '\n');
  std::vector<float> written(values.size());
  std::memcpy(written.data(), file.data() + 128, 24);
  EXPECT_EQ(written, values);
  EXPECT_EQ(files_in(folder.path()), 1U) << "the temporary file is still there";
}

TEST(Npy, WritesAnyRank) {
  const test::TempFolder folder;
  const std::vector<float> values(6, 0.5F);
  const auto shape_text = [&](const std::vector<std::size_t>& shape, std::size_t elements) {
    write_npy(folder.path() / "b.npy", std::span(values).first(elements), shape);
    const std::string header = header_of(test::read_file(folder.path() / "b.npy"));
    const std::size_t begin = header.find("'shape': ") + 9;
    return header.substr(begin, header.find(')') + 1 - begin);
  };
  EXPECT_EQ(shape_text({}, 1), "()");
  EXPECT_EQ(shape_text({6}, 6), "(6,)");
  EXPECT_EQ(shape_text({0}, 0), "(0,)");
  EXPECT_EQ(shape_text({1, 2, 3, 1}, 6), "(1, 2, 3, 1)");
}

TEST(Npy, ReplacesAFileAndLeavesNothingBehindWhenItCannot) {
  const test::TempFolder folder;
  const std::vector<float> values = {1, 2};
  const std::vector<std::size_t> shape = {2};
  const fs::path file =
      folder.write("c.npy", "something older and longer than the array that follows it ..............");
  write_npy(file, values, shape);
  EXPECT_EQ(fs::file_size(file) % 64, 8U);
  fs::create_directory(folder.path() / "d.npy");
  EXPECT_THROW(write_npy(folder.path() / "d.npy", values, shape), Error);
  EXPECT_EQ(files_in(folder.path()), 2U);
}

TEST(Npy, SaysWhatIsWrong) {
  const test::TempFolder folder;
  const std::vector<float> values = {1, 2};
  const std::vector<std::size_t> wrong = {3, 1};
  const std::vector<std::size_t> right = {2};
  try {
    write_npy(folder.path() / "e.npy", values, wrong);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_TRUE(std::string(error.what()).ends_with("e.npy: an array of shape [3, 1] has 3 elements, not 2"));
  }
  try {
    write_npy(folder.path() / "missing" / "e.npy", values, right);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  }
}

}  // namespace
}  // namespace amanuensis
