#include "device/npu/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "device/npu/kernels/tile_kernels.h"
#include "device/npu/runtime.h"
#include "support/error_of.h"

namespace amanuensis::device::npu {
namespace {

using test::error_of;
using test::ThrownError;
using ::testing::HasSubstr;
using Json = nlohmann::json;

Json entry(std::string_view name) {
  for (const CatalogFile& file : catalog_files()) {
    if (file.name == name) return Json::parse(file.text);
  }
  return {};
}

// What is said about log_mel_20.json after a change.
ThrownError after(const std::function<void(Json&)>& change) {
  Json json = entry("log_mel_20.json");
  change(json);
  return error_of([&] { parse_kernel_spec(json.dump(), "changed.json"); });
}

TEST(Catalog, HoldsTheKernelsThatAreBuilt) {
  const Catalog catalog;
  for (const char* name : {"log_mel_1", "log_mel_10", "log_mel_20", "log_mel_100", "gelu_512", "gelu_2048",
                           "softmax_1536", "layer_norm_256", "layer_norm_512", "residual_add", "attention_64",
                           "matmul_16", "matmul_32", "matmul_64", "matmul_64_packed", "encoder_block"}) {
    EXPECT_NE(catalog.find(name), nullptr) << name;
  }
  EXPECT_THAT(error_of([&] { catalog.at("log_mel_2O"); }).message, HasSubstr("log_mel_20"));
}

TEST(Catalog, EveryKernelFitsATileWithStackConstantsAndFifos) {
  const Catalog catalog;
  for (const KernelSpec& spec : catalog.kernels()) {
    EXPECT_NO_THROW(check_tile_memory(spec)) << tile_memory_text(spec);
    EXPECT_GT(spec.memory.stack_bytes, 0U) << spec.name;
  }
}

TEST(Catalog, StatesAllTheConstantsThatTheCodeHas) {
  const TileConstants real = tile_constants();
  const Catalog catalog;
  EXPECT_GE(catalog.at("log_mel_20").memory.constant_bytes, real.log_mel_bytes);
  EXPECT_GE(catalog.at("softmax_1536").memory.constant_bytes, real.softmax_bytes);
  EXPECT_EQ(real.softmax_bytes, 512U);
  EXPECT_GE(catalog.at("matmul_64").memory.constant_bytes, real.matmul_bytes);
  EXPECT_GE(catalog.at("attention_64").memory.scratch_bytes, real.attention_state_bytes);
}

TEST(Catalog, AFieldThatIsNotKnownIsRefused) {
  EXPECT_THAT(after([](Json& json) { json["btach"] = 20; }).message, HasSubstr("'btach'"));
  EXPECT_THAT(after([](Json& json) { json["arguments"][0]["byte"] = 1; }).message, HasSubstr("'byte'"));
  EXPECT_THAT(after([](Json& json) { json["tile_memory"]["heap_bytes"] = 1; }).message, HasSubstr("'heap_bytes'"));
}

TEST(Catalog, AMissingFieldIsRefused) {
  for (const char* key : {"schema", "name", "operation", "function", "block_rows", "tiles", "arguments", "fifos",
                          "tile_memory", "xclbin", "instructions"}) {
    const ThrownError error = after([&](Json& json) { json.erase(key); });
    EXPECT_EQ(error.code, ErrorCode::kBadData) << key;
    EXPECT_THAT(error.message, HasSubstr("changed.json")) << key;
  }
}

TEST(Catalog, BytesThatContradictTheShapeAreRefused) {
  EXPECT_THAT(after([](Json& json) { json["arguments"][0]["bytes"] = 8000; }).message,
              ::testing::AllOf(HasSubstr("8000"), HasSubstr("16000")));
  EXPECT_THAT(after([](Json& json) { json["batch"] = json["block_rows"] = 10; }).message, HasSubstr("bytes"));
}

TEST(Catalog, WrongKindsOfValuesAreRefused) {
  EXPECT_EQ(after([](Json& json) { json["batch"] = -20; }).code, ErrorCode::kBadData);
  EXPECT_EQ(after([](Json& json) { json["tiles"] = 5; }).code, ErrorCode::kBadData);
  EXPECT_EQ(after([](Json& json) { json["operation"] = "fourier"; }).code, ErrorCode::kBadData);
  EXPECT_EQ(after([](Json& json) { json["arguments"][0]["type"] = "int4"; }).code, ErrorCode::kBadData);
  EXPECT_EQ(after([](Json& json) { json["fifos"][0]["argument"] = "noise"; }).code, ErrorCode::kBadData);
  EXPECT_EQ(after([](Json& json) { json["fifos"].erase(0); }).code, ErrorCode::kBadData);
  EXPECT_EQ(error_of([] { parse_kernel_spec("{", "x"); }).code, ErrorCode::kBadData);
  EXPECT_EQ(error_of([] { parse_kernel_spec("[]", "x"); }).code, ErrorCode::kBadData);
}

TEST(Catalog, AnOverfullTileIsRefusedWithItsBytes) {
  Json json = entry("log_mel_20.json");
  json["fifos"][0]["depth"] = 4;
  const KernelSpec spec = parse_kernel_spec(json.dump(), "x");
  const ThrownError error = error_of([&] { check_tile_memory(spec); });
  EXPECT_EQ(error.code, ErrorCode::kResourceExhausted);
  EXPECT_THAT(error.message, HasSubstr("frames 4x16000"));
  EXPECT_THAT(error.message, HasSubstr("stack"));
  EXPECT_THAT(error.message, HasSubstr("constants"));
  EXPECT_THAT(error.message, HasSubstr("of 65536 bytes"));
}

TEST(Catalog, ShapesThatAKernelCannotDoAreRefused) {
  const Catalog catalog;
  EXPECT_THAT(error_of([&] { catalog.at("log_mel_10").check_shape({.rows = 100}); }).message,
              ::testing::AllOf(HasSubstr("log_mel_10"), HasSubstr("100"), HasSubstr("batch 10")));
  EXPECT_THAT(error_of([&] { catalog.at("gelu_512").check_shape({.rows = 8, .cols = 513}); }).message,
              HasSubstr("513"));
  EXPECT_EQ(error_of([&] { catalog.at("matmul_64").check_shape({.rows = 64, .inner = 65, .cols = 64}); }).code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(error_of([&] { catalog.at("attention_64").check_shape({.rows = 64, .heads = 8, .keys = 65}); }).code,
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace amanuensis::device::npu
