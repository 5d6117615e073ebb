// The tokens a window's decoder is given before it samples any (openai/whisper, decoding.py: _get_initial_tokens):
//   [<|startofprev|> hotwords previous-text] <|startoftranscript|> [language task] [<|notimestamps|>] prefix
// Pure functions; may be called from any thread.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "decoding/options.h"
#include "model/checkpoint/checkpoint.h"
#include "model/tokenizer/tokenizer.h"

namespace amanuensis::decoding {

struct InitialTokens {
  std::vector<TokenId> tokens;
  std::size_t sot_index = 0;  // where <|startoftranscript|> is; its logits hold the no-speech probability
};

// text_context is the decoder's n_text_ctx, sample_length the most tokens that may be sampled.
// Throws Error{kInvalidArgument} when the language is missing, or not one of the model's, when an English-only model is
// asked to translate, and when a prefix leaves no room to sample.
InitialTokens make_initial_tokens(const DecodingOptions& options, const model::Tokenizer& tokenizer,
                                  const model::GenerationSettings& generation, std::size_t text_context);

// options.sample_length or its default, half the text context.
std::size_t resolve_sample_length(const DecodingOptions& options, std::size_t text_context);

// The last `count` values as Python's values[-count:] gives them: all of them for 0, without the first -count for a
// negative count. The reference relies on both.
std::span<const TokenId> python_tail(std::span<const TokenId> values, std::ptrdiff_t count);

}  // namespace amanuensis::decoding
