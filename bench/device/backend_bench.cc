// The CPU backend's operations at the sizes of Whisper base, two threads, every compute type: one encoder layer's parts
// over a window of 1,500 frames, and the decoder's attention for one and for sixteen sequences.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <random>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "device/cpu/cpu_backend.h"

namespace amanuensis::bench {
namespace {

using device::ComputeType;

constexpr std::size_t kFrames = 1500;
constexpr std::size_t kWidth = 512;
constexpr std::size_t kHeads = 8;
constexpr std::size_t kThreads = 2;

class RandomSource final : public device::MatrixSource {
 public:
  RandomSource(std::size_t rows, std::size_t cols) : rows_(rows), cols_(cols) {}
  std::size_t rows() const override { return rows_; }
  std::size_t cols() const override { return cols_; }
  void read_row(std::size_t row, std::span<float> out) const override {
    std::minstd_rand generator(static_cast<unsigned>(row) + 1U);
    std::uniform_real_distribution<float> values(-0.05f, 0.05f);
    for (float& value : out) value = values(generator);
  }

 private:
  std::size_t rows_;
  std::size_t cols_;
};

AlignedBuffer<float> random_matrix(std::size_t size) {
  std::minstd_rand generator(1);
  std::uniform_real_distribution<float> values(-1.0f, 1.0f);
  AlignedBuffer<float> matrix(size);
  for (float& value : matrix.span()) value = values(generator);
  return matrix;
}

struct Machine {
  explicit Machine(ComputeType type)
      : backend(device::make_cpu_backend(
            {.pool = pool, .kernels = kernels::select_kernels(detect_cpu_features()), .compute_type = type})) {}
  ThreadPool pool{kThreads};
  std::unique_ptr<device::Backend> backend;
};

void report(benchmark::State& state, double operations) {
  state.counters["gops"] =
      benchmark::Counter(operations * 1e-9 * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

void linear(benchmark::State& state, ComputeType type, std::size_t rows, std::size_t in, std::size_t out, bool gelu) {
  Machine machine(type);
  const auto weights = machine.backend->prepare_linear(RandomSource(out, in), {});
  const auto x = random_matrix(rows * in);
  AlignedBuffer<float> y(rows * out);
  for (auto _ : state) {
    machine.backend->linear(*weights, x.matrix(rows, in), y.matrix(rows, out), {.gelu = gelu});
  }
  report(state, 2.0 * static_cast<double>(rows * in * out));
}

void conv(benchmark::State& state, ComputeType type) {
  Machine machine(type);
  const device::ConvShape shape = {.in_channels = kWidth, .kernel = 3, .stride = 2, .padding = 1};
  const std::vector<float> bias(kWidth);
  const auto weights = machine.backend->prepare_conv1d(RandomSource(kWidth, kWidth * 3), bias, shape);
  const auto x = random_matrix(2 * kFrames * kWidth);
  AlignedBuffer<float> y(kFrames * kWidth);
  for (auto _ : state) {
    machine.backend->conv1d_gelu(*weights, x.matrix(2 * kFrames, kWidth), y.matrix(kFrames, kWidth));
  }
  report(state, 2.0 * kFrames * kWidth * kWidth * 3);
}

void layer_norm(benchmark::State& state, ComputeType type) {
  Machine machine(type);
  const auto x = random_matrix(kFrames * kWidth);
  const std::vector<float> gamma(kWidth, 1.0f);
  const std::vector<float> beta(kWidth, 0.0f);
  AlignedBuffer<float> y(kFrames * kWidth);
  for (auto _ : state) {
    machine.backend->layer_norm(x.matrix(kFrames, kWidth), gamma, beta, y.matrix(kFrames, kWidth));
  }
}

void self_attention(benchmark::State& state, ComputeType type) {
  Machine machine(type);
  const auto fused = random_matrix(kFrames * 3 * kWidth);
  AlignedBuffer<float> out(kFrames * kWidth);
  const TensorView<const float> qkv = fused.matrix(kFrames, 3 * kWidth);
  for (auto _ : state) {
    machine.backend->self_attention(qkv.cols_at(0, kWidth), qkv.cols_at(kWidth, kWidth),
                                    qkv.cols_at(2 * kWidth, kWidth), kHeads, out.matrix(kFrames, kWidth));
  }
  report(state, 4.0 * kFrames * kFrames * kWidth);
}

void cross_attention(benchmark::State& state, ComputeType type, std::size_t sequences, std::size_t rows) {
  Machine machine(type);
  const auto kv = random_matrix(kFrames * kWidth);
  const auto q = random_matrix(rows * kWidth);
  AlignedBuffer<float> out(sequences * rows * kWidth);
  std::vector<std::unique_ptr<device::KvCache>> caches;
  std::vector<device::CachedAttention> items;
  for (std::size_t i = 0; i < sequences; ++i) {
    caches.push_back(machine.backend->make_kv_cache(kFrames, kHeads, kWidth / kHeads));
    machine.backend->write_kv(*caches.back(), 0, kv.matrix(kFrames, kWidth), kv.matrix(kFrames, kWidth));
    items.push_back({.cache = caches.back().get(),
                     .q = q.matrix(rows, kWidth),
                     .out = out.matrix(sequences * rows, kWidth).rows_at(i * rows, rows),
                     .visible = kFrames});
  }
  for (auto _ : state) machine.backend->cached_attention(items, kHeads);
  const double bytes = 2.0 * kFrames * kWidth * (type == ComputeType::kFloat32 ? 4 : 2);
  state.counters["cache_gbytes"] =
      benchmark::Counter(bytes * 1e-9 * static_cast<double>(sequences) * static_cast<double>(state.iterations()),
                         benchmark::Counter::kIsRate);
}

const bool kRegistered = [] {
  for (const ComputeType type : {ComputeType::kFloat32, ComputeType::kBFloat16, ComputeType::kInt8}) {
    const auto add = [type](const char* name, auto function, auto... arguments) {
      const std::string full = fmt::format("{}/{}", name, device::to_string(type));
      benchmark::RegisterBenchmark(full.c_str(), function, type, arguments...)->UseRealTime()->MeasureProcessCPUTime();
    };
    add("encoder_qkv", linear, kFrames, kWidth, 3 * kWidth, false);
    add("encoder_fc1", linear, kFrames, kWidth, 4 * kWidth, true);
    add("encoder_fc2", linear, kFrames, 4 * kWidth, kWidth, false);
    add("decoder_fc1_1", linear, 1, kWidth, 4 * kWidth, true);
    add("decoder_fc1_16", linear, 16, kWidth, 4 * kWidth, true);
    add("vocabulary_1", linear, 1, kWidth, 51865, false);
    add("vocabulary_16", linear, 16, kWidth, 51865, false);
    add("conv2", conv);
    add("layer_norm", layer_norm);
    add("self_attention", self_attention);
    add("cross_attention_1", cross_attention, 1, 1);
    add("cross_attention_16", cross_attention, 16, 1);
    add("cross_attention_200_rows", cross_attention, 1, 200);
  }
  return true;
}();

}  // namespace
}  // namespace amanuensis::bench
