// Names for speakers whose voices are known. Pure functions; any thread.
#pragma once

#include <span>
#include <vector>

#include "pipeline/diarize/options.h"
#include "pipeline/diarize/turns.h"

namespace amanuensis::pipeline {

// Gives each known name to the speaker who is most like it, if at least `least_similarity`: each name to one speaker,
// each speaker one name, the most alike first.
void name_known_voices(std::span<const KnownVoice> known, double least_similarity,
                       std::vector<DiarizedSpeaker>& speakers);

}  // namespace amanuensis::pipeline
