// What a known text looks at in the audio: the input and output of WhisperModel::align(). Plain views; the caller owns
// all memory.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "base/tensor_view.h"
#include "model/tokenizer/vocabulary.h"

namespace amanuensis::model {

class EncodedWindow;

// A decoder layer and one of its heads.
using AlignmentHead = std::pair<std::size_t, std::size_t>;

// One sequence of tokens and the window it was said in.
struct AlignmentItem {
  std::shared_ptr<const EncodedWindow> window;
  std::span<const TokenId> tokens;  // the whole sequence, from the start-of-transcript token on
  std::size_t positions = 0;        // encoder positions that are looked at: the first so many, at least one
  // [heads.size() * tokens.size(), positions]: what head h gives to the audio at token t, in row h * tokens.size() + t:
  // softmax over the positions.
  TensorView<float> weights;
  // Receives log P(tokens[first_scored + i] | the tokens before it); first_scored is at least 1.
  std::size_t first_scored = 1;
  std::span<float> log_probs;
};

// Which heads are read, and what a token's probability is a share of: tokens [0, vocabulary).
struct AlignmentRequest {
  std::span<const AlignmentHead> heads;
  std::size_t vocabulary = 0;
};

}  // namespace amanuensis::model
