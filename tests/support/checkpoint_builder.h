// Whisper checkpoints of any size with random weights, written as Hugging Face folders and as whisper.cpp's ggml files,
// so that tests need no download. The same dimensions and seed give the same weights in every format. Header only.
//
//   TempFolder folder;
//   write_huggingface(folder.path(), {.dims = small_dimensions(), .seed = 7});
//   const model::Checkpoint checkpoint = model::open_checkpoint(folder.path());
#pragma once

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/checkpoint/checkpoint.h"
#include "model/checkpoint/layout.h"
#include "support/weight_encoding.h"

namespace amanuensis::test {

// The small vocabulary: one token per byte, then Whisper's special tokens with two languages, then the time tokens.
inline constexpr std::size_t kSmallOrdinaryTokens = 256;
inline constexpr std::size_t kSmallVocabulary = kSmallOrdinaryTokens + 10 + 1501;

// A model that runs in milliseconds: widths are multiples of 32, so that every storage type fits.
inline model::ModelDimensions small_dimensions() {
  return {.n_mels = 80,
          .n_audio_ctx = 1500,
          .n_audio_state = 32,
          .n_audio_head = 2,
          .n_audio_layer = 2,
          .n_audio_ffn = 128,
          .n_vocab = kSmallVocabulary,
          .n_text_ctx = 448,
          .n_text_state = 32,
          .n_text_head = 2,
          .n_text_layer = 1,
          .n_text_ffn = 128};
}

struct WeightValues {
  std::string name;              // OpenAI's
  std::string huggingface_name;  // with "model."
  std::vector<std::size_t> shape;
  std::vector<float> values;
};

// Weights as a fresh model has them: linear layers and embeddings uniform around 0 with deviation 1 / sqrt(inputs),
// norms near 1 with biases near 0, the encoder's positions as the sinusoids they are.
inline std::vector<WeightValues> random_weights(const model::ModelDimensions& dims, std::uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<WeightValues> weights;
  for (const model::ExpectedTensor& tensor : model::expected_tensors(dims)) {
    WeightValues w{tensor.name, "model." + tensor.huggingface_name, tensor.shape, {}};
    std::size_t count = 1;
    for (const std::size_t extent : tensor.shape) count *= extent;
    const bool is_norm = tensor.name.find("ln") != std::string::npos && tensor.name.ends_with("weight");
    const auto inputs = static_cast<float>(tensor.shape.size() > 1 ? count / tensor.shape[0] : 400);
    std::uniform_real_distribution<float> values(-std::sqrt(3 / inputs), std::sqrt(3 / inputs));
    w.values.resize(count);
    for (float& value : w.values) value = values(generator) + (is_norm ? 1.0f : 0.0f);
    if (tensor.name == "encoder.positional_embedding") {
      const std::size_t half = dims.n_audio_state / 2;
      const double step = std::log(10000.0) / static_cast<double>(std::max<std::size_t>(half, 2) - 1);
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t row = i / dims.n_audio_state;
        const std::size_t column = i % dims.n_audio_state;
        const double angle = static_cast<double>(row) * std::exp(-step * static_cast<double>(column % half));
        w.values[i] = static_cast<float>(column < half ? std::sin(angle) : std::cos(angle));
      }
    }
    weights.push_back(std::move(w));
  }
  return weights;
}

// --- safetensors --------------------------------------------------------------------------------------------------

struct SafetensorsEntry {
  std::string name;
  std::string dtype;
  std::vector<std::size_t> shape;
  std::string bytes;
};

// Puts a header (any text) before values, as the format asks.
inline std::string safetensors_file(std::string header, std::string_view values) {
  while (header.size() % 8 != 0) header += ' ';
  std::string file;
  append_raw(file, static_cast<std::uint64_t>(header.size()));
  return file.append(header).append(values);
}

inline std::string safetensors_file(const std::vector<SafetensorsEntry>& entries) {
  nlohmann::json header = {{"__metadata__", {{"format", "pt"}}}};
  std::string values;
  for (const SafetensorsEntry& entry : entries) {
    header[entry.name] = {{"dtype", entry.dtype},
                          {"shape", entry.shape},
                          {"data_offsets", {values.size(), values.size() + entry.bytes.size()}}};
    values += entry.bytes;
  }
  return safetensors_file(header.dump(), values);
}

inline std::string safetensors_dtype(model::StorageType type) {
  switch (type) {
    case model::StorageType::kF32:
      return "F32";
    case model::StorageType::kF16:
      return "F16";
    case model::StorageType::kBF16:
      return "BF16";
    default:
      throw std::invalid_argument("safetensors has no quantised types");
  }
}

// --- vocabulary ---------------------------------------------------------------------------------------------------

// The code point by which GPT-2's byte alphabet spells a byte (openai/gpt-2, encoder.py: bytes_to_unicode).
inline std::string spell_byte(unsigned byte) {
  const auto spells_itself = [](unsigned b) { return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174; };
  unsigned code = byte;
  if (!spells_itself(byte)) {
    code = 256;
    for (unsigned b = 0; b < byte; ++b) code += spells_itself(b) ? 0 : 1;
  }
  if (code < 128) return {static_cast<char>(code)};
  return {static_cast<char>(0xc0 | code >> 6), static_cast<char>(0x80 | (code & 63))};
}

inline std::string time_token(std::size_t index) {
  const std::string hundredths = std::to_string(2 * index % 100);
  return "<|" + std::to_string(2 * index / 100) + "." + (hundredths.size() < 2 ? "0" : "") + hundredths + "|>";
}

// The special tokens of the small vocabulary, from id 256 on.
inline std::vector<std::string> small_special_tokens() {
  std::vector<std::string> names = {"<|endoftext|>", "<|startoftranscript|>", "<|en|>",        "<|zh|>",
                                    "<|translate|>", "<|transcribe|>",        "<|startoflm|>", "<|startofprev|>",
                                    "<|nospeech|>",  "<|notimestamps|>"};
  for (std::size_t i = 0; i <= 1500; ++i) names.push_back(time_token(i));
  return names;
}

inline nlohmann::json small_tokenizer_json() {
  nlohmann::json added = nlohmann::json::array();
  std::size_t id = kSmallOrdinaryTokens;
  for (const std::string& name : small_special_tokens()) {
    added.push_back({{"id", id++}, {"content", name}, {"special", true}});
  }
  nlohmann::json vocab = nlohmann::json::object();
  for (unsigned byte = 0; byte < 256; ++byte) vocab[spell_byte(byte)] = byte;
  return {{"version", "1.0"},
          {"added_tokens", added},
          {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", nlohmann::json::array()}}}};
}

// --- whole checkpoints --------------------------------------------------------------------------------------------

inline nlohmann::json huggingface_config(const model::ModelDimensions& dims) {
  return {{"model_type", "whisper"},
          {"activation_function", "gelu"},
          {"scale_embedding", false},
          {"num_mel_bins", dims.n_mels},
          {"max_source_positions", dims.n_audio_ctx},
          {"d_model", dims.n_audio_state},
          {"encoder_attention_heads", dims.n_audio_head},
          {"encoder_layers", dims.n_audio_layer},
          {"encoder_ffn_dim", dims.n_audio_ffn},
          {"vocab_size", dims.n_vocab},
          {"max_target_positions", dims.n_text_ctx},
          {"decoder_attention_heads", dims.n_text_head},
          {"decoder_layers", dims.n_text_layer},
          {"decoder_ffn_dim", dims.n_text_ffn}};
}

inline void write_file(const std::filesystem::path& path, std::string_view content) {
  std::ofstream out(path, std::ios::binary);
  out.write(content.data(), static_cast<std::streamsize>(content.size()));
  if (!out.flush()) throw std::runtime_error("cannot write " + path.string());
}

struct HuggingFaceOptions {
  model::ModelDimensions dims = small_dimensions();
  std::uint32_t seed = 1;
  model::StorageType type = model::StorageType::kF32;
  std::size_t shards = 1;    // more than one: model-0000N-of-0000M.safetensors and an index
  bool model_prefix = true;  // "model.encoder..." or "encoder..."
  bool generation_config = false;
};

inline void write_huggingface(const std::filesystem::path& folder, const HuggingFaceOptions& options) {
  std::filesystem::create_directories(folder);
  write_file(folder / "config.json", huggingface_config(options.dims).dump(1));
  write_file(folder / "tokenizer.json", small_tokenizer_json().dump(1));
  if (options.generation_config) {
    write_file(folder / "generation_config.json", nlohmann::json{{"is_multilingual", true},
                                                                 {"suppress_tokens", {1, 2, 7}},
                                                                 {"begin_suppress_tokens", {32, 256}},
                                                                 {"alignment_heads", {{0, 0}, {0, 1}}},
                                                                 {"max_initial_timestamp_index", 50}}
                                                      .dump(1));
  }
  std::vector<std::vector<SafetensorsEntry>> shards(options.shards);
  std::size_t next = 0;
  for (const WeightValues& w : random_weights(options.dims, options.seed)) {
    const std::string name = options.model_prefix ? w.huggingface_name : w.huggingface_name.substr(6);
    shards[next++ % options.shards].push_back(
        {name, safetensors_dtype(options.type), w.shape, encode_values(options.type, w.values)});
  }
  if (options.shards == 1) {
    write_file(folder / "model.safetensors", safetensors_file(shards[0]));
    return;
  }
  nlohmann::json weight_map;
  const auto number = [](std::size_t n) { return std::string(5 - std::to_string(n).size(), '0') + std::to_string(n); };
  for (std::size_t i = 0; i < shards.size(); ++i) {
    const std::string file = "model-" + number(i + 1) + "-of-" + number(shards.size()) + ".safetensors";
    write_file(folder / file, safetensors_file(shards[i]));
    for (const SafetensorsEntry& entry : shards[i]) weight_map[entry.name] = file;
  }
  write_file(folder / "model.safetensors.index.json",
             nlohmann::json{{"metadata", {{"total_size", 0}}}, {"weight_map", weight_map}}.dump(1));
}

struct GgmlTensor {
  std::string name;
  std::int32_t type = 0;            // ggml's number
  std::vector<std::int32_t> shape;  // innermost first, as in the file
  std::string bytes;
};

struct GgmlOptions {
  model::ModelDimensions dims = small_dimensions();
  std::uint32_t seed = 1;
  model::StorageType type = model::StorageType::kF16;  // of matrices; the rest is stored as whisper.cpp does
  std::vector<std::string> tokens = {};                // empty: the 256 bytes
  std::size_t filter_bins = 201;
};

// ggml's numbers: of a whole file, and of one tensor.
inline std::pair<std::int32_t, std::int32_t> ggml_numbers(model::StorageType type) {
  switch (type) {
    case model::StorageType::kF32:
      return {0, 0};
    case model::StorageType::kF16:
      return {1, 1};
    case model::StorageType::kQ4_0:
      return {2002, 2};
    case model::StorageType::kQ4_1:
      return {2003, 3};
    case model::StorageType::kQ5_0:
      return {2008, 6};
    case model::StorageType::kQ5_1:
      return {2009, 7};
    case model::StorageType::kQ8_0:
      return {2007, 8};
    case model::StorageType::kBF16:
      break;
  }
  throw std::invalid_argument("whisper.cpp has no files of this type");
}

inline std::string ggml_tensor_record(const GgmlTensor& tensor) {
  std::string out;
  append_raw(out, static_cast<std::int32_t>(tensor.shape.size()));
  append_raw(out, static_cast<std::int32_t>(tensor.name.size()));
  append_raw(out, tensor.type);
  for (const std::int32_t extent : tensor.shape) append_raw(out, extent);
  return out.append(tensor.name).append(tensor.bytes);
}

// What comes before the tensors: magic, hyperparameters, filters and vocabulary.
inline std::string ggml_header(const GgmlOptions& options) {
  const model::ModelDimensions& d = options.dims;
  std::string out;
  append_raw(out, std::uint32_t{0x67676d6c});
  for (const std::size_t value : {d.n_vocab, d.n_audio_ctx, d.n_audio_state, d.n_audio_head, d.n_audio_layer,
                                  d.n_text_ctx, d.n_text_state, d.n_text_head, d.n_text_layer, d.n_mels}) {
    append_raw(out, static_cast<std::int32_t>(value));
  }
  append_raw(out, ggml_numbers(options.type).first);
  append_raw(out, static_cast<std::int32_t>(d.n_mels));
  append_raw(out, static_cast<std::int32_t>(options.filter_bins));
  for (std::size_t i = 0; i < d.n_mels * options.filter_bins; ++i) append_raw(out, static_cast<float>(i) * 1e-4f);
  std::vector<std::string> tokens = options.tokens;
  for (unsigned byte = 0; tokens.size() < 256 && options.tokens.empty(); ++byte)
    tokens.emplace_back(1, static_cast<char>(byte));
  append_raw(out, static_cast<std::int32_t>(tokens.size()));
  for (const std::string& token : tokens) {
    append_raw(out, static_cast<std::int32_t>(token.size()));
    out += token;
  }
  return out;
}

// The tensors in the types whisper.cpp's programs give them: vectors and positions f32, convolutions f16, conv biases
// as [n, 1], and matrices in the file's own type.
inline std::vector<GgmlTensor> ggml_tensors(const GgmlOptions& options) {
  std::vector<GgmlTensor> tensors;
  for (const WeightValues& w : random_weights(options.dims, options.seed)) {
    model::StorageType type = model::StorageType::kF32;
    const bool is_position = w.name.ends_with("positional_embedding");
    if (options.type != model::StorageType::kF32 && w.shape.size() == 3) type = model::StorageType::kF16;
    if (w.shape.size() == 2 && !is_position) type = options.type;
    GgmlTensor tensor{w.name, ggml_numbers(type).second, {}, encode_values(type, w.values)};
    for (auto extent = w.shape.rbegin(); extent != w.shape.rend(); ++extent) {
      tensor.shape.push_back(static_cast<std::int32_t>(*extent));
    }
    if (w.name.find("conv") != std::string::npos && w.shape.size() == 1) tensor.shape.insert(tensor.shape.begin(), 1);
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

inline std::string ggml_file(const GgmlOptions& options) {
  std::string out = ggml_header(options);
  for (const GgmlTensor& tensor : ggml_tensors(options)) out += ggml_tensor_record(tensor);
  return out;
}

}  // namespace amanuensis::test
