// The weights of the built-in speaker network, which are part of the program (models/speaker/builtin.safetensors).
// Immutable; any thread.
#pragma once

#include <cstddef>
#include <span>

namespace amanuensis::model {

// A safetensors file's bytes.
std::span<const std::byte> builtin_voice_weights();

}  // namespace amanuensis::model
