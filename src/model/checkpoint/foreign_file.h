// Recognises what people have instead of weights: a Git LFS pointer, a web page saved under a model's name, a PyTorch
// pickle, a file of another program. Pure functions; may be called from any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace amanuensis::model {

// "is a Git LFS pointer, not the weights themselves: run `git lfs pull` in its folder"; empty when the first bytes tell
// nothing.
std::string describe_foreign_file(std::span<const std::byte> bytes);

// Names from a file as they go into a message: cut to a sane length, control characters and malformed UTF-8 replaced.
std::string printable(std::string_view name);

}  // namespace amanuensis::model
