// Languages as people and clients name them. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace amanuensis::pipeline {

// "de" for "de", "German", "german"; nothing for what is no language Whisper knows.
std::optional<std::string> language_code(std::string_view code_or_name);

// "german" for "de"; the code itself when it is not known.
std::string language_name(std::string_view code);

struct LanguageEntry {
  std::string_view code;
  std::string_view name;
};
// All of them, in the vocabulary's order.
std::vector<LanguageEntry> all_languages();

}  // namespace amanuensis::pipeline
