// The voices that have a name, in DATA/speakers.json. A store belongs to one thread; each change is written at once,
// whole or not at all.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/diarize/options.h"

namespace amanuensis::cli {

struct StoredVoice {
  pipeline::KnownVoice known;
  std::string kin;  // EmbedderTraits::kin of the embedder whose vector it is
};

class SpeakerStore {
 public:
  // Reads the file where there is one. Throws Error{kInvalidArgument} without a data folder, {kBadData} for a file that
  // is not a store's.
  explicit SpeakerStore(const std::filesystem::path& data_dir);

  const std::vector<StoredVoice>& all() const { return voices_; }
  // Those that an embedder can compare.
  std::vector<pipeline::KnownVoice> of_kin(std::string_view kin) const;

  // Replaces a voice of that name. Throws Error{kIo}.
  void put(pipeline::KnownVoice voice, std::string_view kin);
  // Throws Error{kNotFound} when there is no such name.
  void remove(const std::string& name);

 private:
  void write() const;

  std::filesystem::path path_;
  std::vector<StoredVoice> voices_;
};

}  // namespace amanuensis::cli
