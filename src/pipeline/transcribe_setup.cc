#include "pipeline/transcribe_setup.h"

#include <fmt/format.h>

#include "base/error.h"
#include "decoding/fallback.h"
#include "decoding/text_measure.h"
#include "model/tokenizer/languages.h"

namespace amanuensis::pipeline {

std::string requested_language(const decoding::DecodingContext& context, const std::optional<std::string>& name) {
  if (!name || name->empty()) return context.generation.is_multilingual ? "" : "en";
  const auto language = model::find_language(*name);
  if (!language) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format("there is no language '{}'; give a code such as en, or an English name such as german", *name));
  }
  return std::string(language->code);
}

std::vector<model::TokenId> encode_prompt(const model::Tokenizer& tokenizer, const std::string& text) {
  const std::string_view stripped = decoding::strip_text(text);
  if (stripped.empty()) return {};
  return tokenizer.encode(fmt::format(" {}", stripped));
}

bool is_silence(const decoding::WindowResult& result, const decoding::FallbackOptions& options) {
  if (!options.no_speech_threshold || !(result.no_speech_prob > *options.no_speech_threshold)) return false;
  return !(options.logprob_threshold && result.avg_logprob > *options.logprob_threshold);
}

void check_decoding(const decoding::DecodingContext& context, const decoding::DecodingOptions& options,
                    const decoding::FallbackOptions& fallback) {
  decoding::check_fallback(fallback);
  decoding::DecodingOptions trial = options;
  if (trial.language.empty() && !context.tokenizer.languages().empty()) {
    trial.language = context.tokenizer.languages().front().code;
  }
  for (const double temperature : fallback.temperatures) {
    trial.temperature = temperature;
    decoding::check_options(context, trial);
  }
}

}  // namespace amanuensis::pipeline
