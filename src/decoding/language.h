// Which language a window is in (openai/whisper, decoding.py: detect_language). Stateless; one thread at a time uses a
// model.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "decoding/decode_window.h"

namespace amanuensis::decoding {

// Language codes with their probabilities, which sum to 1.
using LanguageProbabilities = std::vector<std::pair<std::string, double>>;

// The probability of each of the model's languages after <|startoftranscript|>, likeliest first (of equal ones the
// smaller token). Throws Error{kInvalidArgument} when the model has no language tokens.
LanguageProbabilities detect_language(const DecodingContext& context,
                                      const std::shared_ptr<const model::EncodedWindow>& window);

// The same from the logits [n_vocab] after <|startoftranscript|>, for callers that detect many at once.
LanguageProbabilities language_probabilities(const DecodingContext& context, std::span<const float> logits);

// What needs no detection: "en" of an English-only model, or a model's single language. Absent for
// all others.
std::optional<LanguageProbabilities> only_language(const DecodingContext& context);

}  // namespace amanuensis::decoding
