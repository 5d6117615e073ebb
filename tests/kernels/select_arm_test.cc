// Which kernels 64-bit Arm processors get. What a set needs is checked in every build; what is chosen, in builds for
// Arm.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/error.h"
#include "kernel_cases.h"
#include "kernels/select.h"

namespace amanuensis::kernels {
namespace {

// Cortex-A72: the first of these cores.
constexpr CpuFeatures kArmV8 = {.neon = true};
// Neoverse N1.
constexpr CpuFeatures kArmV82 = {.neon = true, .dotprod = true, .fp16 = true};
// Neoverse V1 and all after it.
constexpr CpuFeatures kArmV86 = {.neon = true, .dotprod = true, .fp16 = true, .bf16 = true, .i8mm = true};

bool is_arm_build() {
  return std::ranges::any_of(gemm_variants(), [](const GemmVariant& variant) { return variant.isa == Isa::kNeon; });
}

TEST(ArmSets, EachNeedsItsOwnInstructions) {
  EXPECT_FALSE(runs_on(Isa::kNeon, CpuFeatures{}));
  EXPECT_TRUE(runs_on(Isa::kNeon, kArmV8));
  EXPECT_FALSE(runs_on(Isa::kNeonDotprod, kArmV8));
  EXPECT_TRUE(runs_on(Isa::kNeonDotprod, kArmV82));
  EXPECT_FALSE(runs_on(Isa::kNeonBf16, kArmV82));
  EXPECT_TRUE(runs_on(Isa::kNeonBf16, kArmV86));
  CpuFeatures lacks_i8mm = kArmV86;
  lacks_i8mm.i8mm = false;
  EXPECT_FALSE(runs_on(Isa::kNeonBf16, lacks_i8mm));
  CpuFeatures lacks_bf16 = kArmV86;
  lacks_bf16.bf16 = false;
  EXPECT_FALSE(runs_on(Isa::kNeonBf16, lacks_bf16));
}

// What every operation of `table` but the three types of matrix product and bfloat16 attention must be.
void expect_plain_neon(const KernelTable& table) {
  EXPECT_EQ(table.gelu->isa, Isa::kNeon);
  EXPECT_EQ(table.layer_norm->isa, Isa::kNeon);
  EXPECT_EQ(table.self_attention_f32->isa, Isa::kNeon);
  EXPECT_EQ(table.cached_attention_f32->isa, Isa::kNeon);
  EXPECT_EQ(table.attention_map_f32->isa, Isa::kNeon);
  EXPECT_EQ(table.log_sum_exp->isa, Isa::kNeon);
  EXPECT_EQ(table.power_spectrum->isa, Isa::kNeon);
  EXPECT_EQ(table.log_mel_bands->isa, Isa::kNeon);
  EXPECT_EQ(table.gemm_f32->isa, Isa::kNeon);
}

void expect_bf16(const KernelTable& table, Isa isa) {
  EXPECT_EQ(table.gemm_bf16->isa, isa);
  EXPECT_EQ(table.self_attention_bf16->isa, isa);
  EXPECT_EQ(table.cached_attention_bf16->isa, isa);
  EXPECT_EQ(table.attention_map_bf16->isa, isa);
}

void expect_int8(const KernelTable& table, Isa product, Isa attention) {
  EXPECT_EQ(table.gemm_int8->isa, product);
  EXPECT_EQ(table.self_attention_int8->isa, attention);
  EXPECT_EQ(table.self_attention_int8->type, AttentionType::kInt8);
  EXPECT_EQ(table.cached_attention_int8->isa, attention);
  EXPECT_EQ(table.cached_attention_int8->type, AttentionType::kInt8);
}

class SelectOnArm : public testing::Test {
 protected:
  void SetUp() override {
    if (!is_arm_build()) GTEST_SKIP() << "not a build for 64-bit Arm";
  }
};

TEST_F(SelectOnArm, WithoutDotProductInt8IsMultipliedByPlainNeon) {
  const KernelTable table = select_kernels(kArmV8);
  EXPECT_EQ(table.isa, Isa::kNeon);
  expect_plain_neon(table);
  expect_bf16(table, Isa::kNeon);
  expect_int8(table, Isa::kNeon, Isa::kNeon);
  EXPECT_EQ(fastest_type(table), GemmType::kFloat32);
}

TEST_F(SelectOnArm, DotProductIsUsedWithoutBf16) {
  const KernelTable table = select_kernels(kArmV82);
  EXPECT_EQ(table.isa, Isa::kNeonDotprod);
  expect_plain_neon(table);
  expect_bf16(table, Isa::kNeon);
  expect_int8(table, Isa::kNeonDotprod, Isa::kNeonDotprod);
  EXPECT_EQ(fastest_type(table), GemmType::kInt8);
}

TEST_F(SelectOnArm, Bf16AndProductsOfMatricesAreUsedTogether) {
  const KernelTable table = select_kernels(kArmV86);
  EXPECT_EQ(table.isa, Isa::kNeonBf16);
  expect_plain_neon(table);
  expect_bf16(table, Isa::kNeonBf16);
  expect_int8(table, Isa::kNeonBf16, Isa::kNeonDotprod);
  EXPECT_EQ(fastest_type(table), GemmType::kInt8);
}

TEST_F(SelectOnArm, ASmallerSetCanBeForced) {
  const KernelTable plain = select_kernels(kArmV86, "neon");
  EXPECT_EQ(plain.isa, Isa::kNeon);
  expect_plain_neon(plain);
  expect_bf16(plain, Isa::kNeon);
  expect_int8(plain, Isa::kNeon, Isa::kNeon);
  EXPECT_EQ(select_kernels(kArmV86, "neon_dotprod").gemm_int8->isa, Isa::kNeonDotprod);
  EXPECT_EQ(select_kernels(kArmV86, "scalar").gemm_f32->isa, Isa::kScalar);
}

TEST_F(SelectOnArm, ASetThatTheProcessorLacksIsRefused) {
  for (const std::string name : {"neon_dotprod", "neon_bf16", "avx2"}) {
    try {
      select_kernels(kArmV8, name);
      FAIL() << "'" << name << "' was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
      EXPECT_NE(std::string(error.what()).find("neon, scalar"), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace amanuensis::kernels
