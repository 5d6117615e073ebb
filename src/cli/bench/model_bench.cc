#include "cli/bench/model_bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <memory>
#include <utility>

#include "base/aligned_buffer.h"
#include "base/error.h"
#include "cli/bench/timing.h"
#include "model/checkpoint/random_checkpoint.h"

namespace amanuensis::cli {
namespace {

using model::DecodeItem;
using model::DecoderSequence;
using model::EncodedWindow;
using model::TokenId;
using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// The best of the calls that fit into `seconds`, after one that nobody counts unless it is the only one.
template <typename Run>
double best_ms(double seconds, const std::stop_token& stop, const Run& run) {
  const Clock::time_point begin = Clock::now();
  double best = std::numeric_limits<double>::infinity();
  for (std::size_t calls = 0; calls < 2 || ms_since(begin) < 1e3 * seconds; ++calls) {
    if (stop.stop_requested()) throw Error(ErrorCode::kCancelled, "interrupted");
    const BusiestThread busiest;
    run();
    const double ms = 1e3 * busiest.seconds();
    const bool is_long = ms >= 1e3 * seconds;
    if (calls > 0 || is_long) best = std::min(best, ms);
    if (is_long) break;
  }
  return best;
}

class Bench {
 public:
  Bench(const model::WhisperModel& model, device::Backend& backend, const ModelBenchOptions& options,
        const std::stop_token& stop)
      : model_(model), backend_(backend), options_(options), stop_(stop) {
    const model::ModelDimensions& dims = model.dims();
    mel_ = AlignedBuffer<float>(dims.n_mels * dims.window_frames());
    model::fill_uniform("bench.mel", 0, mel_.span());
    logits_ = AlignedBuffer<float>(*std::ranges::max_element(options.batches) * dims.n_vocab);
  }

  double encoder_ms() const {
    return best_ms(options_.seconds, stop_, [&] { model_.encoder_output(mel()); });
  }

  double window_ms() {
    const std::array<TensorView<const float>, 1> batch{mel()};
    return best_ms(options_.seconds, stop_, [&] { window_ = model_.encode(batch).front(); });
  }

  double prompt_ms(std::size_t tokens) {
    DecoderSequence sequence = model_.new_sequence(window_);
    const std::vector<TokenId> prompt = tokens_of(tokens);
    return best_ms(options_.seconds, stop_, [&] {
      sequence.truncate(0);
      const DecodeItem item{&sequence, prompt, logits_.matrix(1, model_.dims().n_vocab)};
      model_.decode({&item, 1});
    });
  }

  // The mean step of the best run of steps.
  double step_ms(std::size_t batch) {
    std::vector<DecoderSequence> sequences;
    for (std::size_t i = 0; i < batch; ++i) sequences.push_back(model_.new_sequence(another_window()));
    const std::vector<TokenId> prompt = tokens_of(options_.first_position);
    decode(sequences, prompt);
    const std::vector<TokenId> token = tokens_of(1);
    const double run_ms = best_ms(options_.seconds, stop_, [&] {
      for (DecoderSequence& sequence : sequences) sequence.truncate(prompt.size());
      for (std::size_t step = 0; step < options_.steps; ++step) decode(sequences, token);
    });
    return run_ms / static_cast<double>(options_.steps);
  }

 private:
  TensorView<const float> mel() const { return mel_.matrix(model_.dims().n_mels, model_.dims().window_frames()); }

  static std::vector<TokenId> tokens_of(std::size_t count) {
    std::vector<TokenId> tokens(count);
    for (std::size_t i = 0; i < count; ++i) tokens[i] = static_cast<TokenId>(i % 7);
    return tokens;
  }

  void decode(std::vector<DecoderSequence>& sequences, const std::vector<TokenId>& tokens) {
    std::vector<DecodeItem> items;
    const std::size_t n_vocab = model_.dims().n_vocab;
    for (std::size_t i = 0; i < sequences.size(); ++i) {
      items.push_back({&sequences[i], tokens, logits_.matrix(sequences.size(), n_vocab).rows_at(i, 1)});
    }
    model_.decode(items);
  }

  // A copy of the encoded window in memory of its own: sequences of different audio share no keys and values, and what
  // they read must not come from a cache because they do here.
  std::shared_ptr<const EncodedWindow> another_window() {
    const model::ModelDimensions& dims = model_.dims();
    auto layers = backend_.make_kv_caches(window_->layers(), dims.n_audio_ctx, dims.n_text_head,
                                          dims.n_text_state / dims.n_text_head);
    for (std::size_t i = 0; i < layers.size(); ++i) {
      backend_.copy_kv(*layers[i], window_->layer(i), dims.n_audio_ctx);
    }
    return std::make_shared<EncodedWindow>(std::move(layers), window_->positions());
  }

  const model::WhisperModel& model_;
  device::Backend& backend_;
  const ModelBenchOptions& options_;
  const std::stop_token& stop_;
  AlignedBuffer<float> mel_;
  AlignedBuffer<float> logits_;
  std::shared_ptr<const EncodedWindow> window_;
};

}  // namespace

ModelTimes bench_model(const model::WhisperModel& model, device::Backend& backend, const ModelBenchOptions& options,
                       const std::function<void(const std::string& part)>& on_part, const std::stop_token& stop) {
  const std::size_t most = model.dims().n_text_ctx;
  if (options.batches.empty() || options.first_position + options.steps > most) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("{} steps from position {} do not fit into this model's {} text positions", options.steps,
                            options.first_position, most));
  }
  Bench bench(model, backend, options, stop);
  ModelTimes times;
  on_part("encoder");
  times.encoder_ms = bench.encoder_ms();
  times.window_ms = bench.window_ms();
  times.cross_kv_ms = std::max(0.0, times.window_ms - times.encoder_ms);
  on_part("prompt");
  times.prompt_ms = bench.prompt_ms(options.first_position);
  times.long_prompt_ms = bench.prompt_ms(std::min(options.long_prompt + options.first_position, most));
  for (const std::size_t batch : options.batches) {
    on_part(fmt::format("decoding step, batch {}", batch));
    times.step_ms[batch] = bench.step_ms(batch);
  }
  return times;
}

}  // namespace amanuensis::cli
