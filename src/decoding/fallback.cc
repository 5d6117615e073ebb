#include "decoding/fallback.h"

#include <utility>

#include "base/error.h"
#include "decoding/random.h"

namespace amanuensis::decoding {

bool needs_fallback(const WindowResult& result, const FallbackOptions& options) {
  const bool improbable = options.logprob_threshold && result.avg_logprob < *options.logprob_threshold;
  const bool silent = options.no_speech_threshold && result.no_speech_prob > *options.no_speech_threshold;
  // An improbable text of silence is what silence gives; another temperature would not mend it. As in the reference,
  // this excuses repetition as well.
  if (improbable && silent) return false;
  const bool repetitive =
      options.compression_ratio_threshold && result.compression_ratio > *options.compression_ratio_threshold;
  return repetitive || improbable;
}

DecodingOptions attempt_options(const DecodingOptions& options, const FallbackOptions& fallback, std::size_t index) {
  DecodingOptions attempt = options;
  attempt.temperature = fallback.temperatures[index];
  attempt.seed = stream_key(options.seed, index);
  return attempt;
}

void check_fallback(const FallbackOptions& fallback) {
  if (!fallback.temperatures.empty()) return;
  throw Error(ErrorCode::kInvalidArgument, "no temperature to decode at; give at least one, such as 0");
}

WindowResult decode_with_fallback(const DecodingContext& context,
                                  const std::shared_ptr<const model::EncodedWindow>& window,
                                  const DecodingOptions& options, const FallbackOptions& fallback,
                                  const std::stop_token& stop) {
  check_fallback(fallback);
  WindowResult result;
  for (std::size_t i = 0; i < fallback.temperatures.size(); ++i) {
    result = decode_window(context, window, attempt_options(options, fallback, i), stop);
    if (!needs_fallback(result, fallback)) break;
  }
  return result;
}

}  // namespace amanuensis::decoding
