#include "pipeline/diarize/naming.h"

#include <cstddef>
#include <numeric>

namespace amanuensis::pipeline {

void name_known_voices(std::span<const KnownVoice> known, double least_similarity,
                       std::vector<DiarizedSpeaker>& speakers) {
  std::vector<bool> used(known.size());
  while (true) {
    double highest = least_similarity;
    std::size_t name = known.size();
    std::size_t speaker = 0;
    for (std::size_t k = 0; k < known.size(); ++k) {
      if (used[k]) continue;
      for (std::size_t s = 0; s < speakers.size(); ++s) {
        if (!speakers[s].label.empty() || speakers[s].voice.size() != known[k].voice.size()) continue;
        const double alike =
            std::inner_product(speakers[s].voice.begin(), speakers[s].voice.end(), known[k].voice.begin(), 0.0);
        if (alike >= highest) {
          highest = alike;
          name = k;
          speaker = s;
        }
      }
    }
    if (name == known.size()) return;
    used[name] = true;
    speakers[speaker].label = known[name].name;
  }
}

}  // namespace amanuensis::pipeline
