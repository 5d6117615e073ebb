#include "model/checkpoint/foreign_file.h"

#include <algorithm>
#include <cctype>

#include "model/tokenizer/utf8.h"

namespace amanuensis::model {
namespace {

struct Signature {
  std::string_view begins_with;
  std::string_view says;
};

constexpr std::string_view kHowToConvert =
    "; convert it with Python: transformers.WhisperForConditionalGeneration.from_pretrained(FOLDER)"
    ".save_pretrained(NEW_FOLDER) writes config.json and model.safetensors";

constexpr Signature kSignatures[] = {
    {"version https://git-lfs.github.com/spec/",
     "is a Git LFS pointer, not the weights themselves: run `git lfs pull` in its folder, or download the file again"},
    {"GGUF", "is a GGUF file; of ggml's formats the one whisper.cpp uses (.bin, magic 'ggml') is read"},
    {"fmgg", "is a ggml file of an old kind (magic 'ggmf'); whisper.cpp's models begin with 'ggml'"},
    {"tjgg", "is a ggml file of another kind (magic 'ggjt'); whisper.cpp's models begin with 'ggml'"},
    {"\x93NUMPY", "is a NumPy array, not a checkpoint"},
    {"\x1f\x8b", "is a gzip archive; unpack it first"},
    {"%PDF", "is a PDF document"},
};

// Pickles begin with protocol markers, PyTorch's newer files are zip archives.
constexpr std::string_view kPickles[] = {std::string_view("\x80\x02", 2), std::string_view("\x80\x03", 2),
                                         std::string_view("\x80\x04", 2), std::string_view("PK\x03\x04", 4)};

std::string lower_case_start(std::string_view text) {
  constexpr std::size_t kEnough = 16;
  const auto first = std::ranges::find_if_not(text, [](unsigned char c) { return std::isspace(c) != 0; });
  std::string result;
  for (auto it = first; it != text.end() && result.size() < kEnough; ++it) {
    result += static_cast<char>(std::tolower(static_cast<unsigned char>(*it)));
  }
  return result;
}

}  // namespace

std::string describe_foreign_file(std::span<const std::byte> bytes) {
  if (bytes.empty()) return "is empty";
  constexpr std::size_t kEnough = 256;
  const std::string_view start(reinterpret_cast<const char*>(bytes.data()), std::min(bytes.size(), kEnough));
  for (const Signature& signature : kSignatures) {
    if (start.starts_with(signature.begins_with)) return std::string(signature.says);
  }
  for (const std::string_view pickle : kPickles) {
    if (start.starts_with(pickle)) return "is a PyTorch file, not safetensors or ggml" + std::string(kHowToConvert);
  }
  const std::string text = lower_case_start(start);
  if (text.starts_with("<!doctype") || text.starts_with("<html") || text.starts_with("<?xml")) {
    return "is a web page, not weights: the download was answered with an error or a login page";
  }
  if (text.starts_with("{")) return "is JSON text, not weights";
  return {};
}

std::string printable(std::string_view name) {
  constexpr std::size_t kMaxBytes = 120;
  const bool cut = name.size() > kMaxBytes;
  std::string result = replace_malformed_utf8(name.substr(0, kMaxBytes));
  for (char& c : result) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return cut ? result + "..." : result;
}

}  // namespace amanuensis::model
