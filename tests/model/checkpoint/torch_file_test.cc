// Files of torch.save(): one that PyTorch wrote (tools/goldens/speaker.py), and that one damaged in every way.
#include "model/checkpoint/torch_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "support/error_of.h"
#include "support/goldens.h"
#include "support/temp_folder.h"

namespace amanuensis::model {
namespace {

using test::error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string small_file() { return test::read_file(test::source_path("tests/goldens/speaker_torch.bin")); }

std::vector<Tensor> parse(const std::string& bytes) {
  return parse_torch_file(std::as_bytes(std::span(bytes)), "x.bin");
}

TEST(TorchFileTest, FloatingPointTensorsAreRead) {
  const std::string bytes = small_file();
  std::map<std::string, Tensor> tensors;
  for (const Tensor& tensor : parse(bytes)) tensors[tensor.source_name] = tensor;
  const auto values = [&](const std::string& name) {
    std::vector<float> result(tensors.at(name).element_count());
    read_values(tensors.at(name), 0, result);
    return result;
  };
  EXPECT_EQ(tensors.size(), 6U);  // all but the counted one, which is whole numbers
  EXPECT_THAT(tensors.at("plain").shape, ElementsAre(3, 4));
  EXPECT_THAT(values("plain"), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
  EXPECT_THAT(values("part"), ElementsAre(6, 7, 8, 9));
  EXPECT_THAT(values("half"), ElementsAre(0.5, -2));
  EXPECT_THAT(values("bfloat"), ElementsAre(1.5));
  EXPECT_THAT(values("parameter"), ElementsAre(3, 4));
  EXPECT_THAT(tensors.at("scalar").shape, IsEmpty());
  EXPECT_THAT(values("scalar"), ElementsAre(2.5));
}

TEST(TorchFileTest, OtherFilesAreNamed) {
  EXPECT_EQ(error_of([] { parse(""); }).code, ErrorCode::kUnsupported);
  EXPECT_EQ(error_of([] { parse("\x80\x02}q"); }).code, ErrorCode::kUnsupported);
  EXPECT_THAT(error_of([] { parse("PK"); }).message, HasSubstr("x.bin: as a zip archive it is too short"));
  EXPECT_THAT(error_of([] { parse("PK" + std::string(100, 'x')); }).message, HasSubstr("has no directory"));
}

TEST(TorchFileTest, DamageIsAnErrorAndNothingElse) {
  const std::string bytes = small_file();
  const auto survives = [](const std::string& damaged) {
    try {
      for (const Tensor& tensor : parse(damaged)) {
        std::vector<float> values(tensor.element_count());
        read_values(tensor, 0, values);
      }
    } catch (const Error&) {  // what a damaged file should give
    }
  };
  for (std::size_t length = 0; length < bytes.size(); length += 7) survives(bytes.substr(0, length));
  std::mt19937 random(1);
  for (int i = 0; i < 4000; ++i) {
    std::string damaged = bytes;
    for (int k = 0; k < 1 + i % 3; ++k) damaged[random() % damaged.size()] = static_cast<char>(random());
    survives(damaged);
  }
}

}  // namespace
}  // namespace amanuensis::model
