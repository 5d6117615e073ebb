// The voice detector that needs no weights: speech is what stands out of the background, sounds voiced, and changes.
// Belongs to one thread; detectors are independent.
#pragma once

#include <memory>

#include "pipeline/segment/voice_detector.h"

namespace amanuensis::pipeline {

// A detector for one recording. Each frame's probability depends on its own samples and those before it alone.
//
// The background of every frequency is the least power of the last 1.5 s (minimum statistics: Martin 2001, IEEE Trans.
// Speech Audio Process. 9:5). A frame is speech when it stands out of that between 100 and 4000 Hz, when the part below
// 1500 Hz that stands out has a pitch between 80 and 400 Hz (its autocorrelation: Boersma 1993), and when it is not
// steady, as hum is. Voiced frames are stretched over the voiceless ones behind them. Levels do not matter, down to a
// few steps of 16-bit samples. Steady noise is background after 1.5 s, or at once from the beginning of the audio.
std::unique_ptr<VoiceDetector> make_spectral_detector();

}  // namespace amanuensis::pipeline
