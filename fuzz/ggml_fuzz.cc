// Feeds bytes to the reader of whisper.cpp's ggml files, and reads every weight of those that pass; also reads the
// bytes as blocks of each storage type. Whatever it is given, the reader returns or throws Error.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "model/checkpoint/ggml.h"
#include "model/checkpoint/layout.h"
#include "model/tokenizer/tokenizer.h"

namespace {

using namespace amanuensis;         // NOLINT(google-build-using-namespace): one harness, one file
using namespace amanuensis::model;  // NOLINT(google-build-using-namespace)

void read_checkpoint(std::span<const std::byte> bytes) {
  const Checkpoint checkpoint = parse_ggml(bytes, "fuzz.bin");
  for (const ExpectedTensor& tensor : expected_tensors(checkpoint.dims)) {
    if (!checkpoint.has(tensor.name)) continue;
    const auto matrix = checkpoint.matrix(tensor.name, tensor.shape);
    std::vector<float> row(matrix->cols());
    for (std::size_t r = 0; r < matrix->rows(); ++r) matrix->read_row(r, row);
  }
  const Tokenizer tokenizer(checkpoint.vocabulary);
}

void read_blocks(std::span<const std::byte> bytes) {
  for (int type = 0; type <= static_cast<int>(StorageType::kQ8_0); ++type) {
    Tensor tensor = {"blocks", "fuzz.bin", static_cast<StorageType>(type), {}, bytes};
    const std::size_t block = block_values(tensor.type);
    const std::size_t blocks = std::min<std::size_t>(bytes.size() / storage_bytes(tensor.type, block), 8);
    tensor.shape = {blocks * block};
    std::vector<float> values(blocks * block);
    read_values(tensor, 0, values);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  try {
    read_checkpoint(bytes);
  } catch (const Error&) {  // what a damaged file should give
  }
  read_blocks(bytes);
  return 0;
}
