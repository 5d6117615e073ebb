// The log-mel spectrogram of 30 s of noise on one thread, for each instruction set: whole, and its two kernels alone.
// "realtime" is seconds of audio a second.
#include <benchmark/benchmark.h>

#include <random>
#include <string>
#include <vector>

#include "audio/log_mel.h"
#include "base/cpu_features.h"

namespace amanuensis::bench {
namespace {

constexpr std::size_t kSamples = 30UL * 16000;
constexpr double kGroupSeconds = 0.16;  // what 16 frames stand for

std::vector<float> noise(std::size_t samples) {
  std::mt19937 generator(1);
  std::uniform_real_distribution<float> values(-0.5F, 0.5F);
  std::vector<float> out(samples);
  for (float& value : out) value = values(generator);
  return out;
}

void report(benchmark::State& state, double seconds_each) {
  state.counters["realtime"] =
      benchmark::Counter(seconds_each * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

void run_whole(benchmark::State& state, const kernels::KernelTable& table, std::size_t n_mels) {
  const std::vector<float> samples = noise(kSamples);
  const audio::MelFilters filters(n_mels);
  for (auto _ : state) {
    benchmark::DoNotOptimize(audio::log_mel_spectrogram(samples, filters, {.kernels = &table}).values.data());
  }
  report(state, 30);
}

void run_power_spectrum(benchmark::State& state, const kernels::PowerSpectrumVariant& variant) {
  const std::vector<float> samples = noise(15 * audio::kHopSamples + audio::kFftSamples);
  const std::vector<float> window(audio::kFftSamples, 0.5F);
  std::vector<float> power(kernels::kSpectrumBins * kernels::kFrameLanes);
  for (auto _ : state) {
    variant.run(samples.data(), audio::kHopSamples, kernels::kFrameLanes, window.data(), power.data());
    benchmark::DoNotOptimize(power.data());
  }
  report(state, kGroupSeconds);
}

void run_mel_bands(benchmark::State& state, const kernels::LogMelBandsVariant& variant) {
  const std::vector<float> power(kernels::kSpectrumBins * kernels::kFrameLanes, 0.25F);
  const audio::MelFilters filters(80);
  std::vector<float> out(filters.n_mels() * kernels::kMelFrameLanes);
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        variant.run(power.data(), filters.bands(), kernels::kMelFrameLanes, out.data(), kernels::kMelFrameLanes));
  }
  report(state, kGroupSeconds);
}

const bool registered = [] {
  const CpuFeatures cpu = detect_cpu_features();
  for (const auto& variant : kernels::power_spectrum_variants()) {
    if (!kernels::runs_on(variant.isa, cpu)) continue;
    const std::string isa(to_string(variant.isa));
    benchmark::RegisterBenchmark(("power_spectrum/" + isa).c_str(), run_power_spectrum, variant);
    const kernels::KernelTable table = kernels::select_kernels(cpu, isa);
    for (const std::size_t n_mels : {80U, 128U}) {
      benchmark::RegisterBenchmark(("log_mel/" + isa + "/" + std::to_string(n_mels)).c_str(), run_whole, table, n_mels);
    }
  }
  for (const auto& variant : kernels::log_mel_bands_variants()) {
    if (!kernels::runs_on(variant.isa, cpu)) continue;
    benchmark::RegisterBenchmark(("mel_bands/" + std::string(to_string(variant.isa))).c_str(), run_mel_bands, variant);
  }
  return true;
}();

}  // namespace
}  // namespace amanuensis::bench
