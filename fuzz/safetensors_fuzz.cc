// Feeds bytes to the reader of safetensors files, and text that begins like JSON to the readers of a checkpoint's
// configuration as well. Whatever they are given, they return or throw Error.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model/checkpoint/huggingface_config.h"
#include "model/checkpoint/json_document.h"
#include "model/checkpoint/layout.h"
#include "model/checkpoint/safetensors.h"

namespace {

using namespace amanuensis;         // NOLINT(google-build-using-namespace): one harness, one file
using namespace amanuensis::model;  // NOLINT(google-build-using-namespace)

void read_weights(std::span<const std::byte> bytes) {
  Checkpoint checkpoint;
  checkpoint.dims = {.n_mels = 1,
                     .n_audio_ctx = 1,
                     .n_audio_state = 2,
                     .n_audio_head = 1,
                     .n_audio_layer = 1,
                     .n_audio_ffn = 2,
                     .n_vocab = 3,
                     .n_text_ctx = 1,
                     .n_text_state = 2,
                     .n_text_head = 1,
                     .n_text_layer = 1,
                     .n_text_ffn = 2};
  std::vector<Tensor> tensors = parse_safetensors(bytes, "fuzz.safetensors");
  for (const Tensor& tensor : tensors) {
    std::vector<float> values(std::min<std::size_t>(tensor.element_count(), 64));
    read_values(tensor, tensor.element_count() - values.size(), values);
  }
  place_tensors(checkpoint, tensors, {"config.json", "fuzz.safetensors", Naming::kHuggingFace});
  for (const ExpectedTensor& tensor : expected_tensors(checkpoint.dims)) {
    if (!checkpoint.has(tensor.name)) continue;
    const auto matrix = checkpoint.matrix(tensor.name, tensor.shape);
    std::vector<float> row(matrix->cols());
    for (std::size_t r = 0; r < matrix->rows(); ++r) matrix->read_row(r, row);
  }
}

void read_configuration(std::string_view text) {
  const JsonDocument document(text, "fuzz.json");
  ModelDimensions dims;
  try {
    dims = read_huggingface_dimensions(document);
    expected_tensors(dims);
  } catch (const Error&) {
    dims = {.n_mels = 80, .n_vocab = 100, .n_text_head = 2, .n_text_layer = 2};
  }
  const Vocabulary vocabulary;
  read_generation_settings(&document, document, dims, vocabulary);
  check_preprocessor(document, document, dims);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  try {
    read_weights(bytes);
  } catch (const Error&) {  // what a damaged file should give
  }
  if (size == 0 || data[0] != '{') return 0;
  try {
    read_configuration({reinterpret_cast<const char*>(data), size});
  } catch (const Error&) {
  }
  return 0;
}
