// The languages Whisper knows: codes, English names, and other names people use for them (openai/whisper,
// tokenizer.py). Constant data; may be read from any thread.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace amanuensis::model {

struct Language {
  std::string_view code;  // "en"; two or three letters
  std::string_view name;  // "english"
};

// All of them, in the order of the multilingual vocabulary; "yue" (large-v3 and later) is last.
std::span<const Language> whisper_languages();

// The language of a code, an English name or an alias ("de", "German", "mandarin"), in any case; nothing when unknown.
std::optional<Language> find_language(std::string_view code_or_name);

}  // namespace amanuensis::model
