#include "cli/bench/kernel_bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <utility>

#include "audio/log_mel.h"
#include "base/aligned_buffer.h"
#include "base/error.h"
#include "cli/bench/timing.h"
#include "device/cpu/cpu_backend.h"
#include "model/checkpoint/random_checkpoint.h"
#include "model/whisper/constants.h"

namespace amanuensis::cli {
namespace {

using device::ComputeType;
using kernels::GemmType;
using model::ModelDimensions;

constexpr std::array<std::string_view, 7> kNames = {"gemm",       "attention", "cached_attention", "conv",
                                                    "layer_norm", "gelu",      "log_mel"};
constexpr std::size_t kFewRows = 16;
constexpr std::array<std::size_t, 3> kBatches = {1, 4, 16};
constexpr std::size_t kLogMelSeconds = 30;

GemmType gemm_type(ComputeType type) {
  switch (type) {
    case ComputeType::kFloat32:
      return GemmType::kFloat32;
    case ComputeType::kBFloat16:
      return GemmType::kBFloat16;
    case ComputeType::kInt8:
      return GemmType::kInt8;
  }
  return GemmType::kFloat32;
}

AlignedBuffer<float> random_values(std::size_t count) {
  AlignedBuffer<float> values(count);
  model::fill_uniform("bench", 0, values.span());
  return values;
}

// A weight matrix whose rows are pieces of one table: as good as random to a product, and cheap to make.
class TableRows final : public device::MatrixSource {
 public:
  TableRows(std::span<const float> table, std::size_t rows, std::size_t cols)
      : table_(table), rows_(rows), cols_(cols) {}
  std::size_t rows() const override { return rows_; }
  std::size_t cols() const override { return cols_; }
  void read_row(std::size_t row, std::span<float> out) const override {
    const std::size_t at = row * 97 % (table_.size() - cols_ + 1);
    std::copy_n(table_.data() + at, cols_, out.data());
  }
  static std::size_t table_size(std::size_t cols) { return 4 * cols + 1021; }

 private:
  std::span<const float> table_;
  std::size_t rows_;
  std::size_t cols_;
};

// Everything that the timings of one run share.
class Bench {
 public:
  Bench(const KernelBenchOptions& options, const KernelBenchRun& run, const OnKernelResult& on_result,
        const std::stop_token& stop)
      : options_(options), run_(run), on_result_(on_result), stop_(stop) {}

  void gemm();
  void attention();
  void cached_attention();
  void conv();
  void layer_norm();
  void gelu();
  void log_mel();

 private:
  struct Cost {
    double operations = 0;
    double bytes = 0;
    double audio_s = 0;  // seconds of audio it is about, if any
    // Calls in one piece of work that is timed. Kernels whose operands are to come from memory go through all copies of
    // them each time: a piece of the round would be timed at its luckiest, when the caches still held that piece.
    std::size_t calls = 1;
  };

  std::unique_ptr<device::Backend> backend(ComputeType type) const {
    return device::make_cpu_backend({.pool = run_.pool, .kernels = run_.kernels, .compute_type = type});
  }
  bool wants(ComputeType type) const { return std::ranges::find(options_.types, type) != options_.types.end(); }
  KernelResult result(std::string name, std::string shape, ComputeType type, Bound bound) const {
    KernelResult made;
    made.name = std::move(name);
    made.shape = std::move(shape);
    made.type = type;
    made.isa = run_.kernels.isa;
    made.threads = run_.pool.threads();
    made.bound = bound;
    return made;
  }
  TimingOptions timing() const { return {.threads = run_.pool.threads(), .seconds = options_.seconds}; }
  void time(KernelResult result, const Cost& cost, const Work& work, PeerGemm* peer = nullptr);
  void gemm_of(ComputeType type, std::size_t in, std::size_t out);
  void gemm_rows(ComputeType type, std::size_t in, std::size_t out, std::span<const std::size_t> rows);
  void conv_of(const std::string& size, ComputeType type, const device::ConvShape& shape, std::size_t out,
               std::size_t frames);
  // Each width of the sizes asked for, once.
  std::vector<ModelDimensions> by_width() const;

  const KernelBenchOptions& options_;
  const KernelBenchRun& run_;
  const OnKernelResult& on_result_;
  const std::stop_token& stop_;
};

void Bench::time(KernelResult result, const Cost& cost, const Work& work, PeerGemm* peer) {
  if (stop_.stop_requested()) throw Error(ErrorCode::kCancelled, "interrupted");
  const auto repeated = [&cost](auto call) {
    return [calls = cost.calls, call] {
      for (std::size_t i = 0; i < calls; ++i) call();
    };
  };
  std::vector<Work> works = {repeated([&work] { work(); })};
  if (peer != nullptr) works.emplace_back(repeated([peer] { peer->run(); }));
  std::vector<double> seconds = best_seconds_of_each(timing(), works);
  for (double& each : seconds) each /= static_cast<double>(cost.calls);
  result.seconds = seconds[0];
  result.gflops = 1e-9 * cost.operations / seconds[0];
  result.gbs = 1e-9 * cost.bytes / seconds[0];
  result.realtime = cost.audio_s / seconds[0];
  if (peer != nullptr) result.peer_gflops = 1e-9 * cost.operations / seconds[1];
  switch (result.bound) {
    case Bound::kCompute:
      result.share = result.gflops / run_.ceilings.of(gemm_type(result.type));
      break;
    case Bound::kRead:
      result.share = result.gbs / run_.ceilings.read_gbs;
      break;
    case Bound::kUpdate:
      result.share = result.gbs / run_.ceilings.update_gbs;
      break;
  }
  on_result_(result);
}

std::vector<ModelDimensions> Bench::by_width() const {
  std::vector<ModelDimensions> widths;
  for (const model::PublishedSize& size : options_.sizes) {
    const auto same = [&](const ModelDimensions& d) { return d.n_audio_state == size.dims.n_audio_state; };
    if (std::ranges::none_of(widths, same)) widths.push_back(size.dims);
  }
  return widths;
}

void Bench::gemm() {
  for (const ModelDimensions& dims : by_width()) {
    for (const ComputeType type : options_.types) {
      gemm_of(type, dims.n_audio_state, dims.n_audio_state);
      gemm_of(type, dims.n_audio_state, dims.n_audio_ffn);
      gemm_of(type, dims.n_audio_ffn, dims.n_audio_state);
    }
  }
}

void Bench::gemm_of(ComputeType type, std::size_t in, std::size_t out) {
  std::vector<std::size_t> many;
  std::vector<std::size_t> few;
  for (const std::size_t rows : options_.rows) (rows > kFewRows ? many : few).push_back(rows);
  gemm_rows(type, in, out, many);
  gemm_rows(type, in, out, few);
}

// All row counts share the weights; few rows use as many copies of them as the caches cannot hold.
void Bench::gemm_rows(ComputeType type, std::size_t in, std::size_t out, std::span<const std::size_t> rows) {
  if (rows.empty()) return;
  const bool few = rows.front() <= kFewRows;
  const std::size_t weight_bytes = in * out * 4 / kernels::values_per_unit(gemm_type(type));
  const std::size_t copies = few ? std::max<std::size_t>(1, options_.out_of_cache_bytes / weight_bytes) : 1;
  const auto device = backend(type);
  const auto table = random_values(TableRows::table_size(in));
  std::vector<std::unique_ptr<device::LinearWeights>> weights;
  for (std::size_t i = 0; i < copies; ++i) {
    weights.push_back(device->prepare_linear(TableRows(table.span(), out, in), {}));
  }
  for (const std::size_t n : rows) {
    const auto x = random_values(n * in);
    AlignedBuffer<float> y(n * out);
    auto to_time = result("gemm", fmt::format("{}x{}x{}", n, in, out), type, few ? Bound::kRead : Bound::kCompute);
    to_time.rows = n;
    std::unique_ptr<PeerGemm> peer;
    if (run_.peers != nullptr) {
      to_time.peer = run_.peers->name(gemm_type(type));
      peer = run_.peers->gemm(
          {.type = gemm_type(type), .rows = n, .in = in, .out = out, .copies = copies, .threads = run_.pool.threads()});
    }
    std::size_t next = 0;
    time(
        to_time,
        {.operations = 2.0 * static_cast<double>(n * in * out),
         .bytes = few ? static_cast<double>(weight_bytes) : 0.0,
         .calls = copies},
        [&] {
          device->linear(*weights[next], x.matrix(n, in), y.matrix(n, out), {});
          next = next + 1 == copies ? 0 : next + 1;
        },
        peer.get());
  }
}

void Bench::attention() {
  for (const ModelDimensions& dims : by_width()) {
    const std::size_t frames = dims.n_audio_ctx;
    const std::size_t width = dims.n_audio_state;
    const auto fused = random_values(frames * 3 * width);
    AlignedBuffer<float> out(frames * width);
    const TensorView<const float> qkv = fused.matrix(frames, 3 * width);
    for (const ComputeType type : options_.types) {
      const auto device = backend(type);
      time(result("attention", fmt::format("{}x{} heads x64", frames, dims.n_audio_head), type, Bound::kCompute),
           {.operations = 4.0 * static_cast<double>(frames * frames * width)}, [&] {
             device->self_attention(qkv.cols_at(0, width), qkv.cols_at(width, width), qkv.cols_at(2 * width, width),
                                    dims.n_audio_head, out.matrix(frames, width));
           });
    }
  }
}

void Bench::cached_attention() {
  for (const ModelDimensions& dims : by_width()) {
    const std::size_t frames = dims.n_audio_ctx;
    const std::size_t width = dims.n_text_state;
    const auto kv = random_values(frames * width);
    const auto q = random_values(kBatches.back() * width);
    AlignedBuffer<float> out(kBatches.back() * width);
    for (const auto& [type, value_bytes] :
         {std::pair{ComputeType::kFloat32, 4}, {ComputeType::kBFloat16, 2}, {ComputeType::kInt8, 1}}) {
      if (!wants(type)) continue;
      const auto device = backend(type);
      const std::size_t cache_bytes = 2 * frames * width * static_cast<std::size_t>(value_bytes);
      std::vector<std::unique_ptr<device::KvCache>> caches;
      for (std::size_t bytes = 0; bytes < options_.out_of_cache_bytes || caches.size() < kBatches.back();
           bytes += cache_bytes) {
        caches.push_back(device->make_kv_cache(frames, dims.n_text_head, width / dims.n_text_head));
        device->write_kv(*caches.back(), 0, kv.matrix(frames, width), kv.matrix(frames, width));
      }
      for (const std::size_t batch : kBatches) {
        std::vector<device::CachedAttention> items(batch);
        std::size_t next = 0;
        auto to_time =
            result("cached_attention", fmt::format("{} x {} keys x{} heads x64", batch, frames, dims.n_text_head), type,
                   Bound::kRead);
        to_time.rows = batch;
        time(to_time,
             {.operations = 4.0 * static_cast<double>(batch * frames * width),
              .bytes = static_cast<double>(batch * cache_bytes),
              .calls = (caches.size() + batch - 1) / batch},
             [&] {
               for (std::size_t i = 0; i < batch; ++i) {
                 items[i] = {.cache = caches[next].get(),
                             .q = q.matrix(kBatches.back(), width).rows_at(i, 1),
                             .out = out.matrix(kBatches.back(), width).rows_at(i, 1),
                             .visible = frames};
                 next = next + 1 == caches.size() ? 0 : next + 1;
               }
               device->cached_attention(items, dims.n_text_head);
             });
      }
    }
  }
}

void Bench::conv() {
  for (const ModelDimensions& dims : by_width()) {
    for (const ComputeType type : {ComputeType::kFloat32, ComputeType::kBFloat16}) {
      if (!wants(type)) continue;
      conv_of("conv1", type,
              {.in_channels = dims.n_mels, .kernel = model::kConvKernel, .stride = 1, .padding = model::kConvPadding},
              dims.n_audio_state, dims.window_frames());
      conv_of("conv2", type,
              {.in_channels = dims.n_audio_state,
               .kernel = model::kConvKernel,
               .stride = model::kFramesPerPosition,
               .padding = model::kConvPadding},
              dims.n_audio_state, dims.window_frames());
    }
  }
}

void Bench::conv_of(const std::string& name, ComputeType type, const device::ConvShape& shape, std::size_t out,
                    std::size_t frames) {
  const auto device = backend(type);
  const std::size_t in = shape.in_channels * shape.kernel;
  const auto table = random_values(TableRows::table_size(in));
  const std::vector<float> bias(out);
  const auto weights = device->prepare_conv1d(TableRows(table.span(), out, in), bias, shape);
  const std::size_t rows = (frames + 2 * shape.padding - shape.kernel) / shape.stride + 1;
  const auto x = random_values(frames * shape.in_channels);
  AlignedBuffer<float> y(rows * out);
  time(result("conv", fmt::format("{} {}x{}x3x{}", name, rows, shape.in_channels, out), type, Bound::kCompute),
       {.operations = 2.0 * static_cast<double>(rows * in * out)},
       [&] { device->conv1d_gelu(*weights, x.matrix(frames, shape.in_channels), y.matrix(rows, out)); });
}

void Bench::layer_norm() {
  if (!wants(ComputeType::kFloat32)) return;
  const auto device = backend(ComputeType::kFloat32);
  for (const ModelDimensions& dims : by_width()) {
    const std::size_t width = dims.n_audio_state;
    const std::size_t rows = options_.out_of_cache_bytes / (width * sizeof(float));
    auto x = random_values(rows * width);
    const std::vector<float> gamma(width, 1.0F);
    const std::vector<float> beta(width, 0.0F);
    const double values = static_cast<double>(rows * width);
    time(result("layer_norm", fmt::format("{}x{}", rows, width), ComputeType::kFloat32, Bound::kUpdate),
         {.operations = 7.0 * values, .bytes = 2 * sizeof(float) * values},
         [&] { device->layer_norm(x.matrix(rows, width), gamma, beta, x.matrix(rows, width)); });
  }
}

void Bench::gelu() {
  if (!wants(ComputeType::kFloat32)) return;
  constexpr std::size_t kPiece = std::size_t{1} << 16U;
  const std::size_t pieces = std::max<std::size_t>(1, options_.out_of_cache_bytes / sizeof(float) / kPiece);
  auto x = random_values(pieces * kPiece);
  const double values = static_cast<double>(x.size());
  time(result("gelu", fmt::format("{}", x.size()), ComputeType::kFloat32, Bound::kUpdate),
       // x / 2 * (1 + erf(x / sqrt(2))): four operations around one function, which is counted as one.
       {.operations = 5.0 * values, .bytes = 2 * sizeof(float) * values}, [&] {
         run_.pool.parallel_for(pieces, [&](std::size_t i, std::size_t /*worker*/) {
           run_.kernels.gelu->run(x.data() + i * kPiece, x.data() + i * kPiece, kPiece);
         });
       });
}

void Bench::log_mel() {
  if (!wants(ComputeType::kFloat32)) return;
  const std::size_t samples = kLogMelSeconds * model::kSampleRateHz;
  const std::size_t frames = samples / audio::kHopSamples;
  const auto audio = random_values(samples);
  // Of one frame: the window, a real FFT (2.5 n log2 n, the usual count), the power, the bands (every bin lies in two).
  const double n = static_cast<double>(audio::kFftSamples);
  const double frame_operations = n + 2.5 * n * std::log2(n) + (3 + 4) * (n / 2 + 1);
  for (const std::size_t n_mels : {std::size_t{80}, std::size_t{128}}) {
    const audio::MelFilters filters(n_mels);
    const audio::LogMelOptions log_mel = {.kernels = &run_.kernels, .pool = &run_.pool};
    time(result("log_mel", fmt::format("{} s, {} bands", kLogMelSeconds, n_mels), ComputeType::kFloat32,
                Bound::kCompute),
         {.operations = frame_operations * static_cast<double>(frames), .audio_s = static_cast<double>(kLogMelSeconds)},
         [&] { audio::log_mel_spectrogram(audio.span(), filters, log_mel); });
  }
}

}  // namespace

std::string_view to_string(Bound bound) {
  switch (bound) {
    case Bound::kCompute:
      return "compute";
    case Bound::kRead:
      return "read";
    case Bound::kUpdate:
      return "update";
  }
  return "unknown";
}

std::span<const std::string_view> kernel_names() { return kNames; }

void bench_kernels(const KernelBenchOptions& options, const KernelBenchRun& run, const OnKernelResult& on_result,
                   const std::stop_token& stop) {
  Bench bench(options, run, on_result, stop);
  const std::array<void (Bench::*)(), kNames.size()> steps = {
      &Bench::gemm,       &Bench::attention, &Bench::cached_attention, &Bench::conv,
      &Bench::layer_norm, &Bench::gelu,      &Bench::log_mel};
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (std::ranges::find(options.kernels, kNames[i]) != options.kernels.end()) (bench.*steps[i])();
  }
}

}  // namespace amanuensis::cli
