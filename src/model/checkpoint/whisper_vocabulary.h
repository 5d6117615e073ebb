// What the published layout of Whisper's vocabularies says about ids that a file leaves unnamed. After the ordinary
// tokens come, in this order: end of text, start of transcript, the languages, translate, transcribe, start of LM,
// start of previous text, no speech, no timestamps, and 1,501 time tokens (openai/whisper, tokenizer.py: get_encoding).
// Pure functions; may be called from any thread.
#pragma once

#include <cstddef>
#include <string_view>

#include "model/tokenizer/vocabulary.h"

namespace amanuensis::model {

// Names the special tokens of a vocabulary that holds only ordinary ones, or ordinary ones and <|endoftext|>: the
// number of languages is what remains of `n_vocab`. Throws Error{kUnsupported} naming `file` when that is not 1 to 100.
void add_special_tokens(Vocabulary& vocabulary, std::size_t n_vocab, std::string_view file);

// Adds the time tokens that tokenizers published before September 2023 leave out: <|0.00|> to <|30.00|>, right after
// <|notimestamps|>, when the vocabulary has room for exactly them.
void complete_time_tokens(Vocabulary& vocabulary, std::size_t n_vocab);

// Throws Error{kBadData} when a token's id is not below `n_vocab`, which `file` calls `field`.
void check_vocabulary_size(const Vocabulary& vocabulary, std::size_t n_vocab, std::string_view file,
                           std::string_view field);

}  // namespace amanuensis::model
