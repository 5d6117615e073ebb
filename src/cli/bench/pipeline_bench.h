// Times whole transcriptions through the engine: media file in, transcript out, with so many tokens decoded for each
// window whatever the weights say, so that made-up weights do the work of real ones; or as the model decides, for what
// is built on the engine to be compared with. One benchmark at a time.
#pragma once

#include <cstddef>
#include <filesystem>
#include <stop_token>
#include <string>

#include "base/thread_pool.h"
#include "decoding/decode_window.h"
#include "kernels/select.h"
#include "pipeline/engine.h"

namespace amanuensis::cli {

struct PipelineBenchOptions {
  std::size_t tokens_per_window = 100;  // 0: as the model decides, with time tokens and fallback, as the server does
  std::size_t beam_size = 1;
  bool word_timestamps = false;
  // The detector works, and its verdict is not heeded: all audio is decoded, so that every run does the same.
  bool vad = true;
  std::size_t requests = 1;      // of the same file
  std::size_t max_windows = 16;  // decoded at once
};

struct PipelineTimes {
  double audio_s = 0;              // of all requests
  double elapsed_s = 0;            // all requests submitted at once
  double processor_s = 0;          // of all threads in that time
  double one_after_another_s = 0;  // 0 for one request
  std::size_t windows = 0;
  std::size_t tokens = 0;
  std::size_t rows = 0;  // sequences advanced by a token, all beams counted
  pipeline::EngineTimes stages;
  double rss_mb = 0;  // resident at the end, the engine still there
};

// The log-mel's kernels and the pool that logits are spread over.
struct PipelineBenchMachine {
  const kernels::KernelTable& kernels;
  ThreadPool& pool;
};

// Throws Error{kCancelled} once `stop` is requested, and what the requests fail with.
PipelineTimes bench_pipeline(const decoding::DecodingContext& context, const PipelineBenchMachine& machine,
                             const std::filesystem::path& audio, const PipelineBenchOptions& options,
                             const std::stop_token& stop);

// Writes mono 16-bit sound at 16 kHz that rises and falls like speech, as a WAV file. Throws Error{kIo}.
void write_babble(const std::filesystem::path& path, double seconds);

}  // namespace amanuensis::cli
