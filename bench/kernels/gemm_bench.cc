// Matrix products of one thread over the shapes of Whisper base: the encoder's many rows, the decoder's few. Reports
// billions of operations a second and, of this machine's own ceilings, the share reached: "of_peak" of the multiply
// instruction, "of_bandwidth" of reading memory (for few rows, which are bound by reading the weights).
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <random>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/cpu_features.h"
#include "ceilings.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/packed_weights.h"

namespace amanuensis::bench {
namespace {

using kernels::GemmVariant;
using kernels::PackedWeights;

struct Shape {
  const char* name;
  std::size_t rows;
  std::size_t in;
  std::size_t out;
};

// The rows are what one task of the CPU backend takes: about 384 KiB of them.
constexpr Shape kShapes[] = {
    {"encoder_qkv", 96, 512, 1536},  {"encoder_fc1", 96, 512, 2048},    {"encoder_fc2", 48, 2048, 512},
    {"decoder_fc1_1", 1, 512, 2048}, {"decoder_fc1_5", 5, 512, 2048},   {"decoder_fc1_16", 16, 512, 2048},
    {"vocabulary_1", 1, 512, 51865}, {"vocabulary_16", 16, 512, 51865},
};

AlignedBuffer<float> random_matrix(std::size_t size) {
  std::mt19937 generator(1);
  std::uniform_real_distribution<float> values(-1.0f, 1.0f);
  AlignedBuffer<float> matrix(size);
  for (float& value : matrix.span()) value = values(generator);
  return matrix;
}

void run_gemm(benchmark::State& state, const GemmVariant& variant, const Shape& shape) {
  const AlignedBuffer<float> weight = random_matrix(variant.panel_cols * shape.in);
  PackedWeights packed(variant, shape.out, shape.in, {});
  for (std::size_t panel = 0; panel < packed.panels(); ++panel) {
    const std::size_t rows = std::min(variant.panel_cols, shape.out - panel * variant.panel_cols);
    packed.pack_panel(panel, weight.matrix(rows, shape.in));
  }
  const AlignedBuffer<float> x = random_matrix(shape.rows * shape.in);
  AlignedBuffer<float> y(shape.rows * shape.out);
  AlignedBuffer<std::byte> blocks(variant.packed_rows_bytes(shape.rows, shape.in));
  for (auto _ : state) {
    variant.pack_rows(x.data(), shape.in, shape.rows, shape.in, blocks.data());
    variant.run(packed.view(), {.blocks = blocks.data(),
                                .rows = shape.rows,
                                .last_panel = packed.panels(),
                                .y = y.data(),
                                .y_stride = shape.out});
    benchmark::ClobberMemory();
  }
  const double seconds = 1e9;
  const double operations = 2.0 * static_cast<double>(shape.rows * shape.in * shape.out);
  const double done = static_cast<double>(state.iterations());
  using benchmark::Counter;
  state.counters["gops"] = Counter(operations * done / seconds, Counter::kIsRate);
  if (const double peak = peak_gops(variant.isa, variant.type); peak > 0) {
    state.counters["of_peak"] = Counter(operations * done / seconds / peak, Counter::kIsRate);
  }
  const double bytes = static_cast<double>(packed.size_bytes());
  state.counters["of_bandwidth"] = Counter(bytes * done / seconds / read_gbytes_per_s(), Counter::kIsRate);
}

const bool kRegistered = [] {
  const CpuFeatures cpu = detect_cpu_features();
  for (const GemmVariant& variant : kernels::gemm_variants()) {
    if (!kernels::runs_on(variant.isa, cpu)) continue;
    for (const Shape& shape : kShapes) {
      const std::string name =
          fmt::format("gemm/{}/{}/{}", kernels::to_string(variant.isa), kernels::to_string(variant.type), shape.name);
      benchmark::RegisterBenchmark(name.c_str(), [&](benchmark::State& state) { run_gemm(state, variant, shape); });
    }
  }
  return true;
}();

}  // namespace
}  // namespace amanuensis::bench
