// Whisper's text decoder (openai/whisper, model.py: TextDecoder): token and position embeddings, pre-norm blocks with
// causal self-attention, attention to the encoded window and an MLP, and a vocabulary projection tied to the token
// embedding. Owns its packed weights, which are immutable, and the workspace of the call in progress: one thread at a
// time.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "base/tensor_view.h"
#include "device/backend.h"
#include "model/checkpoint/checkpoint.h"
#include "model/whisper/alignment.h"
#include "model/whisper/scratch.h"
#include "model/whisper/weights.h"
#include "model/whisper/whisper_model.h"

namespace amanuensis::model {

class Decoder {
 public:
  // The backend must outlive the decoder. Throws as WhisperModel's constructor does.
  Decoder(const Checkpoint& checkpoint, device::Backend& backend);

  std::shared_ptr<EncodedWindow> new_window() const;
  // Cross-attention keys and values of encoder output [windows.size() * n_audio_ctx, n_audio_state].
  void fill_windows(TensorView<const float> audio, std::span<const std::shared_ptr<EncodedWindow>> windows);

  // With room for `capacity` tokens.
  DecoderSequence new_sequence(std::shared_ptr<const EncodedWindow> window, std::size_t capacity) const;
  void restart_sequence(DecoderSequence& sequence, std::shared_ptr<const EncodedWindow> window) const;
  void copy_sequence(DecoderSequence& to, const DecoderSequence& from) const;
  // As WhisperModel::decode.
  void run(std::span<const DecodeItem> items);
  // As WhisperModel::align.
  void align(std::span<const AlignmentItem> items, const AlignmentRequest& request);

 private:
  struct Block {
    SelfAttentionWeights self;
    CrossAttentionWeights cross;
    MlpWeights mlp;
  };
  // One item's place among the rows of the call.
  struct Span {
    std::size_t first = 0;
    std::size_t rows = 0;
  };

  struct AlignmentCall {
    std::span<const AlignmentItem> items;
    const AlignmentRequest& request;
  };

  void check(std::span<const DecodeItem> items) const;
  void check_window(const EncodedWindow* window) const;
  void embed(std::span<const DecodeItem> items, TensorView<float> x) const;
  void self_attention(std::size_t layer, std::span<const DecodeItem> items, TensorView<float> x);
  // Also reads the layer's alignment heads when there is a call that wants them.
  void cross_attention(std::size_t layer, std::span<const DecodeItem> items, TensorView<float> x,
                       const AlignmentCall* alignment = nullptr);
  void mlp(std::size_t layer, TensorView<float> x);
  void project(std::span<const DecodeItem> items, TensorView<const float> x);
  // Gives each item its place among the rows and returns the embedded tokens.
  TensorView<float> begin(std::span<const DecodeItem> items);
  void check_alignment(std::span<const AlignmentItem> items, const AlignmentRequest& request) const;
  void read_maps(std::size_t layer, const AlignmentCall& call, TensorView<const float> query);
  void score(std::span<const AlignmentItem> items, std::size_t vocabulary, TensorView<const float> x);

  device::Backend& backend_;
  ModelDimensions dims_;
  EmbeddingTable tokens_;         // [n_vocab, n_text_state]
  std::vector<float> positions_;  // [n_text_ctx, n_text_state]
  std::vector<Block> blocks_;
  LayerNormWeights last_norm_;
  std::unique_ptr<device::LinearWeights> vocabulary_;  // the token embedding again, packed

  std::vector<Span> spans_;  // of the items of the call in progress
  std::vector<device::CachedAttention> attention_;
  Scratch x_;       // [rows, n_text_state]: the residual stream
  Scratch normed_;  // [rows, n_text_state]: a normalised input, then an attention's result
  Scratch wide_;    // [rows, 3 * n_text_state] and [rows, n_text_ffn] in turn; keys and values of windows
  Scratch logits_;  // [rows, n_vocab], for callers whose rows are scattered
};

}  // namespace amanuensis::model
