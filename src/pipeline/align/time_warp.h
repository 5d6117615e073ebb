// From attention to times: the two numerical steps of openai/whisper's find_alignment (timing.py). Pure; any thread.
#pragma once

#include <cstddef>
#include <vector>

#include "base/tensor_view.h"

namespace amanuensis::pipeline {

// Which rows of each head's attention are wanted.
struct AttentionRows {
  std::size_t heads = 0;
  std::size_t tokens = 0;  // rows of a head
  std::size_t first = 0;   // the first row wanted
  std::size_t count = 0;
};

// How strongly each token points at each position. weights [heads * tokens, positions] (head by head) are standardised
// over each head's tokens, smoothed along the positions by a median of 7 (mirrored at the ends; not at all for fewer
// than 4 positions) and averaged over the heads: [count, positions], row by row. A position at which all of a head's
// tokens are equal counts as 0 for that head. `weights` is used as workspace.
std::vector<float> pointing_strength(TensorView<float> weights, const AttentionRows& rows);

// Dynamic time warping (Sakoe & Chiba 1978): the monotonic path through strength [rows, cols] with the greatest sum,
// from the first to the last corner. Returns, for each row, the first column of the path in it. rows and cols are at
// least 1; values are finite.
std::vector<std::size_t> warp(TensorView<const float> strength);

}  // namespace amanuensis::pipeline
