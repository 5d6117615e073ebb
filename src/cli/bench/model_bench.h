// Times a Whisper model's parts: loading, the encoder, the prompt, and decoding steps of several sequences at once.
// What is timed is the forward pass alone: no search, no logit rules. One thread at a time.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "device/backend.h"
#include "model/checkpoint/checkpoint.h"
#include "model/whisper/whisper_model.h"

namespace amanuensis::cli {

struct ModelBenchOptions {
  std::vector<std::size_t> batches = {1, 4, 16};  // sequences that a step advances at once
  std::size_t first_position = 4;                 // tokens that a sequence holds when the timed steps begin
  std::size_t steps = 32;                         // timed steps in a row, each one position further
  std::size_t long_prompt = 223;                  // tokens of previous text that Whisper gives at most
  double seconds = 1.0;                           // of timing for each part, at least one call
};

struct ModelTimes {
  double encoder_ms = 0;                  // one window, encoder alone
  double cross_kv_ms = 0;                 // its cross-attention keys and values, as part of a whole encode() call
  double prompt_ms = 0;                   // the first tokens of one sequence
  double long_prompt_ms = 0;              // the same after a prompt of previous text
  std::map<std::size_t, double> step_ms;  // one step of so many sequences
  double window_ms = 0;                   // encoder and cross-attention keys and values

  double ms_per_token(std::size_t batch) const { return step_ms.at(batch) / static_cast<double>(batch); }
};

// `part` names what comes next, for people. Throws Error{kCancelled} once `stop` is requested.
ModelTimes bench_model(const model::WhisperModel& model, device::Backend& backend, const ModelBenchOptions& options,
                       const std::function<void(const std::string& part)>& on_part, const std::stop_token& stop);

}  // namespace amanuensis::cli
