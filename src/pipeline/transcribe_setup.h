// What every way of transcribing does with its options before and after decoding. Pure functions; any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "decoding/decode_window.h"
#include "decoding/options.h"
#include "model/tokenizer/tokenizer.h"

namespace amanuensis::pipeline {

// The code of the language the caller named, "en" for an English-only model; empty when it is to be detected. Throws
// Error{kInvalidArgument} for a name that is no language's.
std::string requested_language(const decoding::DecodingContext& context, const std::optional<std::string>& name);

// Text as a prompt: one space before it, none around it. No tokens for blank text.
std::vector<model::TokenId> encode_prompt(const model::Tokenizer& tokenizer, const std::string& text);

// Whether a window is taken for silence and left out.
bool is_silence(const decoding::WindowResult& result, const decoding::FallbackOptions& options);

// Finds what can be known to be wrong before any work is done: throws as decoding::check_options does for each
// temperature, whatever the language will be, and when there is no temperature.
void check_decoding(const decoding::DecodingContext& context, const decoding::DecodingOptions& options,
                    const decoding::FallbackOptions& fallback);

}  // namespace amanuensis::pipeline
