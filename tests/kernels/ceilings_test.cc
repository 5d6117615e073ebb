// The loops that measure the machine: they touch what they say they touch. How fast is not a test's business.
#include "kernels/ceilings/ceilings.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "base/aligned_buffer.h"
#include "base/cpu_features.h"

namespace amanuensis::kernels {
namespace {

TEST(Ceilings, EveryInstructionSetWithProductsHasAPeakOfEachType) {
  for (const GemmVariant& gemm : gemm_variants()) {
    EXPECT_TRUE(std::ranges::any_of(
        peak_variants(), [&](const PeakVariant& peak) { return peak.isa == gemm.isa && peak.type == gemm.type; }))
        << to_string(gemm.isa) << " " << to_string(gemm.type);
  }
}

TEST(Ceilings, PeakLoopsEndAndCountTheirOperations) {
  const CpuFeatures cpu = detect_cpu_features();
  for (const PeakVariant& variant : peak_variants()) {
    EXPECT_GT(variant.operations_per_turn, 0.0);
    if (!runs_on(variant.isa, cpu)) continue;
    variant.run(0);
    variant.run(1000);
  }
}

TEST(Ceilings, ReadingVisitsEveryWordOnce) {
  const CpuFeatures cpu = detect_cpu_features();
  for (const StreamVariant& variant : stream_variants()) {
    if (!runs_on(variant.isa, cpu)) continue;
    for (const std::size_t steps : {0U, 1U, 7U}) {
      AlignedBuffer<std::uint64_t> words(steps * kStreamStepBytes / 8);
      std::iota(words.span().begin(), words.span().end(), std::uint64_t{1} << 40U);
      const std::uint64_t sum = std::accumulate(words.span().begin(), words.span().end(), std::uint64_t{0});
      EXPECT_EQ(variant.read(std::as_bytes(words.span()).data(), steps * kStreamStepBytes), sum)
          << to_string(variant.isa) << ", " << steps << " steps";
    }
  }
}

TEST(Ceilings, UpdatingScalesEveryFloatOnce) {
  const CpuFeatures cpu = detect_cpu_features();
  for (const StreamVariant& variant : stream_variants()) {
    if (!runs_on(variant.isa, cpu)) continue;
    AlignedBuffer<float> values(3 * kStreamStepBytes / sizeof(float));
    std::iota(values.span().begin(), values.span().end(), 1.0f);
    variant.update(values.data(), 2 * kStreamStepBytes, 2.0f);
    const std::size_t scaled = 2 * kStreamStepBytes / sizeof(float);
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(values[i], static_cast<float>(i + 1) * (i < scaled ? 2.0f : 1.0f))
          << to_string(variant.isa) << " " << i;
    }
  }
}

}  // namespace
}  // namespace amanuensis::kernels
