// A Whisper checkpoint, read from disk: dimensions, generation settings, vocabulary, and tensors under the names of
// OpenAI's implementation ("encoder.blocks.0.attn.query.weight"), whatever the file calls them. The tensors point into
// memory-mapped files, which the checkpoint owns. Immutable after loading; may be read from any thread.
//
// A format is one file here and one line in open_checkpoint().
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/mapped_file.h"
#include "device/backend.h"
#include "model/checkpoint/tensor.h"
#include "model/tokenizer/vocabulary.h"

namespace amanuensis::model {

// The sizes of one Whisper model, as OpenAI names them (openai/whisper, model.py: ModelDimensions).
struct ModelDimensions {
  std::size_t n_mels = 0;
  std::size_t n_audio_ctx = 0;  // encoder positions; the window is twice that in log-mel frames
  std::size_t n_audio_state = 0;
  std::size_t n_audio_head = 0;
  std::size_t n_audio_layer = 0;
  std::size_t n_audio_ffn = 0;  // 4 * n_audio_state in every published checkpoint
  std::size_t n_vocab = 0;
  std::size_t n_text_ctx = 0;
  std::size_t n_text_state = 0;
  std::size_t n_text_head = 0;
  std::size_t n_text_layer = 0;
  std::size_t n_text_ffn = 0;

  std::size_t window_frames() const { return 2 * n_audio_ctx; }
  bool operator==(const ModelDimensions&) const = default;
};

// What a checkpoint says about decoding (generation_config.json; derived from the vocabulary for formats without one).
struct GenerationSettings {
  bool is_multilingual = false;
  std::vector<TokenId> suppress_tokens;        // never sampled; empty when the checkpoint does not say
  std::vector<TokenId> begin_suppress_tokens;  // not sampled as the first token
  // Time tokens up to this index may begin a window (50 = 1.0 s).
  std::size_t max_initial_timestamp_index = 50;
  std::vector<std::pair<std::size_t, std::size_t>> alignment_heads;  // (decoder layer, head)
};

class Checkpoint {
 public:
  std::filesystem::path path;
  std::string format;  // "safetensors", "ggml f16", ... for people
  ModelDimensions dims;
  GenerationSettings generation;
  Vocabulary vocabulary;
  // [n_mels, 201] row by row, when the checkpoint brings its own mel filters (ggml); else empty.
  std::vector<float> mel_filters;

  bool has(std::string_view name) const { return tensors.contains(name); }
  // Throws Error{kBadData} naming the file and the tensor when it is missing or its shape is not `shape`.
  const Tensor& tensor(std::string_view name, std::span<const std::size_t> shape) const;
  // The values of a tensor of shape [size], as float32. Throws as tensor() does, and Error{kBadData} when a value is
  // not finite.
  std::vector<float> vector(std::string_view name, std::size_t size) const;
  // A [rows, cols] reader over a tensor with that many elements (trailing dimensions flattened). The reader must not
  // outlive the checkpoint; read_row throws Error{kBadData} when a value is not finite.
  std::unique_ptr<device::MatrixSource> matrix(std::string_view name, std::span<const std::size_t> shape) const;

  // Filled by the format readers.
  std::map<std::string, Tensor, std::less<>> tensors;
  std::vector<MappedFile> files;
  std::vector<AlignedBuffer<std::byte>> buffers;  // weights that no file holds (random_checkpoint)
};

// Opens a Hugging Face directory or a ggml file (told apart by what is there, not by the name). Checks every tensor's
// place and shape, not its values. Throws Error{kNotFound | kBadData | kUnsupported | kIo} naming file and tensor.
Checkpoint open_checkpoint(const std::filesystem::path& path);

}  // namespace amanuensis::model
