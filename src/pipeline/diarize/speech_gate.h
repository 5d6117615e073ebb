// Where somebody may be speaking at all: where what stands out of the background is voiced for long enough. Keeps
// rustling papers, chairs and breath, which a network that learned from synthetic voices takes for speech, out of a
// diarization. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace amanuensis::pipeline {

// speech: the network's probability for each 10 ms frame; where it is all but sure for a second, less voicing will do.
// energy: how far each 10 ms frame stands out of the background, in nepers, between 300 Hz and 4.5 kHz; voicing: the
// built-in voice detector's probability for each kVadFrameSamples. Returns for each frame whether it may be speech.
std::vector<bool> gate_speech(std::span<const float> speech, std::span<const float> energy,
                              std::span<const float> voicing);

}  // namespace amanuensis::pipeline
