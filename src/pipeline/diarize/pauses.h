// Silences that a network hears speech through: it was taught by labels that bridge the pauses of a conversation, but
// where the sound itself goes down to the background between two speakers, or behind a last word, nobody speaks. Pure
// functions; any thread.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "pipeline/diarize/turns.h"

namespace amanuensis::pipeline {

// Takes pauses out of `turns` (by start; of whole recordings). level: how loud each SpeechActivity::kHopSamples are, a
// logarithm; with nothing in it there are no pauses. A pause inside one speaker's turn stays there if it is short:
// people pause. What is left of a turn and shorter than min_turn_s goes with the pause.
std::vector<SpeakerTurn> without_pauses(std::span<const SpeakerTurn> turns, std::span<const float> level,
                                        double min_turn_s);

}  // namespace amanuensis::pipeline
