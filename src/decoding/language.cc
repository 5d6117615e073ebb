#include "decoding/language.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "decoding/log_prob.h"

namespace amanuensis::decoding {

LanguageProbabilities detect_language(const DecodingContext& context,
                                      const std::shared_ptr<const model::EncodedWindow>& window) {
  const std::size_t vocabulary = context.model.dims().n_vocab;
  AlignedBuffer<float> logits(vocabulary);
  model::DecoderSequence sequence = context.model.new_sequence(window);
  const TokenId sot = context.tokenizer.special().sot;
  const model::DecodeItem item{.sequence = &sequence, .tokens = {&sot, 1}, .logits = logits.matrix(1, vocabulary)};
  context.model.decode({&item, 1});
  return language_probabilities(context, logits.span());
}

LanguageProbabilities language_probabilities(const DecodingContext& context, std::span<const float> logits) {
  const std::vector<model::LanguageToken>& languages = context.tokenizer.languages();
  if (languages.empty() || !context.generation.is_multilingual) {
    throw Error(ErrorCode::kInvalidArgument, "this model is English-only and cannot detect the language");
  }
  std::vector<float> scores;
  scores.reserve(languages.size());
  for (const model::LanguageToken& language : languages)
    scores.push_back(logits[static_cast<std::size_t>(language.id)]);
  const double normaliser = log_sum_exp(scores);
  LanguageProbabilities probabilities;
  probabilities.reserve(languages.size());
  for (std::size_t i = 0; i < languages.size(); ++i) {
    probabilities.emplace_back(languages[i].code, std::exp(static_cast<double>(scores[i]) - normaliser));
  }
  std::stable_sort(probabilities.begin(), probabilities.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return probabilities;
}

std::optional<LanguageProbabilities> only_language(const DecodingContext& context) {
  if (!context.generation.is_multilingual) return LanguageProbabilities{{"en", 1.0}};
  const std::vector<model::LanguageToken>& languages = context.tokenizer.languages();
  if (languages.size() == 1) return LanguageProbabilities{{languages.front().code, 1.0}};
  return std::nullopt;
}

}  // namespace amanuensis::decoding
