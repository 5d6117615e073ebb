#include "decoding/prompt.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "base/error.h"

namespace amanuensis::decoding {

namespace {

// "en, de, fr"; the first few of many.
std::string list_languages(const std::vector<model::LanguageToken>& languages) {
  constexpr std::size_t kShown = 12;
  std::string list;
  for (std::size_t i = 0; i < std::min(languages.size(), kShown); ++i) {
    list += (i == 0 ? "" : ", ") + languages[i].code;
  }
  if (languages.size() > kShown) list += fmt::format(", ... ({} in all)", languages.size());
  return list;
}

TokenId language_token(const DecodingOptions& options, const model::Tokenizer& tokenizer) {
  const auto token = tokenizer.language_token(options.language);
  if (!token) {
    throw Error(ErrorCode::kInvalidArgument, fmt::format("this model has no language '{}'; it knows {}",
                                                         options.language, list_languages(tokenizer.languages())));
  }
  return *token;
}

// <|startoftranscript|> and what tells the model its task.
std::vector<TokenId> sot_sequence(const DecodingOptions& options, const model::Tokenizer& tokenizer,
                                  const model::GenerationSettings& generation) {
  const model::SpecialTokens& special = tokenizer.special();
  std::vector<TokenId> tokens = {special.sot};
  if (generation.is_multilingual) {
    tokens.push_back(language_token(options, tokenizer));
    tokens.push_back(options.task == Task::kTranslate ? special.translate : special.transcribe);
  } else if (options.task == Task::kTranslate) {
    throw Error(ErrorCode::kInvalidArgument, "this model is English-only and cannot translate; use a multilingual one");
  } else if (!options.language.empty() && options.language != "en") {
    throw Error(ErrorCode::kInvalidArgument, fmt::format("this model is English-only and does not know language '{}'; "
                                                         "use a multilingual one",
                                                         options.language));
  }
  if (options.without_timestamps) tokens.push_back(special.no_timestamps);
  return tokens;
}

void append(std::vector<TokenId>& to, std::span<const TokenId> tokens) {
  to.insert(to.end(), tokens.begin(), tokens.end());
}

}  // namespace

std::size_t resolve_sample_length(const DecodingOptions& options, std::size_t text_context) {
  const std::size_t length = options.sample_length.value_or(0);
  return length == 0 ? text_context / 2 : length;
}

std::span<const TokenId> python_tail(std::span<const TokenId> values, std::ptrdiff_t count) {
  const auto size = static_cast<std::ptrdiff_t>(values.size());
  const std::ptrdiff_t first = count > 0 ? std::max<std::ptrdiff_t>(size - count, 0) : std::min(-count, size);
  return values.subspan(static_cast<std::size_t>(first));
}

InitialTokens make_initial_tokens(const DecodingOptions& options, const model::Tokenizer& tokenizer,
                                  const model::GenerationSettings& generation, std::size_t text_context) {
  const auto half = static_cast<std::ptrdiff_t>(text_context / 2);
  std::vector<TokenId> start = sot_sequence(options, tokenizer, generation);
  if (!options.prefix.empty()) {
    const auto sampled = static_cast<std::ptrdiff_t>(resolve_sample_length(options, text_context));
    append(start, python_tail(options.prefix, half - sampled));
  }

  std::span<const TokenId> hotwords;
  if (options.prefix.empty()) {
    hotwords = std::span(options.hotwords).first(std::min(options.hotwords.size(), text_context / 2 - 1));
  }
  std::ptrdiff_t kept = half - 1;
  if (!hotwords.empty()) {
    // Long hotwords and a long previous text together would leave nothing to sample: the text gives way.
    const auto room = static_cast<std::ptrdiff_t>(text_context - text_context / 4) -
                      static_cast<std::ptrdiff_t>(start.size() + hotwords.size() + 1);
    kept = std::min(kept, std::max<std::ptrdiff_t>(room, 1));
  }
  const std::span<const TokenId> previous = python_tail(options.prompt, kept);

  InitialTokens initial;
  if (!hotwords.empty() || !previous.empty()) {
    initial.tokens.push_back(tokenizer.special().sot_prev);
    append(initial.tokens, hotwords);
    append(initial.tokens, previous);
  }
  initial.sot_index = initial.tokens.size();
  append(initial.tokens, start);
  if (initial.tokens.size() >= text_context) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("prompt and prefix take {} of the decoder's {} positions and leave no room for text; "
                            "shorten the prefix",
                            initial.tokens.size(), text_context));
  }
  return initial;
}

}  // namespace amanuensis::decoding
