#include "pipeline/language_name.h"

#include "model/tokenizer/languages.h"

namespace amanuensis::pipeline {

std::optional<std::string> language_code(std::string_view code_or_name) {
  const auto language = model::find_language(code_or_name);
  if (!language) return std::nullopt;
  return std::string(language->code);
}

std::string language_name(std::string_view code) {
  const auto language = model::find_language(code);
  return std::string(language ? language->name : code);
}

std::vector<LanguageEntry> all_languages() {
  std::vector<LanguageEntry> all;
  for (const model::Language& language : model::whisper_languages()) all.push_back({language.code, language.name});
  return all;
}

}  // namespace amanuensis::pipeline
