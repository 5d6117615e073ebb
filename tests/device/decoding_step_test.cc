// What a decoding step asks of the CPU backend beyond the formulas of cpu_backend_test.cc: new keys and values that
// come with the queries, caches that lie side by side, and what a row of logits is summarised to.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "device/backend.h"
#include "support/cpu_machine.h"
#include "support/kernel_data.h"

namespace amanuensis::device {
namespace {

constexpr ComputeType kTypes[] = {ComputeType::kFloat32, ComputeType::kBFloat16, ComputeType::kInt8};

constexpr std::size_t kHeads = 2;
constexpr std::size_t kDim = 20;
constexpr std::size_t kWidth = kHeads * kDim;
constexpr std::size_t kCapacity = 70;

TEST(DecodingStep, AppendedKeysAreSeenAsWrittenOnesAre) {
  const std::vector<float> k = test::random_values(kCapacity * kWidth, 1);
  const std::vector<float> v = test::random_values(kCapacity * kWidth, 2);
  std::vector<float> q = test::random_values(kCapacity * kWidth, 3);
  const auto rows_of = [](const std::vector<float>& x, std::size_t first, std::size_t rows) {
    return TensorView<const float>(x.data() + first * kWidth, rows, kWidth);
  };
  for (const ComputeType type : kTypes) {
    test::CpuMachine machine(type, 2);
    Backend& backend = machine.backend();
    const auto written = backend.make_kv_cache(kCapacity, kHeads, kDim);
    const auto appended = backend.make_kv_cache(kCapacity, kHeads, kDim);
    std::size_t first = 0;
    for (const std::size_t rows : {1U, 3U, 1U, 16U, 17U, 32U}) {
      std::vector<float> expected(rows * kWidth);
      std::vector<float> out(rows * kWidth);
      CachedAttention item = {.cache = written.get(),
                              .q = rows_of(q, first, rows),
                              .out = {expected.data(), rows, kWidth},
                              .visible = first + 1,
                              .causal = true};
      backend.write_kv(*written, first, rows_of(k, first, rows), rows_of(v, first, rows));
      backend.cached_attention({&item, 1}, kHeads);
      item.cache = appended.get();
      item.append_to = appended.get();
      item.k = rows_of(k, first, rows);
      item.v = rows_of(v, first, rows);
      item.out = {out.data(), rows, kWidth};
      backend.cached_attention({&item, 1}, kHeads);
      EXPECT_EQ(out, expected) << to_string(type) << ": rows from " << first;
      first += rows;
    }
  }
}

TEST(DecodingStep, CachesSideBySideDoNotTouch) {
  for (const ComputeType type : kTypes) {
    test::CpuMachine machine(type, 2);
    Backend& backend = machine.backend();
    auto caches = backend.make_kv_caches(3, kCapacity, kHeads, kDim);
    ASSERT_EQ(caches.size(), 3U);
    std::vector<std::vector<float>> k;
    for (std::uint32_t i = 0; i < 3; ++i) k.push_back(test::random_values(kCapacity * kWidth, 10 + i));
    const auto all = [](const std::vector<float>& x) { return TensorView<const float>(x.data(), kCapacity, kWidth); };
    for (std::size_t i = 0; i < 3; ++i) backend.write_kv(*caches[i], 0, all(k[i]), all(k[i]));
    caches.front().reset();  // the others keep their memory
    for (std::size_t i = 1; i < 3; ++i) {
      const auto alone = backend.make_kv_cache(kCapacity, kHeads, kDim);
      backend.write_kv(*alone, 0, all(k[i]), all(k[i]));
      std::vector<float> q = test::random_values(kWidth, 5);
      std::vector<float> expected(kWidth);
      std::vector<float> out(kWidth);
      const auto attend = [&](const KvCache& cache, std::vector<float>& to) {
        const CachedAttention item = {
            .cache = &cache, .q = {q.data(), 1, kWidth}, .out = {to.data(), 1, kWidth}, .visible = kCapacity};
        backend.cached_attention({&item, 1}, kHeads);
      };
      attend(*alone, expected);
      attend(*caches[i], out);
      EXPECT_EQ(out, expected) << to_string(type) << ": cache " << i;
    }
  }
}

TEST(DecodingStep, ARowIsSummarisedByItsFirstLargestValueAndItsSum) {
  test::CpuMachine machine(ComputeType::kInt8, 1);
  constexpr float kForbidden = -std::numeric_limits<float>::infinity();
  std::vector<float> row = test::random_values(5003, 7, -9.0F, 9.0F);
  std::fill(row.begin() + 100, row.begin() + 2000, kForbidden);
  row[2500] = row[4000] = 9.5F;
  const RowSummary summary = machine.backend().summarise(row);
  double sum = 0;
  for (const float value : row) sum += std::exp(static_cast<double>(value) - 9.5);
  EXPECT_EQ(summary.index, 2500U);
  EXPECT_EQ(summary.largest, 9.5F);
  EXPECT_NEAR(summary.sum, sum, 2e-6 * sum);
}

}  // namespace
}  // namespace amanuensis::device
