#include "cli/speaker_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "base/error.h"

namespace amanuensis::cli {
namespace fs = std::filesystem;

SpeakerStore::SpeakerStore(const fs::path& data_dir) : path_(data_dir / "speakers.json") {
  if (data_dir.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "known voices have no place to be kept: set HOME or XDG_DATA_HOME");
  }
  std::ifstream in(path_, std::ios::binary);
  if (!in) return;
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  try {
    for (const auto& each : nlohmann::json::parse(text)) {
      voices_.push_back({{each.at("name"), each.at("voice").get<std::vector<float>>()}, each.at("model")});
    }
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorCode::kBadData, fmt::format("{}: is not a list of known voices ({}); remove it to begin anew",
                                                 path_.string(), error.what()));
  }
}

std::vector<pipeline::KnownVoice> SpeakerStore::of_kin(std::string_view kin) const {
  std::vector<pipeline::KnownVoice> known;
  for (const StoredVoice& voice : voices_) {
    if (voice.kin == kin) known.push_back(voice.known);
  }
  return known;
}

void SpeakerStore::put(pipeline::KnownVoice voice, std::string_view kin) {
  std::erase_if(voices_, [&](const StoredVoice& each) { return each.known.name == voice.name; });
  voices_.push_back({std::move(voice), std::string(kin)});
  write();
}

void SpeakerStore::remove(const std::string& name) {
  if (std::erase_if(voices_, [&](const StoredVoice& each) { return each.known.name == name; }) == 0) {
    throw Error(ErrorCode::kNotFound,
                fmt::format("nobody called '{}' is known; `amanuensis speakers list` shows who is", name));
  }
  write();
}

void SpeakerStore::write() const {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const StoredVoice& voice : voices_) {
    json.push_back({{"name", voice.known.name}, {"model", voice.kin}, {"voice", voice.known.voice}});
  }
  std::error_code problem;
  fs::create_directories(path_.parent_path(), problem);
  fs::path fresh = path_;
  fresh += ".new";
  std::ofstream out(fresh, std::ios::binary);
  out << json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << '\n';
  out.close();
  if (out) fs::rename(fresh, path_, problem);
  if (!out || problem) throw Error(ErrorCode::kIo, fmt::format("{}: cannot be written", path_.string()));
}

}  // namespace amanuensis::cli
