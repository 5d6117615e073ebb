#include "model/checkpoint/ggml.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "model/checkpoint/foreign_file.h"
#include "model/checkpoint/huggingface_config.h"
#include "model/checkpoint/layout.h"
#include "model/checkpoint/whisper_vocabulary.h"

namespace amanuensis::model {
namespace {

constexpr std::uint32_t kMagic = 0x67676d6c;
// A file type is a quantisation version times this, plus the type.
constexpr std::int32_t kQuantisationVersionFactor = 1000;
constexpr std::int32_t kMaxDimensions = 4;
constexpr std::int32_t kMaxNameBytes = 256;
// Bins of a 400-point real Fourier transform.
constexpr std::size_t kFilterBins = 201;
// The longest token of the published vocabularies has 128 bytes.
constexpr std::int32_t kMaxTokenBytes = 4096;

// ggml's number for a type, of a file (ggml_ftype) and of a tensor (ggml_type).
struct NumberedType {
  std::int32_t file_type;
  std::int32_t tensor_type;
  StorageType type;
};

constexpr NumberedType kTypes[] = {
    {0, 0, StorageType::kF32},  {1, 1, StorageType::kF16},  {2, 2, StorageType::kQ4_0}, {3, 3, StorageType::kQ4_1},
    {8, 6, StorageType::kQ5_0}, {9, 7, StorageType::kQ5_1}, {7, 8, StorageType::kQ8_0},
};
constexpr std::string_view kReadTypes = "f32, f16, q4_0, q4_1, q5_0, q5_1 and q8_0 are read";

// Takes values off the front of a file; every read says what it was for, so that a file cut short anywhere is named.
class Reader {
 public:
  Reader(std::span<const std::byte> bytes, std::string_view file) : rest_(bytes), size_(bytes.size()), file_(file) {}

  [[noreturn]] void fail(const std::string& what, ErrorCode code = ErrorCode::kBadData) const {
    throw Error(code, fmt::format("{}: {}", file_, what));
  }

  std::span<const std::byte> take(std::size_t count, std::string_view what) {
    if (count > rest_.size()) {
      fail(fmt::format("ends inside {}: {} bytes are left of {}, {} are needed; it was cut short, download it again",
                       what, rest_.size(), size_, count));
    }
    const std::span<const std::byte> taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }

  std::int32_t number(std::string_view what) {
    std::int32_t value = 0;
    std::memcpy(&value, take(sizeof(value), what).data(), sizeof(value));
    return value;
  }

  // A number of things, at least 0 and at most `max`.
  std::size_t count(std::string_view what, std::int32_t max) {
    const std::int32_t value = number(what);
    if (value < 0 || value > max) fail(fmt::format("{} is {}, expected 0 to {}", what, value, max));
    return static_cast<std::size_t>(value);
  }

  std::string text(std::size_t size, std::string_view what) {
    const std::span<const std::byte> bytes = take(size, what);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  bool at_end() const { return rest_.empty(); }

 private:
  std::span<const std::byte> rest_;
  std::size_t size_;
  std::string_view file_;
};

constexpr std::int32_t kMaxHyperparameter = 1 << 20;

ModelDimensions read_dimensions(Reader& reader, std::string_view file) {
  const auto next = [&](std::string_view name) { return reader.count(name, kMaxHyperparameter); };
  ModelDimensions dims;
  dims.n_vocab = next("n_vocab");
  dims.n_audio_ctx = next("n_audio_ctx");
  dims.n_audio_state = next("n_audio_state");
  dims.n_audio_head = next("n_audio_head");
  dims.n_audio_layer = next("n_audio_layer");
  dims.n_text_ctx = next("n_text_ctx");
  dims.n_text_state = next("n_text_state");
  dims.n_text_head = next("n_text_head");
  dims.n_text_layer = next("n_text_layer");
  dims.n_mels = next("n_mels");
  // The format has no field for it, and its own program assumes this.
  dims.n_audio_ffn = 4 * dims.n_audio_state;
  dims.n_text_ffn = 4 * dims.n_text_state;
  check_dimensions(dims, file, Naming::kOpenAi);
  return dims;
}

std::string read_format(Reader& reader) {
  const std::int32_t number = reader.number("ftype");
  const std::int32_t file_type = number % kQuantisationVersionFactor;
  const auto* known = std::ranges::find(kTypes, file_type, &NumberedType::file_type);
  if (number < 0 || known == std::end(kTypes)) {
    reader.fail(fmt::format("has file type {} of ggml; {}", number, kReadTypes), ErrorCode::kUnsupported);
  }
  return fmt::format("ggml {}", to_string(known->type));
}

std::vector<float> read_filters(Reader& reader, std::size_t n_mels) {
  const std::int32_t rows = reader.number("the size of the mel filters");
  const std::int32_t cols = reader.number("the size of the mel filters");
  if (rows < 0 || static_cast<std::size_t>(rows) != n_mels || cols != static_cast<std::int32_t>(kFilterBins)) {
    reader.fail(fmt::format("has mel filters of [{}, {}], expected [{}, {}]", rows, cols, n_mels, kFilterBins));
  }
  std::vector<float> filters(n_mels * kFilterBins);
  const std::span<const std::byte> bytes = reader.take(filters.size() * sizeof(float), "the mel filters");
  std::memcpy(filters.data(), bytes.data(), bytes.size());
  return filters;
}

// The name of a special token whose text a vocabulary holds, in Whisper's spelling or in whisper.cpp's; empty for
// ordinary tokens. Ordinary tokens may begin or end so, but none is a whole such name.
std::string special_name(std::string_view text) {
  if (text.size() > 4 && text.starts_with("<|") && text.ends_with("|>")) return std::string(text);
  constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"[_EOT_]", "<|endoftext|>"},         {"[_SOT_]", "<|startoftranscript|>"}, {"[_TRANSLATE_]", "<|translate|>"},
      {"[_TRANSCRIBE_]", "<|transcribe|>"}, {"[_SOLM_]", "<|startoflm|>"},        {"[_PREV_]", "<|startofprev|>"},
      {"[_NOSP_]", "<|nospeech|>"},         {"[_NOT_]", "<|notimestamps|>"},      {"[_BEG_]", "<|0.00|>"},
  };
  for (const auto& [name, special] : kNames) {
    if (text == name) return std::string(special);
  }
  constexpr std::string_view kLanguage = "[_LANG_";
  if (text.starts_with(kLanguage) && text.ends_with(']') && text.size() > kLanguage.size() + 1) {
    return fmt::format("<|{}|>", text.substr(kLanguage.size(), text.size() - kLanguage.size() - 1));
  }
  constexpr std::string_view kTime = "[_TT_";
  if (text.starts_with(kTime) && text.ends_with(']') && text.size() > kTime.size() + 1 && text.size() < 12) {
    std::size_t index = 0;
    for (const char c : text.substr(kTime.size(), text.size() - kTime.size() - 1)) {
      if (c < '0' || c > '9') return {};
      index = 10 * index + static_cast<std::size_t>(c - '0');
    }
    return fmt::format("<|{}.{:02}|>", 2 * index / 100, 2 * index % 100);
  }
  return {};
}

Vocabulary read_tokens(Reader& reader, std::size_t n_vocab, std::string_view file) {
  Vocabulary vocabulary;
  vocabulary.source = fmt::format("{} (vocabulary)", file);
  const std::size_t count = reader.count("the number of tokens", static_cast<std::int32_t>(n_vocab));
  for (std::size_t id = 0; id < count; ++id) {
    std::string text = reader.text(reader.count("the length of a token", kMaxTokenBytes), "the vocabulary");
    const std::string special = special_name(text);
    if (special.empty()) {
      vocabulary.tokens.resize(id);
      vocabulary.tokens.push_back(std::move(text));
    } else if (!vocabulary.special.emplace(special, static_cast<TokenId>(id)).second) {
      reader.fail(fmt::format("has the special token '{}' twice in its vocabulary", printable(special)));
    }
  }
  // Without the start of a transcript among them these are ordinary tokens alone, and the ids after them follow the
  // published layout.
  if (!vocabulary.special.contains("<|startoftranscript|>")) {
    if (vocabulary.special.empty()) vocabulary.tokens.resize(count);
    add_special_tokens(vocabulary, n_vocab, file);
  }
  complete_time_tokens(vocabulary, n_vocab);
  return vocabulary;
}

StorageType tensor_type(const Reader& reader, std::int32_t number, const std::string& name) {
  const auto* known = std::ranges::find(kTypes, number, &NumberedType::tensor_type);
  if (known == std::end(kTypes)) {
    reader.fail(fmt::format("tensor '{}' has ggml type {}; {}", printable(name), number, kReadTypes),
                ErrorCode::kUnsupported);
  }
  return known->type;
}

Tensor read_tensor(Reader& reader, std::string_view file, const std::string& previous) {
  const std::string where = previous.empty() ? "the first tensor" : fmt::format("the tensor after '{}'", previous);
  Tensor tensor;
  tensor.file = file;
  tensor.shape.resize(reader.count(where + ": its number of dimensions", kMaxDimensions));
  const std::size_t name_bytes = reader.count(where + ": the length of its name", kMaxNameBytes);
  const std::int32_t type = reader.number(where);
  // ggml writes the innermost extent first.
  for (std::size_t i = tensor.shape.size(); i > 0; --i) {
    tensor.shape[i - 1] = reader.count(where + ": an extent", std::numeric_limits<std::int32_t>::max());
  }
  tensor.source_name = reader.text(name_bytes, where);
  tensor.type = tensor_type(reader, type, tensor.source_name);
  const std::string name = fmt::format("tensor '{}'", printable(tensor.source_name));
  const std::optional<std::size_t> bytes = checked_storage_bytes(tensor.type, tensor.shape);
  if (!bytes) {
    reader.fail(fmt::format("{} of shape {} cannot be stored as {}", name, shape_to_string(tensor.shape),
                            to_string(tensor.type)));
  }
  tensor.bytes = reader.take(*bytes, name);
  return tensor;
}

}  // namespace

bool is_ggml(std::span<const std::byte> bytes) {
  std::uint32_t magic = 0;
  if (bytes.size() < sizeof(magic)) return false;
  std::memcpy(&magic, bytes.data(), sizeof(magic));
  return magic == kMagic;
}

Checkpoint parse_ggml(std::span<const std::byte> bytes, std::string_view file) {
  Reader reader(bytes, file);
  if (!is_ggml(bytes)) reader.fail("does not begin with the magic number of whisper.cpp's ggml models");
  reader.take(sizeof(kMagic), "the magic number");
  Checkpoint checkpoint;
  checkpoint.path = file;
  checkpoint.dims = read_dimensions(reader, file);
  checkpoint.format = read_format(reader);
  checkpoint.mel_filters = read_filters(reader, checkpoint.dims.n_mels);
  checkpoint.vocabulary = read_tokens(reader, checkpoint.dims.n_vocab, file);
  check_vocabulary_size(checkpoint.vocabulary, checkpoint.dims.n_vocab, file, "n_vocab");
  checkpoint.generation = derive_generation_settings(checkpoint.dims, checkpoint.vocabulary);

  std::vector<Tensor> tensors;
  std::string previous;
  while (!reader.at_end()) {
    tensors.push_back(read_tensor(reader, file, previous));
    previous = printable(tensors.back().source_name);
  }
  place_tensors(checkpoint, tensors,
                {.config_file = "the file's header", .weight_file = std::string(file), .naming = Naming::kOpenAi});
  return checkpoint;
}

Checkpoint open_ggml(MappedFile file) {
  Checkpoint checkpoint = parse_ggml(file.bytes(), file.path().string());
  checkpoint.files.push_back(std::move(file));
  return checkpoint;
}

}  // namespace amanuensis::model
