#include "model/checkpoint/random_checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "model/checkpoint/huggingface_config.h"
#include "model/checkpoint/layout.h"
#include "model/checkpoint/whisper_vocabulary.h"

namespace amanuensis::model {
namespace {

// What scales the uniform values of a tensor, and what is added to them.
struct Scale {
  float factor = 1.0F;
  float offset = 0.0F;
};

Scale scale_of(std::string_view name, const std::vector<std::size_t>& shape) {
  if (name.ends_with("positional_embedding")) return {};
  std::size_t inputs = 1;
  for (std::size_t i = 1; i < shape.size(); ++i) inputs *= shape[i];
  const double deviation = std::sqrt(3.0 / static_cast<double>(inputs));  // keeps a layer's variance
  if (name.ends_with("token_embedding.weight")) return {static_cast<float>(3.0 * deviation), 0.0F};
  if (name.ends_with(".bias")) return {0.125F, 0.0F};
  if (shape.size() == 1) return {0.125F, 1.0F};  // a layer norm's gamma
  double gain = 1.0;
  if (name.ends_with(".query.weight") || name.ends_with(".key.weight")) {
    gain = 1.75;  // attention that prefers some positions
  } else if (name.starts_with("decoder.") && (name.ends_with(".out.weight") || name.ends_with(".mlp.2.weight"))) {
    gain = 4.0;  // what the blocks say must outweigh the token that went in
  }
  return {static_cast<float>(gain * deviation), 0.0F};
}

// A sequence of uniform values that can be drawn piece by piece.
class UniformValues {
 public:
  UniformValues(std::string_view name, std::uint64_t seed) : state_(0xCBF29CE484222325U) {
    for (const char c : name) state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
    state_ += seed * 0xD6E8FEB86659FD93U;
  }

  void fill(std::span<float> out) {
    for (float& value : out) {
      state_ += 0x9E3779B97F4A7C15U;
      std::uint64_t z = (state_ ^ (state_ >> 30U)) * 0xBF58476D1CE4E5B9U;
      z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
      // 24 bits: every value is exact in float32.
      value = static_cast<float>(static_cast<std::int32_t>((z ^ (z >> 31U)) >> 40U) - (1 << 23)) * 0x1p-23F;
    }
  }

 private:
  std::uint64_t state_;
};

void store(std::span<const float> values, StorageType type, std::byte* to) {
  if (type == StorageType::kF32) {
    std::memcpy(to, values.data(), values.size_bytes());
    return;
  }
  for (const float value : values) {
    const auto upper = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16U);
    std::memcpy(to, &upper, sizeof(upper));
    to += sizeof(upper);
  }
}

void add_tensor(Checkpoint& checkpoint, const ExpectedTensor& expected, const RandomCheckpointOptions& options) {
  Tensor tensor = {.source_name = expected.name,
                   .file = checkpoint.path.string(),
                   .type = options.storage,
                   .shape = expected.shape,
                   .bytes = {}};
  const std::size_t count = tensor.element_count();
  const std::size_t value_bytes = storage_bytes(options.storage, 1);
  AlignedBuffer<std::byte>& bytes = checkpoint.buffers.emplace_back(count * value_bytes);
  const Scale scale = scale_of(expected.name, expected.shape);
  const std::size_t row = count / expected.shape.front();
  const bool has_likely_row = options.likely_token && expected.name.ends_with("token_embedding.weight");

  UniformValues uniform(expected.name, options.seed);
  std::vector<float> values(row);
  for (std::size_t r = 0; r < expected.shape.front(); ++r) {
    uniform.fill(values);
    const bool likely = has_likely_row && r == static_cast<std::size_t>(*options.likely_token);
    for (float& value : values) value = scale.offset + (likely ? value * 2.0F : value) * scale.factor;
    store(values, options.storage, bytes.data() + r * row * value_bytes);
  }
  tensor.bytes = bytes.span();
  checkpoint.tensors[expected.name] = std::move(tensor);
}

// Ordinary tokens: the 256 bytes, which every vocabulary needs, then names that say which token it is.
Vocabulary made_up_vocabulary(const ModelDimensions& dims, const std::string& source) {
  constexpr std::size_t kMultilingual = 51865;  // smaller: an English-only vocabulary, one ordinary token shorter
  const std::size_t ordinary = dims.n_vocab < kMultilingual ? 50256 : 50257;
  Vocabulary vocabulary;
  vocabulary.source = source;
  for (std::size_t id = 0; id < ordinary; ++id) {
    vocabulary.tokens.push_back(id < 256 ? std::string(1, static_cast<char>(id)) : fmt::format(" w{}", id));
  }
  add_special_tokens(vocabulary, dims.n_vocab, source);
  return vocabulary;
}

}  // namespace

void fill_uniform(std::string_view name, std::uint64_t seed, std::span<float> out) {
  UniformValues(name, seed).fill(out);
}

Checkpoint random_checkpoint(const ModelDimensions& dims, const RandomCheckpointOptions& options) {
  if (options.storage != StorageType::kF32 && options.storage != StorageType::kBF16) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("random weights cannot be stored as {}; use {} or {}", to_string(options.storage),
                            to_string(StorageType::kF32), to_string(StorageType::kBF16)));
  }
  Checkpoint checkpoint;
  checkpoint.path = "random weights";
  checkpoint.format = fmt::format("{} in memory", to_string(options.storage));
  check_dimensions(dims, checkpoint.path.string(), Naming::kOpenAi);
  checkpoint.dims = dims;
  if (options.with_vocabulary) {
    checkpoint.vocabulary = made_up_vocabulary(dims, checkpoint.path.string());
    checkpoint.generation = derive_generation_settings(dims, checkpoint.vocabulary);
    // As many as the published sizes have: six to ten, about one layer's worth.
    for (std::size_t head = 0; head < dims.n_text_head; ++head) {
      checkpoint.generation.alignment_heads.emplace_back(dims.n_text_layer - 1, head);
    }
  }
  for (const ExpectedTensor& expected : expected_tensors(dims)) add_tensor(checkpoint, expected, options);
  return checkpoint;
}

}  // namespace amanuensis::model
