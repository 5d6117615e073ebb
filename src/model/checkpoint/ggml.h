// Reads Whisper models in whisper.cpp's ggml format (.bin): a magic number, eleven 32-bit hyperparameters, mel filters,
// the vocabulary's ordinary tokens, then tensors up to the end of the file. Facts from whisper.cpp's converters
// (models/convert-pt-to-ggml.py) and loader. Works on bytes in memory; the tensors are views into them.
// Pure functions; may be called from any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "model/checkpoint/checkpoint.h"

namespace amanuensis::model {

// Whether the bytes begin with whisper.cpp's magic number.
bool is_ggml(std::span<const std::byte> bytes);

// Everything but `files`, which must keep the bytes alive. `file` is the name for messages. Throws Error{kBadData |
// kUnsupported} naming file and tensor.
Checkpoint parse_ggml(std::span<const std::byte> bytes, std::string_view file);

// As above, over a mapped file that the checkpoint then owns.
Checkpoint open_ggml(MappedFile file);

}  // namespace amanuensis::model
