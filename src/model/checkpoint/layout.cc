#include "model/checkpoint/layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "base/error.h"
#include "model/checkpoint/published_sizes.h"

namespace amanuensis::model {
namespace {

// The parts of a transformer block. A linear layer is [out, in] with a bias [out] unless said otherwise.
enum class Part { kSquare, kSquareWithoutBias, kNorm, kWiden, kNarrow };

struct BlockPart {
  std::string_view name;
  std::string_view huggingface_name;
  Part part;
};

constexpr BlockPart kBlockParts[] = {
    {"attn.query", "self_attn.q_proj", Part::kSquare},
    {"attn.key", "self_attn.k_proj", Part::kSquareWithoutBias},
    {"attn.value", "self_attn.v_proj", Part::kSquare},
    {"attn.out", "self_attn.out_proj", Part::kSquare},
    {"attn_ln", "self_attn_layer_norm", Part::kNorm},
    {"mlp.0", "fc1", Part::kWiden},
    {"mlp.2", "fc2", Part::kNarrow},
    {"mlp_ln", "final_layer_norm", Part::kNorm},
};

constexpr BlockPart kCrossAttentionParts[] = {
    {"cross_attn.query", "encoder_attn.q_proj", Part::kSquare},
    {"cross_attn.key", "encoder_attn.k_proj", Part::kSquareWithoutBias},
    {"cross_attn.value", "encoder_attn.v_proj", Part::kSquare},
    {"cross_attn.out", "encoder_attn.out_proj", Part::kSquare},
    {"cross_attn_ln", "encoder_attn_layer_norm", Part::kNorm},
};

struct BlockWidth {
  std::size_t state;
  std::size_t ffn;
};

void add_part(std::vector<ExpectedTensor>& out, const std::string& block, const std::string& huggingface_block,
              const BlockPart& part, BlockWidth width) {
  const std::string name = fmt::format("{}.{}", block, part.name);
  const std::string huggingface_name = fmt::format("{}.{}", huggingface_block, part.huggingface_name);
  const std::size_t rows = part.part == Part::kWiden ? width.ffn : width.state;
  std::vector<std::size_t> shape = {rows};
  if (part.part != Part::kNorm) shape.push_back(part.part == Part::kNarrow ? width.ffn : width.state);
  out.push_back({name + ".weight", huggingface_name + ".weight", std::move(shape)});
  if (part.part != Part::kSquareWithoutBias) out.push_back({name + ".bias", huggingface_name + ".bias", {rows}});
}

void add_norm(std::vector<ExpectedTensor>& out, const std::string& name, const std::string& huggingface_name,
              std::size_t state) {
  out.push_back({name + ".weight", huggingface_name + ".weight", {state}});
  out.push_back({name + ".bias", huggingface_name + ".bias", {state}});
}

// Sizes beyond which a number is not a model's but an accident's. Products of any three stay far below 2^64.
constexpr std::size_t kMaxExtent = std::size_t{1} << 20;
constexpr std::size_t kMaxLayers = 1024;

struct DimensionField {
  std::size_t ModelDimensions::*member;
  std::string_view name;
  std::string_view huggingface_name;
  std::size_t max;
};

constexpr DimensionField kFields[] = {
    {&ModelDimensions::n_mels, "n_mels", "num_mel_bins", 1024},
    {&ModelDimensions::n_audio_ctx, "n_audio_ctx", "max_source_positions", kMaxExtent},
    {&ModelDimensions::n_audio_state, "n_audio_state", "d_model", kMaxExtent},
    {&ModelDimensions::n_audio_head, "n_audio_head", "encoder_attention_heads", kMaxExtent},
    {&ModelDimensions::n_audio_layer, "n_audio_layer", "encoder_layers", kMaxLayers},
    {&ModelDimensions::n_audio_ffn, "n_audio_ffn", "encoder_ffn_dim", kMaxExtent},
    {&ModelDimensions::n_vocab, "n_vocab", "vocab_size", kMaxExtent},
    {&ModelDimensions::n_text_ctx, "n_text_ctx", "max_target_positions", kMaxExtent},
    {&ModelDimensions::n_text_state, "n_text_state", "d_model", kMaxExtent},
    {&ModelDimensions::n_text_head, "n_text_head", "decoder_attention_heads", kMaxExtent},
    {&ModelDimensions::n_text_layer, "n_text_layer", "decoder_layers", kMaxLayers},
    {&ModelDimensions::n_text_ffn, "n_text_ffn", "decoder_ffn_dim", kMaxExtent},
};

std::string_view field_name(const DimensionField& field, Naming naming) {
  return naming == Naming::kHuggingFace ? field.huggingface_name : field.name;
}

void check_heads(std::size_t state, std::size_t heads, std::string_view what, std::string_view file) {
  if (state % heads == 0 && (state / heads) % 2 == 0) return;
  throw Error(ErrorCode::kBadData, fmt::format("{}: {} {} attention heads do not divide a width of {} into even parts",
                                               file, heads, what, state));
}

std::vector<std::size_t> without_ones(const std::vector<std::size_t>& shape) {
  std::vector<std::size_t> result;
  std::ranges::copy_if(shape, std::back_inserter(result), [](std::size_t extent) { return extent != 1; });
  return result;
}

std::string_view without_model_prefix(std::string_view name) {
  constexpr std::string_view kPrefix = "model.";
  if (name.starts_with(kPrefix)) name.remove_prefix(kPrefix.size());
  return name;
}

using FoundTensors = std::map<std::string_view, const Tensor*, std::less<>>;

// One more than the largest N in names that begin with `prefix` + N + ".".
std::size_t count_layers(const FoundTensors& found, std::string_view prefix) {
  std::size_t layers = 0;
  for (auto it = found.lower_bound(prefix); it != found.end() && it->first.starts_with(prefix); ++it) {
    const std::string_view rest = it->first.substr(prefix.size());
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), index);
    if (error == std::errc() && index < kMaxLayers) layers = std::max(layers, index + 1);
  }
  return layers;
}

// The dimensions the weights themselves have; a number of heads cannot be seen in them and is taken from `stated`.
ModelDimensions dimensions_of(const FoundTensors& found, const ModelDimensions& stated, Naming naming) {
  const bool huggingface = naming == Naming::kHuggingFace;
  ModelDimensions dims = stated;
  const auto read = [&](std::string_view name, std::string_view huggingface_name, std::size_t axis, std::size_t& to) {
    const auto it = found.find(huggingface ? huggingface_name : name);
    if (it != found.end() && it->second->shape.size() > axis) to = it->second->shape[axis];
  };
  read("encoder.conv1.weight", "encoder.conv1.weight", 1, dims.n_mels);
  read("encoder.conv1.weight", "encoder.conv1.weight", 0, dims.n_audio_state);
  read("encoder.positional_embedding", "encoder.embed_positions.weight", 0, dims.n_audio_ctx);
  read("encoder.blocks.0.mlp.0.weight", "encoder.layers.0.fc1.weight", 0, dims.n_audio_ffn);
  read("decoder.token_embedding.weight", "decoder.embed_tokens.weight", 0, dims.n_vocab);
  read("decoder.token_embedding.weight", "decoder.embed_tokens.weight", 1, dims.n_text_state);
  read("decoder.positional_embedding", "decoder.embed_positions.weight", 0, dims.n_text_ctx);
  read("decoder.blocks.0.mlp.0.weight", "decoder.layers.0.fc1.weight", 0, dims.n_text_ffn);
  dims.n_audio_layer = count_layers(found, huggingface ? "encoder.layers." : "encoder.blocks.");
  dims.n_text_layer = count_layers(found, huggingface ? "decoder.layers." : "decoder.blocks.");
  return dims;
}

// The published model these weights belong to; the number of heads follows from the width there.
std::optional<std::string_view> recognise(ModelDimensions dims) {
  for (const PublishedSize& size : published_sizes()) {
    dims.n_audio_head = size.dims.n_audio_head;
    dims.n_text_head = size.dims.n_text_head;
    if (dims == size.dims) return size.name;
  }
  return std::nullopt;
}

// Says which stated dimension the weights contradict, or nothing.
std::string mismatch_hint(const FoundTensors& found, const ModelDimensions& stated, const LayoutContext& context) {
  const ModelDimensions actual = dimensions_of(found, stated, context.naming);
  std::string says;
  for (const DimensionField& field : kFields) {
    if (stated.*field.member == actual.*field.member) continue;
    says = fmt::format("{} says {} = {}, the weights have {}", context.config_file, field_name(field, context.naming),
                       stated.*field.member, actual.*field.member);
    break;
  }
  if (says.empty()) return {};
  const std::optional<std::string_view> name = recognise(actual);
  return name ? fmt::format("\n  ({}; this looks like the weights of a {} model)", says, *name)
              : fmt::format("\n  ({})", says);
}

FoundTensors index_by_name(const std::vector<Tensor>& found, Naming naming) {
  FoundTensors by_name;
  for (const Tensor& tensor : found) {
    std::string_view name = tensor.source_name;
    if (naming == Naming::kHuggingFace) name = without_model_prefix(name);
    const auto [it, is_new] = by_name.emplace(name, &tensor);
    if (is_new) continue;
    throw Error(ErrorCode::kBadData, fmt::format("{}: tensor '{}' is there twice (also as '{}' in {})", tensor.file,
                                                 tensor.source_name, it->second->source_name, it->second->file));
  }
  return by_name;
}

bool belongs_to_a_layer(std::string_view name) {
  return name.starts_with("encoder.layers.") || name.starts_with("decoder.layers.") ||
         name.starts_with("encoder.blocks.") || name.starts_with("decoder.blocks.");
}

}  // namespace

std::vector<ExpectedTensor> expected_tensors(const ModelDimensions& dims) {
  std::vector<ExpectedTensor> out;
  const std::size_t audio = dims.n_audio_state;
  const std::size_t text = dims.n_text_state;
  out.push_back({"encoder.conv1.weight", "encoder.conv1.weight", {audio, dims.n_mels, 3}});
  out.push_back({"encoder.conv1.bias", "encoder.conv1.bias", {audio}});
  out.push_back({"encoder.conv2.weight", "encoder.conv2.weight", {audio, audio, 3}});
  out.push_back({"encoder.conv2.bias", "encoder.conv2.bias", {audio}});
  out.push_back({"encoder.positional_embedding", "encoder.embed_positions.weight", {dims.n_audio_ctx, audio}, false});
  for (std::size_t i = 0; i < dims.n_audio_layer; ++i) {
    const std::string block = fmt::format("encoder.blocks.{}", i);
    const std::string huggingface_block = fmt::format("encoder.layers.{}", i);
    for (const BlockPart& part : kBlockParts) {
      add_part(out, block, huggingface_block, part, {audio, dims.n_audio_ffn});
    }
  }
  add_norm(out, "encoder.ln_post", "encoder.layer_norm", audio);
  out.push_back({"decoder.token_embedding.weight", "decoder.embed_tokens.weight", {dims.n_vocab, text}});
  out.push_back({"decoder.positional_embedding", "decoder.embed_positions.weight", {dims.n_text_ctx, text}});
  for (std::size_t i = 0; i < dims.n_text_layer; ++i) {
    const std::string block = fmt::format("decoder.blocks.{}", i);
    const std::string huggingface_block = fmt::format("decoder.layers.{}", i);
    for (const BlockPart& part : kBlockParts) {
      add_part(out, block, huggingface_block, part, {text, dims.n_text_ffn});
    }
    for (const BlockPart& part : kCrossAttentionParts) {
      add_part(out, block, huggingface_block, part, {text, dims.n_text_ffn});
    }
  }
  add_norm(out, "decoder.ln", "decoder.layer_norm", text);
  return out;
}

void check_dimensions(const ModelDimensions& dims, std::string_view file, Naming naming) {
  for (const DimensionField& field : kFields) {
    const std::size_t value = dims.*field.member;
    if (value >= 1 && value <= field.max) continue;
    throw Error(ErrorCode::kBadData,
                fmt::format("{}: {} is {}, expected 1 to {}", file, field_name(field, naming), value, field.max));
  }
  if (dims.n_audio_state != dims.n_text_state) {
    throw Error(ErrorCode::kBadData, fmt::format("{}: n_audio_state is {} and n_text_state is {}, expected the same",
                                                 file, dims.n_audio_state, dims.n_text_state));
  }
  check_heads(dims.n_audio_state, dims.n_audio_head, "encoder", file);
  check_heads(dims.n_text_state, dims.n_text_head, "decoder", file);
}

void place_tensors(Checkpoint& checkpoint, const std::vector<Tensor>& found, const LayoutContext& context) {
  const FoundTensors by_name = index_by_name(found, context.naming);
  const ModelDimensions& dims = checkpoint.dims;
  const bool huggingface = context.naming == Naming::kHuggingFace;
  std::map<std::string_view, bool, std::less<>> used;
  const std::vector<ExpectedTensor> expected = expected_tensors(dims);
  for (const ExpectedTensor& want : expected) {
    const std::string& name = huggingface ? want.huggingface_name : want.name;
    const auto it = by_name.find(name);
    if (it == by_name.end()) {
      if (!want.required) continue;
      throw Error(ErrorCode::kBadData,
                  fmt::format("{}: tensor '{}{}' is missing{}", context.weight_file, huggingface ? "model." : "", name,
                              mismatch_hint(by_name, dims, context)));
    }
    Tensor tensor = *it->second;
    if (without_ones(tensor.shape) != without_ones(want.shape)) {
      throw Error(ErrorCode::kBadData, fmt::format("{}: tensor '{}' has shape {}, expected {}{}", tensor.file,
                                                   tensor.source_name, shape_to_string(tensor.shape),
                                                   shape_to_string(want.shape), mismatch_hint(by_name, dims, context)));
    }
    tensor.shape = want.shape;
    used.emplace(name, true);
    checkpoint.tensors.emplace(want.name, std::move(tensor));
  }
  for (const auto& [name, tensor] : by_name) {
    if (!belongs_to_a_layer(name) || used.contains(name)) continue;
    throw Error(ErrorCode::kBadData, fmt::format("{}: tensor '{}' belongs to no layer of this model{}", tensor->file,
                                                 tensor->source_name, mismatch_hint(by_name, dims, context)));
  }
}

std::string shape_to_string(const std::vector<std::size_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

}  // namespace amanuensis::model
