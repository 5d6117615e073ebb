#include "model/speaker/voice_weights.h"

// Defined by the assembler file that CMake writes (src/model/CMakeLists.txt).
extern "C" const std::byte amanuensis_voice_weights[];
extern "C" const std::byte amanuensis_voice_weights_end[];

namespace amanuensis::model {

std::span<const std::byte> builtin_voice_weights() { return {amanuensis_voice_weights, amanuensis_voice_weights_end}; }

}  // namespace amanuensis::model
