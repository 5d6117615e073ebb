// Feeds bytes to the reader of PyTorch files, as a whole archive and as the pickle alone. Whatever it is given, it
// returns or throws Error.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "model/checkpoint/pickle.h"
#include "model/checkpoint/torch_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  try {
    for (const amanuensis::model::Tensor& tensor : amanuensis::model::parse_torch_file(bytes, "fuzz.bin")) {
      std::vector<float> values(std::min<std::size_t>(tensor.element_count(), 64));
      amanuensis::model::read_values(tensor, tensor.element_count() - values.size(), values);
    }
  } catch (const amanuensis::Error&) {  // what a damaged file should give
  }
  try {
    const amanuensis::model::Pickle pickle(bytes, "fuzz.pkl");
  } catch (const amanuensis::Error&) {
  }
  return 0;
}
