// Whisper's audio encoder (openai/whisper, model.py: AudioEncoder): two convolutions, sinusoid positions, pre-norm
// transformer blocks and a last layer norm. Owns its packed weights, which are immutable, and the workspace of the call
// in progress: one thread at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "base/tensor_view.h"
#include "device/backend.h"
#include "device/encoder_backend.h"
#include "model/checkpoint/checkpoint.h"
#include "model/whisper/scratch.h"
#include "model/whisper/weights.h"

namespace amanuensis::model {

class Encoder {
 public:
  // The backend must outlive the encoder. Throws as WhisperModel's constructor does.
  Encoder(const Checkpoint& checkpoint, device::Backend& backend);

  // Encodes B log-mel windows [n_mels, 2 * n_audio_ctx] into out [B * n_audio_ctx, n_audio_state], one window below the
  // other. Throws Error{kInvalidArgument} when a window's shape differs.
  void run(std::span<const TensorView<const float>> log_mels, TensorView<float> out);

 private:
  struct Block {
    SelfAttentionWeights attention;
    MlpWeights mlp;
  };

  void embed(TensorView<const float> log_mel, TensorView<float> x);
  void run_block(const Block& block, std::size_t windows, TensorView<float> x);

  device::Backend& backend_;
  device::EncoderBackend* whole_blocks_;  // the backend, where it takes blocks as a whole; else null
  ModelDimensions dims_;
  std::unique_ptr<device::ConvWeights> conv1_;
  std::unique_ptr<device::ConvWeights> conv2_;
  std::vector<float> positions_;  // [n_audio_ctx, n_audio_state]
  std::vector<Block> blocks_;
  LayerNormWeights last_norm_;

  Scratch frames_;    // [2 * n_audio_ctx, n_mels]
  Scratch conv_;      // [2 * n_audio_ctx, n_audio_state]
  Scratch attended_;  // [rows, n_audio_state]: a block's attention
  Scratch wide_;      // [rows, 3 * n_audio_state] and [rows, n_audio_ffn] in turn
};

}  // namespace amanuensis::model
