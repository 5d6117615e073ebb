// A window decoded at rising temperatures until the result passes for a transcript (openai/whisper, transcribe.py:
// decode_with_fallback; Radford et al. 2022, section 4.5). Stateless; one thread at a time uses a model.
#pragma once

#include <cstddef>
#include <memory>
#include <stop_token>

#include "decoding/decode_window.h"
#include "decoding/options.h"

namespace amanuensis::decoding {

// Whether a result must be decoded again: it repeats itself, or is improbable without passing for silence.
bool needs_fallback(const WindowResult& result, const FallbackOptions& options);

// The options of try `index`: temperature fallback.temperatures[index], and a random stream of its own.
DecodingOptions attempt_options(const DecodingOptions& options, const FallbackOptions& fallback, std::size_t index);

// Throws Error{kInvalidArgument} when there is no temperature.
void check_fallback(const FallbackOptions& fallback);

// Decodes at each of fallback.temperatures in turn; returns the first result that does not need a fallback, or else the
// last. options.temperature is ignored. Each temperature draws from its own random stream of options.seed.
// Throws as decode_window() does, and Error{kInvalidArgument} when there is no temperature.
WindowResult decode_with_fallback(const DecodingContext& context,
                                  const std::shared_ptr<const model::EncodedWindow>& window,
                                  const DecodingOptions& options, const FallbackOptions& fallback,
                                  const std::stop_token& stop);

}  // namespace amanuensis::decoding
