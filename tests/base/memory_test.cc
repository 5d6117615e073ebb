// AlignedBuffer, TensorView and MappedFile.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <new>
#include <string>
#include <type_traits>
#include <utility>

#include "base/aligned_buffer.h"
#include "base/error.h"
#include "base/mapped_file.h"
#include "base/tensor_view.h"

namespace amanuensis {
namespace {

TEST(AlignedBuffer, IsAlignedAndZero) {
  for (const std::size_t size : {1, 15, 16, 17, 1000}) {
    const AlignedBuffer<float> buffer(size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % kBufferAlignmentBytes, 0U);
    EXPECT_EQ(buffer.size(), size);
    for (const float value : buffer.span()) EXPECT_EQ(value, 0.0f);
  }
}

TEST(AlignedBuffer, LargeOnesAreWholeAndZeroToo) {
  // Around the sizes from which on memory is mapped, and from which on it is asked for in huge pages.
  for (const std::size_t size : {262143, 262144, 262145, 4194303, 4194304, 4194305, 10223616}) {
    AlignedBuffer<unsigned char> buffer(size);
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % kBufferAlignmentBytes, 0U);
    for (std::size_t i = 0; i < size; i += 4093) ASSERT_EQ(buffer[i], 0) << size;
    ASSERT_EQ(buffer[size - 1], 0) << size;
    buffer[0] = 1;
    buffer[size - 1] = 2;
    const AlignedBuffer<unsigned char> moved = std::move(buffer);
    EXPECT_EQ(moved[0], 1);
    EXPECT_EQ(moved[size - 1], 2);
  }
}

TEST(AlignedBuffer, MayBeEmpty) {
  const AlignedBuffer<int> none;
  const AlignedBuffer<int> zero(0);
  EXPECT_TRUE(none.empty());
  EXPECT_TRUE(zero.empty());
  EXPECT_EQ(zero.data(), nullptr);
}

TEST(AlignedBuffer, MovesItsMemory) {
  AlignedBuffer<int> from(4);
  from[2] = 7;
  const int* memory = from.data();
  const AlignedBuffer<int> to = std::move(from);
  EXPECT_EQ(to.data(), memory);
  EXPECT_EQ(to[2], 7);
  static_assert(!std::is_copy_constructible_v<AlignedBuffer<int>>);
}

TEST(AlignedBuffer, RefusesWhatCannotBeHad) {
  EXPECT_THROW(AlignedBuffer<double>(static_cast<std::size_t>(-1) / 2), std::bad_alloc);
}

TEST(TensorView, LooksAtRowsThatAreFartherApartThanLong) {
  int values[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  const TensorView<int> view(values, 3, 2, 4);
  EXPECT_EQ(view(0, 0), 0);
  EXPECT_EQ(view(2, 1), 9);
  EXPECT_EQ(view.row(1)[0], 4);
  EXPECT_EQ(view.row(1).size(), 2U);
  EXPECT_FALSE(view.contiguous());
  EXPECT_TRUE(view.rows_at(1, 1).contiguous());
  EXPECT_TRUE(TensorView<int>(values, 3, 4).contiguous());
}

TEST(TensorView, CutsRowsAndColumns) {
  int values[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  const TensorView<int> view(values, 3, 4);
  const TensorView<int> part = view.rows_at(1, 2).cols_at(2, 2);
  EXPECT_EQ(part.rows(), 2U);
  EXPECT_EQ(part.cols(), 2U);
  EXPECT_EQ(part(0, 0), 6);
  EXPECT_EQ(part(1, 1), 11);
  part(1, 1) = 42;
  EXPECT_EQ(values[11], 42);
  const TensorView<const int> read_only = part;
  EXPECT_EQ(read_only(1, 1), 42);
}

class MappedFileTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) /
              (std::string("amanuensis-mapped-") + testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return folder_ / name;
  }

  std::filesystem::path folder_;
};

TEST_F(MappedFileTest, HoldsTheFilesBytes) {
  const MappedFile file(write("a", "hello"));
  ASSERT_EQ(file.bytes().size(), 5U);
  EXPECT_EQ(std::memcmp(file.bytes().data(), "hello", 5), 0);
}

TEST_F(MappedFileTest, OfAnEmptyFileIsEmpty) { EXPECT_TRUE(MappedFile(write("a", "")).bytes().empty()); }

TEST_F(MappedFileTest, Moves) {
  MappedFile from(write("a", "hello"));
  const MappedFile to = std::move(from);
  MappedFile assigned(write("b", "other"));
  EXPECT_EQ(std::memcmp(to.bytes().data(), "hello", 5), 0);
  assigned = MappedFile(write("c", "third"));
  EXPECT_EQ(std::memcmp(assigned.bytes().data(), "third", 5), 0);
}

TEST_F(MappedFileTest, SaysWhatItCouldNotOpen) {
  try {
    const MappedFile file(folder_ / "none");
    FAIL() << "opened a file that is not there";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_NE(std::string(error.what()).find("none"), std::string::npos) << error.what();
  }
  try {
    const MappedFile file(folder_);
    FAIL() << "opened a folder";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace amanuensis
