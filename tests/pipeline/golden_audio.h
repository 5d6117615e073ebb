// The audio of tools/goldens/transcribe.py: recordings of the demo model, silence and noise, one after another.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "audio/decode.h"
#include "support/goldens.h"

namespace amanuensis::pipeline {

class GoldenAudio {
 public:
  std::vector<float> samples_of(const nlohmann::json& parts) {
    std::vector<float> samples;
    for (const nlohmann::json& part : parts) append(part, samples);
    return samples;
  }

  static std::string path_of(const std::string& recording) {
    return test::source_path("models/demo/recordings/" + recording).string();
  }

 private:
  void append(const nlohmann::json& part, std::vector<float>& samples) {
    if (part.contains("recording")) {
      const std::vector<float>& all = recording(part.at("recording"));
      const auto from = part.value("from", std::ptrdiff_t{0});
      const auto to = std::min(part.value("to", std::ssize(all)), std::ssize(all));
      samples.insert(samples.end(), all.begin() + std::min(from, to), all.begin() + to);
    } else if (part.contains("silence")) {
      samples.insert(samples.end(), part.at("silence").get<std::size_t>(), 0.0F);
    } else {
      const std::string name = part.at("name");
      const auto level = part.at("level").get<float>();
      const auto count = part.at("noise").get<std::size_t>();
      for (std::size_t i = 0; i < count; ++i) samples.push_back(test::hashed_uniform(name, i) * level);
    }
  }

  const std::vector<float>& recording(const std::string& name) {
    auto found = recordings_.find(name);
    if (found == recordings_.end()) found = recordings_.emplace(name, audio::read_all_audio(path_of(name))).first;
    return found->second;
  }

  std::map<std::string, std::vector<float>> recordings_;
};

}  // namespace amanuensis::pipeline
