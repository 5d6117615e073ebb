#include "model/checkpoint/huggingface.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/error.h"
#include "model/checkpoint/foreign_file.h"
#include "model/checkpoint/huggingface_config.h"
#include "model/checkpoint/json_document.h"
#include "model/checkpoint/layout.h"
#include "model/checkpoint/safetensors.h"
#include "model/checkpoint/whisper_vocabulary.h"
#include "model/tokenizer/vocabulary_files.h"

namespace amanuensis::model {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kConfig = "config.json";
constexpr std::string_view kWhole = "model.safetensors";
constexpr std::string_view kIndex = "model.safetensors.index.json";

// Whether a file is there. A link to nothing, as an interrupted download leaves it in the hub's cache, is an error.
bool is_there(const fs::path& path) {
  std::error_code error;
  if (fs::exists(path, error)) return true;
  if (!fs::is_symlink(path, error)) return false;
  throw Error(ErrorCode::kNotFound,
              fmt::format("{}: is a link to a file that is not there; the download is incomplete, pull it again",
                          path.string()));
}

// Names in `directory` that end in one of `extensions`, sorted, for messages.
std::vector<std::string> files_with(const fs::path& directory, std::initializer_list<std::string_view> extensions) {
  std::vector<std::string> names;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, error)) {
    const std::string extension = entry.path().extension().string();
    if (std::ranges::find(extensions, extension) != extensions.end()) {
      names.push_back(printable(entry.path().filename().string()));
    }
  }
  std::ranges::sort(names);
  return names;
}

[[noreturn]] void throw_no_config(const fs::path& directory) {
  const std::vector<std::string> models = files_with(directory, {".bin", ".pt", ".pth", ".gguf"});
  const std::string hint =
      models.empty() ? std::string() : fmt::format(" It holds {}: name a ggml .bin file itself.", models.front());
  throw Error(ErrorCode::kNotFound, fmt::format("{}: no {}; this folder is not a Hugging Face checkpoint.{}",
                                                directory.string(), kConfig, hint));
}

[[noreturn]] void throw_no_weights(const fs::path& directory) {
  std::vector<std::string> pickles = files_with(directory, {".bin", ".pt", ".pth", ".h5", ".msgpack"});
  if (pickles.empty()) {
    throw Error(ErrorCode::kNotFound,
                fmt::format("{}: no {} or {}; the weights are missing", directory.string(), kWhole, kIndex));
  }
  throw Error(ErrorCode::kUnsupported,
              fmt::format("{}: holds {} but no {}. Weights are read from safetensors; convert them with Python: "
                          "transformers.WhisperForConditionalGeneration.from_pretrained('{}')"
                          ".save_pretrained('NEW_FOLDER'), then copy the other files beside them",
                          directory.string(), pickles.front(), kWhole, directory.string()));
}

// Which file each tensor is in, by the index's weight_map: file -> tensors.
std::map<std::string, std::set<std::string>> read_index(const JsonDocument& index) {
  const auto weight_map = index.root().find("weight_map");
  if (weight_map == index.root().end() || !weight_map->is_object() || weight_map->empty()) {
    throw Error(ErrorCode::kBadData, fmt::format("{}: has no 'weight_map' of tensors and files", index.name()));
  }
  std::map<std::string, std::set<std::string>> shards;
  for (const auto& [tensor, file] : weight_map->items()) {
    if (!file.is_string()) {
      throw Error(ErrorCode::kBadData,
                  fmt::format("{}: the file of tensor '{}' is not a string", index.name(), printable(tensor)));
    }
    const auto& name = file.get_ref<const std::string&>();
    // A shard lies beside its index; anything else would let a checkpoint reach into other folders.
    if (name.empty() || name == "." || name == ".." || name.find_first_of(std::string_view("/\\\0", 3)) != name.npos) {
      throw Error(ErrorCode::kBadData, fmt::format("{}: tensor '{}' is said to be in '{}', which is not a file name",
                                                   index.name(), printable(tensor), printable(name)));
    }
    shards[name].insert(tensor);
  }
  return shards;
}

std::vector<Tensor> read_shard(Checkpoint& checkpoint, const fs::path& path) {
  checkpoint.files.emplace_back(path);
  return parse_safetensors(checkpoint.files.back().bytes(), path.string());
}

std::vector<Tensor> read_shards(Checkpoint& checkpoint, const fs::path& directory) {
  const JsonDocument index = JsonDocument::from_file(directory / kIndex);
  std::vector<Tensor> all;
  for (const auto& [file, listed] : read_index(index)) {
    const fs::path path = directory / file;
    if (!is_there(path)) {
      throw Error(ErrorCode::kNotFound,
                  fmt::format("{}: is missing, though {} lists it; pull the model again", path.string(), index.name()));
    }
    std::set<std::string> missing = listed;
    for (Tensor& tensor : read_shard(checkpoint, path)) {
      missing.erase(tensor.source_name);
      all.push_back(std::move(tensor));
    }
    if (!missing.empty()) {
      throw Error(ErrorCode::kBadData, fmt::format("{}: tensor '{}' is missing, though {} lists it", path.string(),
                                                   printable(*missing.begin()), index.name()));
    }
  }
  return all;
}

// Whisper projects onto the vocabulary with the token embedding. Files may repeat it as proj_out.weight; one that
// differs is another architecture.
void check_projection(const std::vector<Tensor>& tensors, const JsonDocument& config) {
  if (config.find_bool("tie_word_embeddings").value_or(true)) return;
  const auto find = [&](std::string_view ending) {
    return std::ranges::find_if(tensors, [&](const Tensor& t) { return t.source_name.ends_with(ending); });
  };
  const auto projection = find("proj_out.weight");
  const auto embedding = find("decoder.embed_tokens.weight");
  if (projection == tensors.end() || embedding == tensors.end()) return;
  if (projection->type == embedding->type && std::ranges::equal(projection->bytes, embedding->bytes)) return;
  throw Error(
      ErrorCode::kUnsupported,
      fmt::format("{}: tensor 'proj_out.weight' differs from the token embedding (tie_word_embeddings is false in "
                  "{}); Whisper uses one matrix for both",
                  projection->file, config.name()));
}

}  // namespace

Checkpoint open_huggingface(const fs::path& directory) {
  if (!is_there(directory / kConfig)) throw_no_config(directory);
  const JsonDocument config = JsonDocument::from_file(directory / kConfig);
  Checkpoint checkpoint;
  checkpoint.path = directory;
  checkpoint.format = "safetensors";
  checkpoint.dims = read_huggingface_dimensions(config);

  const fs::path preprocessor = directory / "preprocessor_config.json";
  if (is_there(preprocessor)) check_preprocessor(JsonDocument::from_file(preprocessor), config, checkpoint.dims);

  std::vector<Tensor> tensors;
  fs::path weights = directory / kWhole;
  if (is_there(weights)) {
    tensors = read_shard(checkpoint, weights);
  } else if (is_there(directory / kIndex)) {
    weights = directory / kIndex;
    tensors = read_shards(checkpoint, directory);
  } else {
    throw_no_weights(directory);
  }
  check_projection(tensors, config);
  place_tensors(checkpoint, tensors,
                {.config_file = std::string(kConfig), .weight_file = weights.string(), .naming = Naming::kHuggingFace});

  checkpoint.vocabulary = read_vocabulary(directory);
  complete_time_tokens(checkpoint.vocabulary, checkpoint.dims.n_vocab);
  check_vocabulary_size(checkpoint.vocabulary, checkpoint.dims.n_vocab, config.name(), "vocab_size");

  const fs::path generation_path = directory / "generation_config.json";
  std::optional<JsonDocument> generation;
  if (is_there(generation_path)) generation = JsonDocument::from_file(generation_path);
  checkpoint.generation =
      read_generation_settings(generation ? &*generation : nullptr, config, checkpoint.dims, checkpoint.vocabulary);
  return checkpoint;
}

}  // namespace amanuensis::model
