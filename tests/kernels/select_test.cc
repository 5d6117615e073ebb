// Selection is a pure function, forcing a set works or fails clearly, and the forced set is what runs.
#include "kernels/select.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "base/error.h"
#include "kernel_cases.h"

namespace amanuensis::kernels {
namespace {

CpuFeatures everything() {
  return {.avx2 = true,
          .fma = true,
          .f16c = true,
          .avx512f = true,
          .avx512bw = true,
          .avx512vl = true,
          .avx512dq = true,
          .avx512vnni = true,
          .avx512bf16 = true,
          .neon = true,
          .dotprod = true,
          .fp16 = true,
          .bf16 = true,
          .i8mm = true};
}

// Sets that this build has kernels for.
std::set<Isa> built() {
  std::set<Isa> sets;
  for (const GemmVariant& variant : gemm_variants()) sets.insert(variant.isa);
  return sets;
}

void expect_error(const CpuFeatures& cpu, const std::string& name, ErrorCode code) {
  try {
    select_kernels(cpu, name);
    FAIL() << "'" << name << "' was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("scalar"), std::string::npos)
        << "should say what there is: " << error.what();
  }
}

TEST(SelectKernels, APlainProcessorGetsTheReference) {
  const KernelTable table = select_kernels(CpuFeatures{});
  EXPECT_EQ(table.isa, Isa::kScalar);
  EXPECT_EQ(table.gemm_f32->isa, Isa::kScalar);
  EXPECT_EQ(table.gelu->isa, Isa::kScalar);
}

TEST(SelectKernels, EveryOperationHasAReference) {
  const KernelTable table = select_kernels(CpuFeatures{});
  EXPECT_NE(table.gemm_f32, nullptr);
  EXPECT_NE(table.gemm_bf16, nullptr);
  EXPECT_NE(table.gemm_int8, nullptr);
  EXPECT_NE(table.gelu, nullptr);
  EXPECT_NE(table.layer_norm, nullptr);
  EXPECT_NE(table.self_attention_f32, nullptr);
  EXPECT_NE(table.self_attention_bf16, nullptr);
  EXPECT_NE(table.cached_attention_f32, nullptr);
  EXPECT_NE(table.cached_attention_bf16, nullptr);
  EXPECT_NE(table.attention_map_f32, nullptr);
  EXPECT_NE(table.attention_map_bf16, nullptr);
  EXPECT_NE(table.log_sum_exp, nullptr);
}

TEST(SelectKernels, TakesTheBestThatTheProcessorHas) {
  CpuFeatures cpu = everything();
  if (!built().contains(Isa::kAvx512)) GTEST_SKIP() << "not an x86-64 build";
  EXPECT_EQ(select_kernels(cpu).isa, Isa::kAvx512);
  cpu.avx512bf16 = false;
  EXPECT_EQ(select_kernels(cpu).isa, Isa::kAvx512Vnni);
  cpu.avx512vnni = false;
  EXPECT_EQ(select_kernels(cpu).isa, Isa::kAvx512F);
  cpu.avx512dq = false;
  EXPECT_EQ(select_kernels(cpu).isa, Isa::kAvx2);
  cpu.fma = false;
  EXPECT_EQ(select_kernels(cpu).isa, Isa::kScalar);
}

TEST(SelectKernels, AForcedSetIsWhatTheTableHolds) {
  // The others hold only what they make faster than the next smaller one (below, and select_arm_test.cc).
  constexpr Isa kWhole[] = {Isa::kScalar, Isa::kAvx2, Isa::kNeon};
  for (const Isa isa : built()) {
    if (std::ranges::find(kWhole, isa) == std::end(kWhole)) continue;
    const KernelTable table = select_kernels(everything(), to_string(isa));
    EXPECT_EQ(table.isa, isa);
    EXPECT_EQ(table.gemm_f32->isa, isa);
    EXPECT_EQ(table.gemm_bf16->isa, isa);
    EXPECT_EQ(table.gemm_int8->isa, isa);
    EXPECT_EQ(table.gelu->isa, isa);
    EXPECT_EQ(table.layer_norm->isa, isa);
    EXPECT_EQ(table.self_attention_f32->isa, isa);
    EXPECT_EQ(table.self_attention_bf16->isa, isa);
    EXPECT_EQ(table.cached_attention_f32->isa, isa);
    EXPECT_EQ(table.cached_attention_bf16->isa, isa);
    EXPECT_EQ(table.attention_map_f32->isa, isa);
    EXPECT_EQ(table.attention_map_bf16->isa, isa);
    EXPECT_EQ(table.log_sum_exp->isa, isa);
  }
}

TEST(SelectKernels, EachPartOfAvx512AddsWhatItMakesFaster) {
  if (!built().contains(Isa::kAvx512)) GTEST_SKIP() << "not an x86-64 build";
  struct Expected {
    Isa isa;
    Isa bytes;
    Isa bfloat16;
  };
  for (const Expected& expected : {Expected{Isa::kAvx512F, Isa::kAvx2, Isa::kAvx2},
                                   {Isa::kAvx512Vnni, Isa::kAvx512Vnni, Isa::kAvx2},
                                   {Isa::kAvx512, Isa::kAvx512Vnni, Isa::kAvx512}}) {
    SCOPED_TRACE(to_string(expected.isa));
    const KernelTable table = select_kernels(everything(), to_string(expected.isa));
    EXPECT_EQ(table.isa, expected.isa);
    EXPECT_EQ(table.gemm_f32->isa, Isa::kAvx512F);
    EXPECT_EQ(table.self_attention_f32->isa, Isa::kAvx512F);
    EXPECT_EQ(table.cached_attention_f32->isa, Isa::kAvx512F);
    EXPECT_EQ(table.attention_map_f32->isa, Isa::kAvx512F);
    EXPECT_EQ(table.gelu->isa, Isa::kAvx512F);
    EXPECT_EQ(table.layer_norm->isa, Isa::kAvx512F);
    EXPECT_EQ(table.log_sum_exp->isa, Isa::kAvx512F);
    EXPECT_EQ(table.power_spectrum->isa, Isa::kAvx512F);
    EXPECT_EQ(table.log_mel_bands->isa, Isa::kAvx512F);
    EXPECT_EQ(table.gemm_int8->isa, expected.bytes);
    EXPECT_EQ(table.self_attention_int8->isa, expected.bytes);
    EXPECT_EQ(table.cached_attention_int8->isa, expected.bytes);
    EXPECT_EQ(table.cache_groups->isa, expected.bytes);
    EXPECT_EQ(table.gemm_bf16->isa, expected.bfloat16);
    EXPECT_EQ(table.self_attention_bf16->isa, expected.bfloat16);
    EXPECT_EQ(table.cached_attention_bf16->isa, expected.bfloat16);
    EXPECT_EQ(table.attention_map_bf16->isa, expected.bfloat16);
  }
}

TEST(SelectKernels, TheFastestTypeIsInt8WhereBytesHaveAnInstruction) {
  EXPECT_EQ(fastest_type(select_kernels(CpuFeatures{})), GemmType::kFloat32);
  if (!built().contains(Isa::kAvx512)) GTEST_SKIP() << "not an x86-64 build";
  EXPECT_EQ(fastest_type(select_kernels(everything())), GemmType::kInt8);
  EXPECT_EQ(fastest_type(select_kernels(everything(), "avx512_vnni")), GemmType::kInt8);
  EXPECT_EQ(fastest_type(select_kernels(everything(), "avx512f")), GemmType::kFloat32);
  EXPECT_EQ(fastest_type(select_kernels(everything(), "avx2")), GemmType::kFloat32);
}

TEST(SelectKernels, RefusesUnknownAndMissingSets) {
  expect_error(everything(), "sse9", ErrorCode::kInvalidArgument);
  expect_error(everything(), "AVX2", ErrorCode::kInvalidArgument);
  expect_error(CpuFeatures{}, "avx512", ErrorCode::kUnsupported);
  expect_error(CpuFeatures{}, "neon", ErrorCode::kUnsupported);
}

// Two sets of kernels never have an entry point in common: what a table points at is what its name says.
template <typename Variant, typename Function>
void expect_distinct(std::span<const Variant> variants, Function Variant::*entry) {
  for (std::size_t i = 0; i < variants.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      EXPECT_NE(variants[i].*entry, variants[j].*entry)
          << to_string(variants[i].isa) << " and " << to_string(variants[j].isa);
    }
  }
}

TEST(SelectKernels, EveryVariantHasItsOwnCode) {
  expect_distinct(gemm_variants(), &GemmVariant::run);
  expect_distinct(gelu_variants(), &GeluVariant::run);
  expect_distinct(layer_norm_variants(), &LayerNormVariant::run);
  expect_distinct(self_attention_variants(), &SelfAttentionVariant::run);
  expect_distinct(cached_attention_variants(), &CachedAttentionVariant::run);
  expect_distinct(attention_map_variants(), &AttentionMapVariant::run);
  expect_distinct(log_sum_exp_variants(), &LogSumExpVariant::run);
}

TEST(SelectKernels, TheReferenceIsLast) {
  EXPECT_EQ(gelu_variants().back().isa, Isa::kScalar);
  EXPECT_EQ(layer_norm_variants().back().isa, Isa::kScalar);
  EXPECT_EQ(gemm_variants().back().isa, Isa::kScalar);
  EXPECT_EQ(self_attention_variants().back().isa, Isa::kScalar);
  EXPECT_EQ(cached_attention_variants().back().isa, Isa::kScalar);
  EXPECT_EQ(attention_map_variants().back().isa, Isa::kScalar);
  EXPECT_EQ(log_sum_exp_variants().back().isa, Isa::kScalar);
}

TEST(CpuFeatures, AreTheSameEachTime) { EXPECT_EQ(detect_cpu_features(), detect_cpu_features()); }

}  // namespace
}  // namespace amanuensis::kernels
