#include "model/checkpoint/huggingface_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "model/checkpoint/foreign_file.h"
#include "model/checkpoint/layout.h"

namespace amanuensis::model {
namespace {

// The vocabulary of the published English-only models. They have language tokens too, so their number of ids is all
// that tells them apart (openai/whisper, model.py: is_multilingual).
constexpr std::size_t kEnglishOnlyVocabulary = 51864;

void require_whisper(const JsonDocument& config) {
  const std::string type = config.find_string("model_type").value_or("whisper");
  if (type != "whisper") {
    throw Error(ErrorCode::kUnsupported,
                fmt::format("{}: model_type is '{}'; only Whisper models are read", config.name(), printable(type)));
  }
  const std::string activation = config.find_string("activation_function").value_or("gelu");
  if (activation != "gelu") {
    throw Error(ErrorCode::kUnsupported,
                fmt::format("{}: activation_function is '{}', expected 'gelu'", config.name(), printable(activation)));
  }
  if (config.find_bool("scale_embedding").value_or(false)) {
    throw Error(ErrorCode::kUnsupported, fmt::format("{}: scale_embedding is true, expected false", config.name()));
  }
}

// The ids among `integers` that the vocabulary has. -1 and the like mean "nothing" in some files.
std::vector<TokenId> to_tokens(const std::vector<std::int64_t>& integers, std::size_t n_vocab) {
  std::vector<TokenId> tokens;
  for (const std::int64_t id : integers) {
    if (id >= 0 && static_cast<std::uint64_t>(id) < n_vocab) tokens.push_back(static_cast<TokenId>(id));
  }
  return tokens;
}

std::optional<std::vector<std::int64_t>> find_in_either(const JsonDocument* first, const JsonDocument& second,
                                                        std::string_view field) {
  if (first != nullptr) {
    if (auto found = first->find_integers(field)) return found;
  }
  return second.find_integers(field);
}

std::vector<std::pair<std::size_t, std::size_t>> to_heads(const std::vector<std::vector<std::int64_t>>& lists,
                                                          const ModelDimensions& dims, const std::string& file) {
  std::vector<std::pair<std::size_t, std::size_t>> heads;
  for (const std::vector<std::int64_t>& pair : lists) {
    if (pair.size() != 2) {
      throw Error(ErrorCode::kBadData, fmt::format("{}: 'alignment_heads' has an entry of {} numbers, expected [layer, "
                                                   "head]",
                                                   file, pair.size()));
    }
    const bool exists = pair[0] >= 0 && static_cast<std::uint64_t>(pair[0]) < dims.n_text_layer && pair[1] >= 0 &&
                        static_cast<std::uint64_t>(pair[1]) < dims.n_text_head;
    if (exists) heads.emplace_back(static_cast<std::size_t>(pair[0]), static_cast<std::size_t>(pair[1]));
  }
  return heads;
}

void require_feature(const JsonDocument& preprocessor, std::string_view field, std::size_t expected) {
  const std::optional<std::size_t> value = preprocessor.find_size(field);
  if (!value || *value == expected) return;
  throw Error(ErrorCode::kUnsupported,
              fmt::format("{}: {} is {}; Whisper's features have {}", preprocessor.name(), field, *value, expected));
}

}  // namespace

ModelDimensions read_huggingface_dimensions(const JsonDocument& config) {
  require_whisper(config);
  ModelDimensions dims;
  dims.n_mels = config.size("num_mel_bins");
  dims.n_audio_ctx = config.size("max_source_positions");
  dims.n_audio_state = config.size("d_model");
  dims.n_audio_head = config.size("encoder_attention_heads");
  dims.n_audio_layer = config.size("encoder_layers");
  dims.n_audio_ffn = config.size("encoder_ffn_dim");
  dims.n_vocab = config.size("vocab_size");
  dims.n_text_ctx = config.size("max_target_positions");
  dims.n_text_state = dims.n_audio_state;
  dims.n_text_head = config.size("decoder_attention_heads");
  dims.n_text_layer = config.size("decoder_layers");
  dims.n_text_ffn = config.size("decoder_ffn_dim");
  check_dimensions(dims, config.name(), Naming::kHuggingFace);
  return dims;
}

GenerationSettings derive_generation_settings(const ModelDimensions& dims, const Vocabulary& vocabulary) {
  GenerationSettings settings;
  settings.is_multilingual = dims.n_vocab != kEnglishOnlyVocabulary;
  const auto space = std::ranges::find(vocabulary.tokens, " ");
  if (space != vocabulary.tokens.end()) {
    settings.begin_suppress_tokens.push_back(static_cast<TokenId>(space - vocabulary.tokens.begin()));
  }
  const auto end_of_text = vocabulary.special.find("<|endoftext|>");
  if (end_of_text != vocabulary.special.end()) settings.begin_suppress_tokens.push_back(end_of_text->second);
  return settings;
}

GenerationSettings read_generation_settings(const JsonDocument* generation, const JsonDocument& config,
                                            const ModelDimensions& dims, const Vocabulary& vocabulary) {
  GenerationSettings settings = derive_generation_settings(dims, vocabulary);
  if (const auto tokens = find_in_either(generation, config, "suppress_tokens")) {
    settings.suppress_tokens = to_tokens(*tokens, dims.n_vocab);
  }
  if (const auto tokens = find_in_either(generation, config, "begin_suppress_tokens")) {
    settings.begin_suppress_tokens = to_tokens(*tokens, dims.n_vocab);
  }
  if (generation == nullptr) return settings;
  if (const auto multilingual = generation->find_bool("is_multilingual")) settings.is_multilingual = *multilingual;
  if (const auto index = generation->find_size("max_initial_timestamp_index")) {
    settings.max_initial_timestamp_index = *index;
  }
  if (const auto heads = generation->find_integer_lists("alignment_heads")) {
    settings.alignment_heads = to_heads(*heads, dims, generation->name());
  }
  return settings;
}

void check_preprocessor(const JsonDocument& preprocessor, const JsonDocument& config, const ModelDimensions& dims) {
  require_feature(preprocessor, "sampling_rate", 16000);
  require_feature(preprocessor, "n_fft", 400);
  require_feature(preprocessor, "hop_length", 160);
  const std::size_t bands = preprocessor.find_size("feature_size").value_or(dims.n_mels);
  if (bands != dims.n_mels) {
    throw Error(ErrorCode::kBadData, fmt::format("{}: feature_size is {}, but {} says num_mel_bins = {}",
                                                 preprocessor.name(), bands, config.name(), dims.n_mels));
  }
}

}  // namespace amanuensis::model
