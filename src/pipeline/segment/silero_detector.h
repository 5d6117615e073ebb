// Silero's network as a voice detector. Belongs to one thread, the one that may call the network's backend.
#pragma once

#include <memory>

#include "model/vad/silero_vad.h"
#include "pipeline/segment/voice_detector.h"

namespace amanuensis::pipeline {

// A detector for one recording. `network` must outlive it; many detectors may share one network and take turns.
std::unique_ptr<VoiceDetector> make_silero_detector(const model::SileroVad& network);

}  // namespace amanuensis::pipeline
