#include "model/checkpoint/tensor.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "support/error_of.h"
#include "support/temp_folder.h"
#include "support/weight_encoding.h"

namespace amanuensis::model {
namespace {

Tensor tensor_over(StorageType type, const std::string& bytes) {
  const std::size_t values = bytes.size() / storage_bytes(type, block_values(type)) * block_values(type);
  return {"t", "file", type, {values}, std::as_bytes(std::span(bytes))};
}

std::vector<float> read_all(StorageType type, const std::string& bytes) {
  const Tensor tensor = tensor_over(type, bytes);
  std::vector<float> values(tensor.element_count());
  read_values(tensor, 0, values);
  return values;
}

// binary16 by its definition (IEEE 754-2019, 3.4).
double half_by_definition(unsigned half) {
  const double sign = (half & 0x8000) != 0 ? -1 : 1;
  const int exponent = static_cast<int>(half >> 10 & 31);
  const int fraction = static_cast<int>(half & 1023);
  if (exponent == 31) return fraction == 0 ? sign * HUGE_VAL : std::nan("");
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

TEST(Tensor, EveryHalfIsReadExactly) {
  std::string bytes;
  for (unsigned half = 0; half < 65536; ++half) test::append_raw(bytes, static_cast<std::uint16_t>(half));
  const std::vector<float> values = read_all(StorageType::kF16, bytes);
  for (unsigned half = 0; half < 65536; ++half) {
    const double expected = half_by_definition(half);
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(values[half])) << half;
    } else {
      EXPECT_EQ(static_cast<double>(values[half]), expected) << half;
      EXPECT_EQ(std::signbit(values[half]), half >= 0x8000) << half;
    }
  }
}

TEST(Tensor, EveryBfloat16IsTheUpperHalfOfAFloat) {
  std::string bytes;
  for (unsigned high = 0; high < 65536; ++high) test::append_raw(bytes, static_cast<std::uint16_t>(high));
  const std::vector<float> values = read_all(StorageType::kBF16, bytes);
  for (unsigned high = 0; high < 65536; ++high) {
    if (std::isnan(std::bit_cast<float>(high << 16))) {
      EXPECT_TRUE(std::isnan(values[high]));
    } else {
      EXPECT_EQ(std::bit_cast<std::uint32_t>(values[high]), high << 16);
    }
  }
}

TEST(Tensor, QuantisedBlocksEqualTheReferencePackage) {
  const auto path = std::filesystem::path(AMANUENSIS_SOURCE_DIR) / "tests/goldens/checkpoints/quantised.json";
  const auto golden = nlohmann::json::parse(test::read_file(path));
  const std::map<std::string, StorageType> types = {{"q4_0", StorageType::kQ4_0},
                                                    {"q4_1", StorageType::kQ4_1},
                                                    {"q5_0", StorageType::kQ5_0},
                                                    {"q5_1", StorageType::kQ5_1},
                                                    {"q8_0", StorageType::kQ8_0}};
  for (const auto& [name, type] : types) {
    EXPECT_EQ(to_string(type), name);
    const auto hex = golden[name]["bytes"].get<std::string>();
    std::string bytes;
    for (std::size_t i = 0; i < hex.size(); i += 2) {
      bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    }
    const std::vector<float> values = read_all(type, bytes);
    const auto expected = golden[name]["values"].get<std::vector<std::uint32_t>>();
    ASSERT_EQ(values.size(), expected.size()) << name;
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(values[i], std::bit_cast<float>(expected[i])) << name << " value " << i;
    }
  }
}

TEST(Tensor, ReadsFromTheMiddle) {
  std::vector<float> values(96);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  for (const StorageType type : {StorageType::kF32, StorageType::kF16, StorageType::kBF16, StorageType::kQ8_0}) {
    const std::string bytes = test::encode_values(type, values);
    const std::vector<float> all = read_all(type, bytes);
    std::vector<float> middle(32);
    read_values(tensor_over(type, bytes), 32, middle);
    EXPECT_EQ(middle, std::vector<float>(all.begin() + 32, all.begin() + 64)) << to_string(type);
  }
}

TEST(Tensor, ValuesNeedNoAlignment) {
  const std::vector<float> values = {1.5f, -2.25f, 3e-8f};
  std::string bytes = "x";
  bytes += test::encode_values(StorageType::kF32, values);
  const Tensor tensor = {"t", "file", StorageType::kF32, {3}, std::as_bytes(std::span(bytes)).subspan(1)};
  std::vector<float> read(3);
  read_values(tensor, 0, read);
  EXPECT_EQ(read, values);
}

TEST(Tensor, RefusesRangesOutsideTheTensorAndInsideABlock) {
  const std::string bytes(34 * 2, '\0');
  const Tensor tensor = tensor_over(StorageType::kQ8_0, bytes);
  std::vector<float> out(32);
  const auto read = [&](std::size_t first) { return test::error_of([&] { read_values(tensor, first, out); }); };
  EXPECT_FALSE(read(32).code);
  EXPECT_EQ(read(64).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(read(1).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(read(std::numeric_limits<std::size_t>::max() - 31).code, ErrorCode::kInvalidArgument);
}

TEST(Tensor, SizesThatDoNotFitAreNoSizes) {
  using Shape = std::vector<std::size_t>;
  const std::size_t huge = std::size_t{1} << 33;
  EXPECT_EQ(checked_storage_bytes(StorageType::kF32, Shape{3, 5}), 60u);
  EXPECT_EQ(checked_storage_bytes(StorageType::kF32, Shape{}), 4u);
  EXPECT_EQ(checked_storage_bytes(StorageType::kF32, Shape{0, huge}), 0u);
  EXPECT_EQ(checked_storage_bytes(StorageType::kF32, Shape{huge, huge}), std::nullopt);
  EXPECT_EQ(checked_storage_bytes(StorageType::kF32, Shape{std::size_t{1} << 62}), std::nullopt);
  EXPECT_EQ(checked_storage_bytes(StorageType::kQ5_1, Shape{3, 64}), 3u * 2 * 24);
  EXPECT_EQ(checked_storage_bytes(StorageType::kQ5_1, Shape{32, 3}), std::nullopt);  // a row is not whole blocks
}

}  // namespace
}  // namespace amanuensis::model
