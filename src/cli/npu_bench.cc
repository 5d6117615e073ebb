#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "audio/log_mel.h"
#include "base/error.h"
#include "base/thread_pool.h"
#include "cli/bench/options.h"
#include "cli/engine.h"
#include "cli/exit_code.h"
#include "cli/npu_commands.h"
#include "cli/npu_device.h"
#include "cli/option_values.h"
#include "device/cpu/cpu_backend.h"
#include "device/npu/planner.h"
#include "model/checkpoint/random_checkpoint.h"
#include "model/whisper/whisper_model.h"

namespace amanuensis::cli {
namespace {

namespace npu = device::npu;

struct Arguments {
  std::string device = "npu-sim";
  std::string columns = "4";
  std::string model = "base";
};

constexpr std::size_t kSeconds = 30;

// Noise with a slow swell: no speech, but the same work.
std::vector<float> sound() {
  std::vector<float> samples(kSeconds * 16000);
  std::uint32_t state = 1;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    state = state * 1664525U + 1013904223U;
    const double swell = 0.3 + 0.2 * std::sin(static_cast<double>(i) * 1e-4);
    samples[i] = static_cast<float>(swell * (static_cast<double>(state >> 8U) / 8388608.0 - 1));
  }
  return samples;
}

template <typename Work>
double seconds_of(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

template <typename Work>
double best_of(std::size_t times, const Work& work) {
  double best = seconds_of(work);
  for (std::size_t i = 1; i < times; ++i) best = std::min(best, seconds_of(work));
  return best;
}

std::string row(const std::string& what, double measured_s, double predicted_s, double cpu_s) {
  return fmt::format("  {:<42}{:>14.2f}{:>16.2f}{:>14.2f}\n", what, measured_s * 1e3, predicted_s * 1e3, cpu_s * 1e3);
}

const npu::KernelStatus& status_of(const npu::ExecutorStatus& status, const std::string& name) {
  for (const npu::KernelStatus& kernel : status.kernels) {
    if (kernel.name == name) return kernel;
  }
  throw Error(ErrorCode::kInternal, fmt::format("no status of the NPU kernel {}", name));
}

std::string bench_log_mel(NpuDevice& device, const Context& context) {
  const std::vector<float> samples = sound();
  ThreadPool pool(0);
  const kernels::KernelTable kernels = kernels::select_kernels(detect_cpu_features(), context.environment.isa);
  const audio::MelFilters filters(80);
  const auto on_cpu = [&] { (void)audio::log_mel_spectrogram(samples, filters, {.kernels = &kernels, .pool = &pool}); };
  on_cpu();
  const double cpu_s = seconds_of(on_cpu);
  std::string text;
  for (const char* name : {"log_mel_1", "log_mel_10", "log_mel_20", "log_mel_100"}) {
    const npu::KernelSpec& spec = device.catalog().at(name);
    device.executor().prepare(spec);
    const double before = status_of(device.executor().status(), name).counters.predicted_s;
    NpuMelDevice mel(device, name);
    const double measured_s = seconds_of([&] { (void)audio::log_mel_spectrogram(samples, filters, {.device = &mel}); });
    const double predicted_s = status_of(device.executor().status(), name).counters.predicted_s - before;
    text += row(fmt::format("log-mel of {} s, {}", kSeconds, name), measured_s, predicted_s, cpu_s);
    device.executor().unload(spec);
  }
  return text;
}

std::string bench_matmul(NpuDevice& device) {
  constexpr std::size_t kSize = 512;
  const npu::ByteWeights weights = device.operations().make_weights(
      kSize, kSize,
      [](std::size_t r, std::span<float> to) { std::fill(to.begin(), to.end(), 0.01F * static_cast<float>(r % 7)); },
      {});
  std::vector<float> x(kSize * kSize, 0.5F);
  std::vector<float> y(kSize * kSize);
  npu::ByteRows rows;
  npu::quantize_rows(TensorView<const float>(x.data(), kSize, kSize), rows);
  std::string text;
  for (const char* name : {"matmul_16", "matmul_32", "matmul_64", "matmul_64_packed"}) {
    const npu::KernelSpec& spec = device.catalog().at(name);
    device.executor().prepare(spec);
    const double before = status_of(device.executor().status(), name).counters.predicted_s;
    const double measured_s = seconds_of(
        [&] { device.operations().matmul(rows, weights, TensorView<float>(y.data(), kSize, kSize), {}, name); });
    const double predicted_s = status_of(device.executor().status(), name).counters.predicted_s - before;
    text += fmt::format("  {:<42}{:>14.2f}{:>16.2f}\n", fmt::format("512 x 512 x 512, {}", name), measured_s * 1e3,
                        predicted_s * 1e3);
    device.executor().unload(spec);
  }
  return text;
}

// What the host does around launches, for the cost model's constant.
std::string bench_host() {
  constexpr std::size_t kRows = 1536;
  constexpr std::size_t kCols = 2048;
  const std::vector<float> x(kRows * kCols, 0.5F);
  std::vector<float> copy(x.size());
  npu::ByteRows rows;
  const auto round = [&] { npu::quantize_rows(TensorView<const float>(x.data(), kRows, kCols), rows); };
  const auto move = [&] { std::copy(x.begin(), x.end(), copy.begin()); };
  round();
  move();
  const double rounding_s = best_of(3, round);
  const double copying_s = best_of(3, move);
  const auto bytes = static_cast<double>(x.size());
  return fmt::format(
      "  this CPU, one thread: rounding rows to bytes {:.1f} GB/s, copying {:.1f} GB/s, read and written; the plan "
      "takes {:.0f} and {:.0f}\n",
      bytes * 5 / rounding_s * 1e-9, bytes * 8 / copying_s * 1e-9, npu::kHostRoundingBytesPerS * 1e-9,
      npu::CostConstants().host_bytes_per_s * 1e-9);
}

// A whole window through the encoder: predicted for the NPU, measured on this CPU as it would do it.
std::string bench_encoder(const Context& context, const std::string& size, std::size_t columns) {
  const model::PublishedSize published = read_published_size({"--model", size});
  const model::ModelDimensions& dims = published.dims;
  const npu::EncoderPlan plan = npu::plan_encoder(npu::Catalog(),
                                                  {.n_mels = dims.n_mels,
                                                   .positions = dims.n_audio_ctx,
                                                   .width = dims.n_audio_state,
                                                   .heads = dims.n_audio_head,
                                                   .ffn = dims.n_audio_ffn,
                                                   .layers = dims.n_audio_layer},
                                                  columns, {});
  ThreadPool pool(0);
  const kernels::KernelTable kernels = kernels::select_kernels(detect_cpu_features(), context.environment.isa);
  const auto backend =
      device::make_cpu_backend({.pool = pool, .kernels = kernels, .compute_type = read_compute_type("auto", kernels)});
  const model::WhisperModel whisper(model::random_checkpoint(dims, {.storage = model::StorageType::kBF16}), *backend);
  const AlignedBuffer<float> mel(dims.n_mels * dims.window_frames());
  const auto encode = [&] { (void)whisper.encoder_output(mel.matrix(dims.n_mels, dims.window_frames())); };
  encode();
  const double cpu_s = best_of(3, encode);
  return fmt::format("  {:<42}{:>14}{:>16.2f}{:>14.2f}\n", fmt::format("encoder of {}, one window of 30 s", size), "-",
                     plan.total_s * 1e3, cpu_s * 1e3) +
         fmt::format("  this CPU: {}, {}; old reports: 399.7 ms for a part of base's encoder. {}\n",
                     backend->description(), device::to_string(backend->compute_type()),
                     plan.total_s < cpu_s ? "The NPU wins, if the prediction holds." : "The CPU wins.");
}

int run(Context& context, const Arguments& arguments) {
  constexpr std::array<std::string_view, 2> kChoices{"npu", "npu-sim"};
  const bool real = read_choice({"--device", arguments.device}, kChoices) == "npu";
  const std::size_t columns = read_count({"--columns", arguments.columns}, 1, npu::kMaxColumns);
  NpuDevice device(real ? real_npu(context.environment) : simulated_npu(0), columns);
  const npu::ExecutorStatus status = device.executor().status();
  if (!status.available) throw Error(ErrorCode::kUnsupported, fmt::format("no NPU: {}", status.reason));
  context.terminal.out(fmt::format("{}, {} columns\n", status.device->name, columns));
  context.terminal.out(fmt::format("  {:<42}{:>14}{:>16}{:>14}\n", "milliseconds", real ? "measured" : "simulating",
                                   "predicted NPU", "this CPU"));
  context.terminal.out(bench_log_mel(device, context));
  context.terminal.out(bench_matmul(device));
  context.terminal.out(bench_encoder(context, arguments.model, columns));
  context.terminal.out(bench_host());
  if (!real) {
    context.terminal.out(
        "Simulating takes this processor's time and says nothing of an NPU's; the prediction is the cost "
        "model's.\n");
  }
  return kExitOk;
}

}  // namespace

Command add_npu_bench_command(CLI::App& npu) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* parser = npu.add_subcommand("bench", "Kernels timed, beside the prediction and this CPU");
  parser->add_option("--device", arguments->device, "npu, or npu-sim: a simulated one")
      ->type_name("DEVICE")
      ->capture_default_str();
  parser->add_option("--columns", arguments->columns, "Of the array, 1 to 4")->type_name("N")->capture_default_str();
  parser->add_option("--model", arguments->model, "Whose encoder: a published size, with made-up weights")
      ->type_name("SIZE")
      ->capture_default_str();
  return {parser, [arguments](Context& context) { return run(context, *arguments); }};
}

}  // namespace amanuensis::cli
