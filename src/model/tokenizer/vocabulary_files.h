// Reads the tokenizer of a Hugging Face checkpoint: tokenizer.json, or vocab.json + merges.txt + added_tokens.json.
// Pure functions of their files; may be called from any thread.
#pragma once

#include <filesystem>
#include <string_view>

#include "model/tokenizer/vocabulary.h"

namespace amanuensis::model {

// Reads the tokenizer files of a checkpoint directory. Throws Error{kNotFound | kBadData | kUnsupported | kIo} naming
// the file and the entry.
Vocabulary read_vocabulary(const std::filesystem::path& directory);

// Parses the text of a tokenizer.json, with merges as "a b" or ["a", "b"]. `name` is used in messages. Throws
// Error{kBadData | kUnsupported} naming the entry.
//
// Tokens named <|...|>, and added tokens marked special, become special; other added tokens are text. Files from before
// the time tokens were published lack all of them: they then follow <|notimestamps|>, 0.00 to 30.00 s, as in every
// published checkpoint.
Vocabulary parse_tokenizer_json(std::string_view text, std::string_view name);

}  // namespace amanuensis::model
