// The port's second half, for devices that take an encoder's whole transformer block as one operation, where calls are
// dear and memory is the device's own. A model asks its backend whether it is one of these; others never hear of it.
// Rules as in backend.h.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "device/backend.h"

namespace amanuensis::device {

// One block of an encoder (pre-norm transformer): attention among all positions of a window, then two linear layers
// with GELU between them, each added to what it was computed from. Weights are of prepare_encoder_linear.
struct EncoderBlock {
  LayerNorm attention_norm;
  const LinearWeights* query_key_value = nullptr;  // [3 * width, width]: query, key and value side by side
  const LinearWeights* attention_out = nullptr;    // [width, width]
  std::size_t heads = 0;
  LayerNorm mlp_norm;
  const LinearWeights* mlp_up = nullptr;    // [ffn, width]
  const LinearWeights* mlp_down = nullptr;  // [width, ffn]
};

class EncoderBackend : public Backend {
 public:
  // As prepare_linear, for a layer of the encoder.
  virtual std::unique_ptr<LinearWeights> prepare_encoder_linear(const MatrixSource& weight,
                                                                std::span<const float> bias) = 0;
  // Takes one window x [positions, width] through a whole block, in place.
  virtual void encoder_block(const EncoderBlock& block, TensorView<float> x) = 0;
};

}  // namespace amanuensis::device
