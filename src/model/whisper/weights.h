// Reading a checkpoint's tensors into the backend's packed form: the parts that encoder and decoder share. What is
// loaded here is immutable and owned by the caller; the checkpoint is not needed afterwards. Loading runs on one
// thread.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "device/backend.h"
#include "model/checkpoint/checkpoint.h"

namespace amanuensis::model {

struct LayerNormWeights {
  std::vector<float> gamma;
  std::vector<float> beta;
};

// Self-attention: one projection yields query, key and value, in this order, side by side.
struct SelfAttentionWeights {
  LayerNormWeights norm;
  std::unique_ptr<device::LinearWeights> query_key_value;  // [3 * width, width]
  std::unique_ptr<device::LinearWeights> out;              // [width, width]
};

// Attention to the encoder's output; key and value are computed once per window.
struct CrossAttentionWeights {
  LayerNormWeights norm;
  std::unique_ptr<device::LinearWeights> query;      // [width, width]
  std::unique_ptr<device::LinearWeights> key_value;  // [2 * width, width]
  std::unique_ptr<device::LinearWeights> out;        // [width, width]
};

struct MlpWeights {
  LayerNormWeights norm;
  std::unique_ptr<device::LinearWeights> up;    // [ffn, width]
  std::unique_ptr<device::LinearWeights> down;  // [width, ffn]
};

// Reads the layers of one checkpoint. Every call throws Error{kBadData} naming file and tensor when one is missing,
// misshapen or holds a value that is not finite. `prefix` is a module's name as in openai/whisper, e.g.
// "decoder.blocks.0.attn".
class WeightLoader {
 public:
  // Both must outlive the loader.
  WeightLoader(const Checkpoint& checkpoint, device::Backend& backend) : checkpoint_(checkpoint), backend_(backend) {}

  LayerNormWeights layer_norm(const std::string& prefix, std::size_t width) const;
  SelfAttentionWeights self_attention(const std::string& block, std::size_t width) const;
  CrossAttentionWeights cross_attention(const std::string& block, std::size_t width) const;
  MlpWeights mlp(const std::string& block, std::size_t width, std::size_t ffn) const;
  std::unique_ptr<device::ConvWeights> conv1d(const std::string& prefix, std::size_t out_channels,
                                              const device::ConvShape& shape) const;
  // A linear layer without a bias.
  std::unique_ptr<device::LinearWeights> projection(const std::string& tensor, std::size_t out, std::size_t in) const;

 private:
  std::unique_ptr<device::LinearWeights> linear(const std::string& prefix, std::size_t out, std::size_t in) const;
  // Several square projections of the same input as one layer, their outputs side by side. Whisper's keys have no bias:
  // theirs is zero.
  std::unique_ptr<device::LinearWeights> fused(const std::string& prefix, std::span<const std::string_view> parts,
                                               std::size_t width) const;

  const Checkpoint& checkpoint_;
  device::Backend& backend_;
};

// A table of rows that are looked up by index and kept as the checkpoint stores them (half the memory for the usual
// float16). Immutable; may be read from any thread.
class EmbeddingTable {
 public:
  EmbeddingTable(const Checkpoint& checkpoint, std::string_view name, std::size_t rows, std::size_t width);

  // Writes row `row` into out[0, width).
  void read_row(std::size_t row, std::span<float> out) const;

 private:
  std::vector<std::byte> bytes_;
  Tensor tensor_;
  std::size_t width_;
};

// A whole tensor [rows, width] as float32. Throws as Checkpoint::matrix does.
std::vector<float> read_table(const Checkpoint& checkpoint, std::string_view name, std::size_t rows, std::size_t width);

// The encoder's position table [positions, width]: sines in the first half of the columns, cosines in the second, of
// position / 10000^(i / (width / 2 - 1)) (openai/whisper, model.py: sinusoids).
std::vector<float> sinusoid_positions(std::size_t positions, std::size_t width);

}  // namespace amanuensis::model
