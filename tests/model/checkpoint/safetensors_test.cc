#include "model/checkpoint/safetensors.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "support/checkpoint_builder.h"
#include "support/error_of.h"

namespace amanuensis::model {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::vector<Tensor> parse(const std::string& file) {
  return parse_safetensors(std::as_bytes(std::span(file)), "m.safetensors");
}

test::ThrownError error_of_file(const std::string& file) {
  return test::error_of([&] { parse(file); });
}

// A file with one tensor 'w' described by `entry`, and 16 bytes of values.
test::ThrownError error_of_entry(const std::string& entry) {
  return error_of_file(test::safetensors_file(fmt::format("{{\"w\":{}}}", entry), std::string(16, '\0')));
}

TEST(Safetensors, ReadsWhatTheFormatAllows) {
  const std::string a = test::encode_values(StorageType::kF32, std::vector<float>{1, 2, 3, 4, 5, 6});
  const std::string b = test::encode_values(StorageType::kF16, std::vector<float>{0.5f});
  const std::string c = test::encode_values(StorageType::kBF16, std::vector<float>{-2, 8});
  // Names in an order that is not that of the values.
  const std::string file =
      test::safetensors_file({{"z", "F32", {2, 3}, a}, {"y", "F16", {}, b}, {"a", "BF16", {2}, c}});
  const std::vector<Tensor> tensors = parse(file);
  ASSERT_EQ(tensors.size(), 3u);
  EXPECT_EQ(tensors[0].source_name, "z");
  EXPECT_EQ(tensors[0].file, "m.safetensors");
  EXPECT_EQ(tensors[0].shape, (std::vector<std::size_t>{2, 3}));
  EXPECT_EQ(tensors[1].shape, std::vector<std::size_t>{});
  std::vector<float> values(2);
  read_values(tensors[2], 0, values);
  EXPECT_EQ(values, (std::vector<float>{-2, 8}));
  EXPECT_TRUE(parse(test::safetensors_file("{}", "")).empty());
  EXPECT_EQ(parse(test::safetensors_file({{"none", "F32", {0, 4}, ""}}))[0].bytes.size(), 0u);
}

TEST(Safetensors, EveryTruncationIsAnError) {
  const std::string file =
      test::safetensors_file({{"w", "F32", {4}, std::string(16, 'x')}, {"v", "F16", {2, 1}, std::string(4, 'y')}});
  EXPECT_EQ(parse(file).size(), 2u);
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_EQ(error_of_file(file.substr(0, size)).code, ErrorCode::kBadData) << size;
  }
  EXPECT_THAT(
      error_of_file(file.substr(0, file.size() - 1)).message,
      HasSubstr("m.safetensors: tensor 'v' ends at byte 20 of the values, of which the file has 19: it was cut"));
  EXPECT_THAT(error_of_file(file + "!").message, HasSubstr("1 bytes follow the last tensor"));
}

TEST(Safetensors, AbsurdHeaderLengths) {
  std::string file = test::safetensors_file({{"w", "F32", {4}, std::string(16, 'x')}});
  for (const std::uint64_t length : {std::uint64_t{1} << 60, ~std::uint64_t{0}, ~std::uint64_t{0} - 7,
                                     std::uint64_t{file.size()}, std::uint64_t{0}, std::uint64_t{1}}) {
    std::memcpy(file.data(), &length, sizeof(length));
    const test::ThrownError error = error_of_file(file);
    EXPECT_EQ(error.code, ErrorCode::kBadData) << length;
    EXPECT_THAT(error.message, HasSubstr("m.safetensors")) << length;
  }
  std::string big = test::safetensors_file(fmt::format("{{{}}}", std::string(std::size_t{17} << 20, ' ')), "");
  EXPECT_THAT(error_of_file(big).message, HasSubstr("more than the"));
}

TEST(Safetensors, EntriesThatCannotBe) {
  const auto message = [](const std::string& entry) {
    const test::ThrownError error = error_of_entry(entry);
    EXPECT_EQ(error.code, ErrorCode::kBadData) << entry;
    EXPECT_THAT(error.message, AllOf(HasSubstr("m.safetensors: tensor 'w' "))) << entry;
    return error.message;
  };
  EXPECT_FALSE(error_of_entry(R"({"dtype":"F32","shape":[4],"data_offsets":[0,16]})").code);
  EXPECT_THAT(message(R"({"dtype":"F32","shape":[4],"data_offsets":[0,32]})"), HasSubstr("ends at byte 32"));
  EXPECT_THAT(message(R"({"dtype":"F32","shape":[4],"data_offsets":[18446744073709551615,18446744073709551615]})"),
              HasSubstr("cut short"));
  EXPECT_THAT(message(R"({"dtype":"F32","shape":[4],"data_offsets":[16,0]})"), HasSubstr("begins at byte 16"));
  EXPECT_THAT(message(R"({"dtype":"F32","shape":[4],"data_offsets":[-16,0]})"), HasSubstr("data_offsets with"));
  EXPECT_THAT(message(R"({"dtype":"F32","shape":[4],"data_offsets":[0,1e1]})"), HasSubstr("data_offsets with"));
  EXPECT_THAT(message(R"({"dtype":"F32","shape":[4],"data_offsets":[0]})"), HasSubstr("not two numbers"));
  EXPECT_THAT(message(R"({"dtype":"F32","shape":[4],"data_offsets":[0,16,16]})"), HasSubstr("3 numbers"));
  EXPECT_THAT(message(R"({"dtype":"F32","shape":[4]})"), HasSubstr("has no data_offsets"));
  EXPECT_THAT(message(R"({"dtype":"F32","shape":[5],"data_offsets":[0,16]})"),
              HasSubstr("of type f32 and shape [5] cannot take 16 bytes"));
  EXPECT_THAT(message(R"({"dtype":"F32","shape":[4294967296,4294967297],"data_offsets":[0,16]})"),
              HasSubstr("cannot take 16 bytes"));
  EXPECT_THAT(message(R"({"dtype":"F32","shape":[-4],"data_offsets":[0,16]})"), HasSubstr("shape with"));
  EXPECT_THAT(message(R"({"dtype":"F32","shape":[4.0],"data_offsets":[0,16]})"), HasSubstr("shape with"));
  EXPECT_THAT(message(R"({"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1,4],"data_offsets":[0,16]})"),
              HasSubstr("10 numbers"));
  EXPECT_THAT(message(R"({"dtype":"F32","data_offsets":[0,16]})"), HasSubstr("has no shape"));
  EXPECT_THAT(message(R"({"dtype":"F31","shape":[4],"data_offsets":[0,16]})"), HasSubstr("unknown dtype 'F31'"));
  EXPECT_THAT(message(R"({"dtype":7,"shape":[4],"data_offsets":[0,16]})"), HasSubstr("has no dtype"));
  EXPECT_THAT(message(R"([1,2])"), HasSubstr("is not a JSON object"));
  EXPECT_EQ(error_of_entry(R"({"dtype":"I64","shape":[2],"data_offsets":[0,16]})").code, ErrorCode::kUnsupported);
}

TEST(Safetensors, TensorsMustNotOverlapNorLeaveGaps) {
  const auto two = [](const std::string& first, const std::string& second) {
    return error_of_file(test::safetensors_file(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":)" + first +
                                                    R"(},"b":{"dtype":"F32","shape":[2],"data_offsets":)" + second +
                                                    "}}",
                                                std::string(16, '\0')));
  };
  EXPECT_FALSE(two("[8,16]", "[0,8]").code) << "the order of the header is free";
  EXPECT_THAT(two("[0,8]", "[4,12]").message, HasSubstr("tensor 'b' begins at byte 4 of the values, inside another"));
  EXPECT_THAT(two("[0,8]", "[0,8]").message, HasSubstr("inside another that ends at byte 8"));
  EXPECT_THAT(two("[4,12]", "[8,16]").message,
              HasSubstr("tensor 'a' begins at byte 4 of the values, after a gap from"));
}

TEST(Safetensors, HostileJson) {
  const auto header = [](const std::string& text) { return error_of_file(test::safetensors_file(text, "")).message; };
  EXPECT_THAT(header(R"({"w":{},"w":{}})"), HasSubstr("'w' is there twice"));
  const std::string deep(100000, '[');
  EXPECT_THAT(header(R"({"w":)" + deep), HasSubstr("nested more than"));
  EXPECT_THAT(header(R"({"w":{"dtype":1e999}})"), HasSubstr("beyond any range"));
  EXPECT_THAT(header(R"({"w":)"), HasSubstr("not valid JSON"));
  EXPECT_THAT(header("{\"\xff\xfe\":{}}"), HasSubstr("not valid JSON"));
  EXPECT_THAT(header("{\"a\\u0000\\nb\":[]}"), HasSubstr("tensor 'a??b' is not"));
  EXPECT_THAT(header(fmt::format("{{\"{}\":[]}}", std::string(5000, 'n'))).size(), ::testing::Lt(300u));
}

TEST(Safetensors, SaysWhatAFileIsInstead) {
  const auto message = [](const std::string& file) { return error_of_file(file).message; };
  EXPECT_THAT(message("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 151061672\n"),
              HasSubstr("m.safetensors: is a Git LFS pointer"));
  EXPECT_THAT(message("\n  <!DOCTYPE html><html><body>Sign in</body></html>"), HasSubstr("is a web page"));
  EXPECT_THAT(message("PK\x03\x04" + std::string(30, 'x')), HasSubstr("is a PyTorch file"));
  EXPECT_THAT(message("GGUF" + std::string(30, '\0')), HasSubstr("is a GGUF file"));
  EXPECT_THAT(message("{\"error\":\"Repository not found\"}"), HasSubstr("is JSON text"));
  EXPECT_THAT(message(""), HasSubstr("is empty"));
  EXPECT_THAT(message("what is this?"), HasSubstr("is not a safetensors file"));
}

}  // namespace
}  // namespace amanuensis::model
