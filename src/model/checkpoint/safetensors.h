// Reads a safetensors file (https://github.com/huggingface/safetensors, "Format"): a 64-bit header length, a JSON
// header of names, types, shapes and places, then the values. Works on bytes in memory; the tensors are views into
// them. Pure functions; may be called from any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "model/checkpoint/tensor.h"

namespace amanuensis::model {

// The tensors of one file, in the order of their bytes. `file` is its name, for messages. As the format's own reader
// does, refuses tensors that overlap, leave gaps or end elsewhere than the file. Throws Error{kBadData} naming file and
// tensor, and Error{kUnsupported} for a known type that is not a floating-point type of 16 or 32 bits.
std::vector<Tensor> parse_safetensors(std::span<const std::byte> bytes, std::string_view file);

}  // namespace amanuensis::model
