#include "model/hub/file_selection.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "model/hub/cache.h"

namespace amanuensis::model {
namespace {

constexpr std::string_view kWeights = "model.safetensors";

// All but the first are taken when they are there; the last ones only Python's transformers reads.
constexpr std::array<std::string_view, 10> kSmallFiles{
    "config.json", "generation_config.json", "preprocessor_config.json", "tokenizer.json",          "vocab.json",
    "merges.txt",  "added_tokens.json",      "tokenizer_config.json",    "special_tokens_map.json", "normalizer.json"};

std::string_view what_it_is(ModelKind kind) {
  switch (kind) {
    case ModelKind::kWhisper:
      return "Whisper model";
    case ModelKind::kVoiceActivity:
      return "voice activity model";
    case ModelKind::kSpeakerSegmentation:
      return "speaker segmentation model";
    case ModelKind::kSpeakerEmbedding:
      return "speaker embedding model";
  }
  return "model";
}

// Of models that are one file: the first of its names that is there.
std::vector<RemoteFile> select_weights(const RemoteRepository& repository, ModelKind kind) {
  for (const std::string_view name : weight_files(kind)) {
    if (const RemoteFile* weights = repository.find(name)) return {*weights};
  }
  throw Error(ErrorCode::kUnsupported, fmt::format("{} holds no {}: it has neither {}", repository.repository,
                                                   what_it_is(kind), fmt::join(weight_files(kind), " nor ")));
}

}  // namespace

std::vector<RemoteFile> select_files(const RemoteRepository& repository, ModelKind kind) {
  if (kind != ModelKind::kWhisper) return select_weights(repository, kind);
  const auto refuse = [&](std::string_view why) {
    throw Error(ErrorCode::kUnsupported,
                fmt::format("{} is not a Whisper checkpoint in Hugging Face layout: {}", repository.repository, why));
  };
  std::vector<RemoteFile> files;
  for (const std::string_view name : kSmallFiles) {
    if (const RemoteFile* file = repository.find(name)) files.push_back(*file);
  }
  if (repository.find("config.json") == nullptr) refuse("it has no config.json");
  const bool has_tokenizer = repository.find("tokenizer.json") != nullptr ||
                             (repository.find("vocab.json") != nullptr && repository.find("merges.txt") != nullptr);
  if (!has_tokenizer) refuse("it has neither tokenizer.json nor vocab.json with merges.txt");
  if (const RemoteFile* weights = repository.find(kWeights)) {
    files.push_back(*weights);
  } else if (const RemoteFile* index = repository.find(kShardIndex)) {
    files.push_back(*index);
  } else {
    refuse("it has no model.safetensors (weights in other formats are not read)");
  }
  return files;
}

std::vector<RemoteFile> shard_files(const RemoteRepository& repository, std::string_view index_text) {
  const auto index = nlohmann::json::parse(index_text, nullptr, /*allow_exceptions=*/false);
  const auto map = index.is_object() ? index.find("weight_map") : index.end();
  if (map == index.end() || !map->is_object() || map->empty()) {
    throw Error(ErrorCode::kBadData, fmt::format("{}: {} has no weight_map", repository.repository, kShardIndex));
  }
  std::set<std::string> names;
  for (const auto& file : *map) {
    if (file.is_string()) names.insert(file.get<std::string>());
  }
  std::vector<RemoteFile> files;
  for (const std::string& name : names) {
    const RemoteFile* file = repository.find(name);
    if (file == nullptr || !is_safe_relative_path(name) || !name.ends_with(".safetensors")) {
      throw Error(ErrorCode::kBadData, fmt::format("{}: {} names '{}', which is not a weight file of the repository",
                                                   repository.repository, kShardIndex, name));
    }
    files.push_back(*file);
  }
  return files;
}

}  // namespace amanuensis::model
