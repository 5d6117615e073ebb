// What tensors a Whisper checkpoint must hold, given its dimensions, and the one place where a checkpoint is checked
// against that. Pure functions over values owned by the caller; may be called from any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "model/checkpoint/checkpoint.h"

namespace amanuensis::model {

struct ExpectedTensor {
  std::string name;              // as OpenAI's implementation calls it
  std::string huggingface_name;  // as Hugging Face's does, without the "model." that most files put before it
  std::vector<std::size_t> shape;
  bool required = true;  // the encoder's positions are sinusoids, which can be computed where a file leaves them out
};

// Every tensor of a model of these dimensions (openai/whisper, model.py: the state of Whisper(dims)). Attention keys
// have no bias, and the vocabulary projection is the token embedding. The dimensions must have passed
// check_dimensions().
std::vector<ExpectedTensor> expected_tensors(const ModelDimensions& dims);

// Whose names a checkpoint uses, for its dimensions and for its tensors.
enum class Naming { kOpenAi, kHuggingFace };

// Throws Error{kBadData} naming `file` and the field when a dimension is zero or absurdly large, a number of heads does
// not divide the width, or encoder and decoder differ in width.
void check_dimensions(const ModelDimensions& dims, std::string_view file, Naming naming);

struct LayoutContext {
  std::string config_file;  // the file the dimensions come from
  std::string weight_file;  // the file, or index of files, the tensors come from
  Naming naming = Naming::kOpenAi;
};

// Puts the tensors found in a file into `checkpoint.tensors`, which then holds exactly those that `checkpoint.dims`
// expects, under OpenAI's names. Extents of 1 do not count when shapes are compared (ggml writes a bias as [n, 1]).
// What the model does not use is left out, but a tensor of a layer that the dimensions do not have is an error. Throws
// Error{kBadData} naming file and tensor: missing, misshapen, twice there or one too many, with a hint when the weights
// are another model's.
void place_tensors(Checkpoint& checkpoint, const std::vector<Tensor>& found, const LayoutContext& context);

// "[512, 80, 3]".
std::string shape_to_string(const std::vector<std::size_t>& shape);

}  // namespace amanuensis::model
