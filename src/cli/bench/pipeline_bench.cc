#include "cli/bench/pipeline_bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <memory>
#include <numbers>
#include <span>
#include <utility>
#include <vector>

#include "base/error.h"
#include "cli/bench/machine.h"
#include "model/checkpoint/random_checkpoint.h"
#include "model/whisper/constants.h"
#include "pipeline/engine_source.h"
#include "pipeline/segment/spectral_detector.h"

namespace amanuensis::cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Of all threads of this process since it began.
double processor_s() {
  timespec now = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Does another detector's work and then takes everything for speech.
class OpenDetector final : public pipeline::VoiceDetector {
 public:
  explicit OpenDetector(std::unique_ptr<pipeline::VoiceDetector> detector) : detector_(std::move(detector)) {}
  std::string_view name() const override { return detector_->name(); }
  void push(std::span<const float> samples, std::vector<float>& probabilities) override {
    const std::size_t known = probabilities.size();
    detector_->push(samples, probabilities);
    std::fill(probabilities.begin() + static_cast<std::ptrdiff_t>(known), probabilities.end(), 1.0F);
  }
  void finish(std::vector<float>& probabilities) override {
    const std::size_t known = probabilities.size();
    detector_->finish(probabilities);
    std::fill(probabilities.begin() + static_cast<std::ptrdiff_t>(known), probabilities.end(), 1.0F);
  }

 private:
  std::unique_ptr<pipeline::VoiceDetector> detector_;
};

// Every token that is not text.
std::vector<model::TokenId> special_tokens(const model::Tokenizer& tokenizer) {
  const model::SpecialTokens& special = tokenizer.special();
  std::vector<model::TokenId> tokens;
  for (const model::TokenId id : {special.eot, special.sot, special.translate, special.transcribe, special.sot_lm,
                                  special.sot_prev, special.no_speech, special.no_timestamps}) {
    if (id >= 0) tokens.push_back(id);
  }
  for (const model::LanguageToken& language : tokenizer.languages()) tokens.push_back(language.id);
  for (model::TokenId id = special.timestamp_begin; id < special.timestamp_end; ++id) tokens.push_back(id);
  return tokens;
}

// Exactly `tokens_per_window` tokens of text for every window: nothing else is chosen, and no check asks for another
// try.
pipeline::BatchedOptions forced(const decoding::DecodingContext& context, const PipelineBenchOptions& options) {
  pipeline::BatchedOptions batched;
  batched.vad_filter = options.vad;
  batched.continue_windows = false;
  pipeline::TranscribeOptions& transcribe = batched.transcribe;
  transcribe.language = "en";
  transcribe.word_timestamps = options.word_timestamps;
  transcribe.decoding.beam_size = options.beam_size;
  transcribe.decoding.without_timestamps = true;
  transcribe.decoding.sample_length = options.tokens_per_window;
  transcribe.decoding.suppress_tokens = special_tokens(context.tokenizer);
  transcribe.fallback = {.temperatures = {0.0},
                         .compression_ratio_threshold = std::nullopt,
                         .logprob_threshold = std::nullopt,
                         .no_speech_threshold = std::nullopt};
  return batched;
}

// What a request to the server means that names nothing but a file.
pipeline::BatchedOptions as_served(const PipelineBenchOptions& options) {
  pipeline::BatchedOptions batched;
  batched.vad_filter = options.vad;
  batched.transcribe.word_timestamps = options.word_timestamps;
  batched.transcribe.decoding.beam_size = options.beam_size;
  return batched;
}

void put(std::ofstream& out, std::uint32_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) out.put(static_cast<char>(value >> (8 * i) & 0xFFU));
}

// Some requests of one file through one engine.
class Bench {
 public:
  Bench(pipeline::Engine& engine, const std::filesystem::path& audio, const pipeline::BatchedOptions& options,
        std::stop_token stop)
      : engine_(engine), audio_(audio), options_(options), stop_(std::move(stop)) {}

  pipeline::Engine::Handle submit() {
    pipeline::EngineRequest request;
    request.audio = pipeline::media_source(audio_, stop_);
    request.options = options_;
    return engine_.submit(std::move(request));
  }

  // All at once; what they decoded is added to `times`.
  double at_once(std::size_t requests, PipelineTimes& times) {
    const Clock::time_point start = Clock::now();
    std::vector<pipeline::Engine::Handle> handles;
    for (std::size_t i = 0; i < requests; ++i) handles.push_back(submit());
    const std::stop_callback cancel(stop_, [&handles] {
      for (const pipeline::Engine::Handle& handle : handles) handle.cancel();
    });
    for (const pipeline::Engine::Handle& handle : handles) {
      const pipeline::Transcript transcript = handle.wait();
      times.audio_s += transcript.duration_s;
      for (const pipeline::Segment& segment : transcript.segments) times.tokens += segment.tokens.size();
    }
    return seconds_since(start);
  }

 private:
  pipeline::Engine& engine_;
  const std::filesystem::path& audio_;
  const pipeline::BatchedOptions& options_;
  std::stop_token stop_;
};

}  // namespace

PipelineTimes bench_pipeline(const decoding::DecodingContext& context, const PipelineBenchMachine& machine,
                             const std::filesystem::path& audio, const PipelineBenchOptions& options,
                             const std::stop_token& stop) {
  pipeline::EngineOptions engine_options;
  engine_options.scheduler.batch.max_windows = options.max_windows;
  engine_options.scheduler.batch.max_sequences = std::max<std::size_t>(options.max_windows * options.beam_size, 16);
  engine_options.scheduler.batch.pool = &machine.pool;
  engine_options.front_end = {.kernels = &machine.kernels};
  engine_options.detector = [] { return std::make_unique<OpenDetector>(pipeline::make_spectral_detector()); };
  pipeline::Engine engine(context, std::move(engine_options));
  const pipeline::BatchedOptions batched =
      options.tokens_per_window > 0 ? forced(context, options) : as_served(options);
  Bench bench(engine, audio, batched, stop);

  PipelineTimes times;
  const double processor_before = processor_s();
  times.elapsed_s = bench.at_once(options.requests, times);
  times.processor_s = processor_s() - processor_before;
  times.stages = engine.times();
  times.windows = times.stages.batch.windows;
  times.rows = times.stages.batch.rows;
  if (options.requests > 1) {
    PipelineTimes not_counted;
    for (std::size_t i = 0; i < options.requests; ++i) {
      times.one_after_another_s += bench.at_once(1, not_counted);
    }
  }
  times.rss_mb = resident_mb();
  return times;
}

void write_babble(const std::filesystem::path& path, double seconds) {
  constexpr std::uint32_t kRate = model::kSampleRateHz;
  constexpr double kSyllablesPerSecond = 4;
  const auto count = static_cast<std::size_t>(seconds * kRate);
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << "RIFF";
  put(out, static_cast<std::uint32_t>(36 + 2 * count), 4);
  out << "WAVEfmt ";
  put(out, 16, 4);
  put(out, 1, 2);  // PCM, one channel
  put(out, 1, 2);
  put(out, kRate, 4);
  put(out, 2 * kRate, 4);
  put(out, 2, 2);
  put(out, 16, 2);
  out << "data";
  put(out, static_cast<std::uint32_t>(2 * count), 4);
  std::array<float, kRate> noise;
  for (std::size_t first = 0; first < count; first += noise.size()) {
    model::fill_uniform("babble", first, noise);
    for (std::size_t i = 0; i < std::min(noise.size(), count - first); ++i) {
      const double phase = 2 * std::numbers::pi * kSyllablesPerSecond * static_cast<double>(first + i) / kRate;
      const double value = 6000 * (0.55 + 0.45 * std::sin(phase)) * static_cast<double>(noise[i]);
      put(out, static_cast<std::uint32_t>(static_cast<std::int32_t>(std::lround(value))), 2);
    }
  }
  out.close();
  if (!out) throw Error(ErrorCode::kIo, fmt::format("{}: cannot be written; is there room for it?", path.string()));
}

}  // namespace amanuensis::cli
