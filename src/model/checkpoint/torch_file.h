// Reads the tensors of a file that torch.save() wrote (PyTorch 1.6 or later): an uncompressed zip archive of a pickle
// (Python's pickletools describes its instructions) and one file of values for each storage. No code of the file is
// run: the pickle is read for containers, texts, numbers and tensors, and whatever else it would make is passed over.
// Works on bytes in memory; the tensors are views into them. Pure functions; may be called from any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "model/checkpoint/tensor.h"

namespace amanuensis::model {

// The floating-point tensors of 16 and 32 bits of the file's dictionary, or of its "state_dict" where it has one.
// `file` is its name, for messages. Throws Error{kBadData} naming file and what is wrong, Error{kUnsupported} for files
// of older PyTorch and tensors that are not laid out row by row.
std::vector<Tensor> parse_torch_file(std::span<const std::byte> bytes, std::string_view file);

}  // namespace amanuensis::model
