// Reads the tokenizer of a Hugging Face checkpoint: tokenizer.json, or vocab.json + merges.txt + added_tokens.json.
#pragma once

#include <filesystem>
#include <string_view>

#include "model/tokenizer/vocabulary.h"

namespace amanuensis::model {

// Reads the tokenizer files of a checkpoint directory. Throws Error{kNotFound | kBadData} naming the file and the entry.
Vocabulary read_vocabulary(const std::filesystem::path& directory);

// Parses the text of a tokenizer.json. `name` is used in messages.
Vocabulary parse_tokenizer_json(std::string_view text, std::string_view name);

}  // namespace amanuensis::model
