#include "model/checkpoint/whisper_vocabulary.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "base/error.h"
#include "model/checkpoint/foreign_file.h"
#include "model/tokenizer/languages.h"
#include "model/tokenizer/special_tokens.h"

namespace amanuensis::model {
namespace {

// 0.00 to 30.00 s in steps of 0.02 s, whatever window a model has.
constexpr std::size_t kTimeTokens = 1501;
constexpr std::string_view kBeforeLanguages[] = {"<|endoftext|>", "<|startoftranscript|>"};
constexpr std::string_view kAfterLanguages[] = {"<|translate|>",   "<|transcribe|>", "<|startoflm|>",
                                                "<|startofprev|>", "<|nospeech|>",   "<|notimestamps|>"};

void add_time_tokens(Vocabulary& vocabulary, std::size_t first) {
  for (std::size_t i = 0; i < kTimeTokens; ++i) {
    const std::size_t centiseconds = 2 * i;
    vocabulary.special.emplace(fmt::format("<|{}.{:02}|>", centiseconds / 100, centiseconds % 100),
                               static_cast<TokenId>(first + i));
  }
}

}  // namespace

void add_special_tokens(Vocabulary& vocabulary, std::size_t n_vocab, std::string_view file) {
  const auto end_of_text = vocabulary.special.find(kBeforeLanguages[0]);
  std::size_t id = end_of_text == vocabulary.special.end() ? vocabulary.tokens.size()
                                                           : static_cast<std::size_t>(end_of_text->second);
  const std::size_t others = id + std::size(kBeforeLanguages) + std::size(kAfterLanguages) + kTimeTokens;
  const auto languages = whisper_languages();
  if (n_vocab <= others || n_vocab - others > languages.size()) {
    throw Error(
        ErrorCode::kUnsupported,
        fmt::format("{}: {} tokens, {} of them ordinary, leave no room for Whisper's special tokens and 1 to {} "
                    "languages: this is no layout of a published model",
                    file, n_vocab, id, languages.size()));
  }
  const auto add = [&](std::string_view name) {
    vocabulary.special.insert_or_assign(std::string(name), static_cast<TokenId>(id));
    ++id;
  };
  for (const std::string_view name : kBeforeLanguages) add(name);
  for (std::size_t i = 0; i < n_vocab - others; ++i) add(fmt::format("<|{}|>", languages[i].code));
  for (const std::string_view name : kAfterLanguages) add(name);
  add_time_tokens(vocabulary, id);
}

void complete_time_tokens(Vocabulary& vocabulary, std::size_t n_vocab) {
  const auto before = vocabulary.special.find(kAfterLanguages[std::size(kAfterLanguages) - 1]);
  if (before == vocabulary.special.end() || before->second < 0) return;
  const bool has_any =
      std::ranges::any_of(vocabulary.special, [](const auto& token) { return parse_time_token(token.first) >= 0; });
  const std::size_t first = static_cast<std::size_t>(before->second) + 1;
  if (!has_any && first + kTimeTokens == n_vocab) add_time_tokens(vocabulary, first);
}

void check_vocabulary_size(const Vocabulary& vocabulary, std::size_t n_vocab, std::string_view file,
                           std::string_view field) {
  if (vocabulary.tokens.size() > n_vocab && !vocabulary.tokens.back().empty()) {
    throw Error(ErrorCode::kBadData,
                fmt::format("{}: {} is {}, but the tokenizer has a token of id {}: they belong to different models",
                            file, field, n_vocab, vocabulary.tokens.size() - 1));
  }
  for (const auto& [name, id] : vocabulary.special) {
    if (id >= 0 && static_cast<std::size_t>(id) < n_vocab) continue;
    throw Error(ErrorCode::kBadData,
                fmt::format("{}: {} is {}, but the tokenizer's '{}' has id {}: they belong to different models", file,
                            field, n_vocab, printable(name), id));
  }
}

}  // namespace amanuensis::model
