// What continuous batching rests on: a row's result has the same bits whatever other rows are in the call, whichever
// way the call is shared out among threads.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/aligned_buffer.h"
#include "support/cpu_machine.h"
#include "support/hashed_model.h"

namespace amanuensis::device {
namespace {

constexpr ComputeType kTypes[] = {ComputeType::kFloat32, ComputeType::kBFloat16, ComputeType::kInt8};
// One row, fewer and more than a block of rows, and so many that rows are shared out among threads.
constexpr std::size_t kRowCounts[] = {1, 2, 5, 8, 12, 13, 16, 25, 33, 96, 200};

class Weights final : public MatrixSource {
 public:
  Weights(std::size_t rows, std::size_t cols) : values_(rows * cols), rows_(rows), cols_(cols) {
    test::fill_uniform("weights", values_.span());
  }
  std::size_t rows() const override { return rows_; }
  std::size_t cols() const override { return cols_; }
  void read_row(std::size_t row, std::span<float> out) const override {
    std::memcpy(out.data(), values_.data() + row * cols_, cols_ * sizeof(float));
  }

 private:
  AlignedBuffer<float> values_;
  std::size_t rows_;
  std::size_t cols_;
};

std::vector<float> values_of(const char* name, std::size_t count) {
  std::vector<float> values(count);
  test::fill_uniform(name, values);
  return values;
}

std::vector<std::string_view> instruction_sets() {
  std::vector<std::string_view> sets = {"scalar"};
#if defined(__x86_64__)
  const CpuFeatures features = detect_cpu_features();
  if (features.avx2 && features.fma) sets.push_back("avx2");
  for (const kernels::Isa isa : {kernels::Isa::kAvx512F, kernels::Isa::kAvx512Vnni, kernels::Isa::kAvx512}) {
    if (kernels::runs_on(isa, features)) sets.push_back(to_string(isa));
  }
#endif
  return sets;
}

TEST(RowIndependence, LinearGivesARowTheSameBitsInEveryCall) {
  constexpr std::size_t kIn = 100;
  constexpr std::size_t kOut = 150;
  constexpr std::size_t kMost = 200;
  const Weights weights(kOut, kIn);
  const std::vector<float> bias = values_of("bias", kOut);
  std::vector<float> input = values_of("input", kMost * kIn);
  std::vector<float> residual = values_of("residual", kMost * kOut);
  for (const std::string_view isa : instruction_sets()) {
    for (const ComputeType type : kTypes) {
      test::CpuMachine machine(type, 2, isa);
      const auto linear = machine.backend().prepare_linear(weights, bias);
      const auto run = [&](std::size_t first, std::size_t rows) {
        std::vector<float> output(rows * kOut);
        machine.backend().linear(*linear, TensorView<const float>(input.data() + first * kIn, rows, kIn),
                                 TensorView<float>(output.data(), rows, kOut),
                                 {.gelu = true, .residual = residual.data() + first * kOut, .residual_stride = kOut});
        return output;
      };
      const std::vector<float> all = run(0, kMost);
      for (const std::size_t rows : kRowCounts) {
        const std::size_t first = (kMost - rows) / 2;
        const std::vector<float> part = run(first, rows);
        EXPECT_EQ(std::memcmp(part.data(), all.data() + first * kOut, rows * kOut * sizeof(float)), 0)
            << isa << " " << to_string(type) << ": " << rows << " rows";
      }
    }
  }
}

TEST(RowIndependence, CachedAttentionGivesASequenceTheSameBitsInEveryCall) {
  constexpr std::size_t kHeads = 2;
  constexpr std::size_t kDim = 32;
  constexpr std::size_t kWidth = kHeads * kDim;
  constexpr std::size_t kCapacity = 70;
  constexpr std::size_t kSequences = 23;
  const std::vector<float> keys = values_of("keys", kSequences * kCapacity * kWidth);
  const std::vector<float> values = values_of("values", kSequences * kCapacity * kWidth);
  std::vector<float> queries = values_of("queries", kSequences * kWidth);
  for (const std::string_view isa : instruction_sets()) {
    for (const ComputeType type : kTypes) {
      test::CpuMachine machine(type, 2, isa);
      Backend& backend = machine.backend();
      std::vector<std::unique_ptr<KvCache>> caches;
      for (std::size_t i = 0; i < kSequences; ++i) {
        // Some sequences share a cache, as the beams of one window do.
        caches.push_back(backend.make_kv_cache(kCapacity, kHeads, kDim));
        backend.write_kv(*caches.back(), 0, {keys.data() + i * kCapacity * kWidth, kCapacity, kWidth},
                         {values.data() + i * kCapacity * kWidth, kCapacity, kWidth});
      }
      const auto run = [&](std::size_t first, std::size_t count) {
        std::vector<float> output(count * kWidth);
        std::vector<CachedAttention> items;
        for (std::size_t i = 0; i < count; ++i) {
          const std::size_t sequence = first + i;
          items.push_back({.cache = caches[sequence < 10 ? sequence / 5 * 5 : sequence].get(),
                           .q = {queries.data() + sequence * kWidth, 1, kWidth},
                           .out = {output.data() + i * kWidth, 1, kWidth},
                           .visible = sequence < 10 ? kCapacity : 3 * sequence,
                           .causal = sequence >= 10});
        }
        backend.cached_attention(items, kHeads);
        return output;
      };
      const std::vector<float> all = run(0, kSequences);
      for (std::size_t count : {1, 2, 3, 7, 16}) {
        for (std::size_t first = 0; first + count <= kSequences; first += 3) {
          const std::vector<float> part = run(first, count);
          EXPECT_EQ(std::memcmp(part.data(), all.data() + first * kWidth, count * kWidth * sizeof(float)), 0)
              << isa << " " << to_string(type) << ": sequences " << first << " to " << first + count;
        }
      }
    }
  }
}

}  // namespace
}  // namespace amanuensis::device
