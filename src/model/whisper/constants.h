// Facts fixed by Whisper's architecture (Radford et al. 2022, section 2.2; openai/whisper, audio.py and model.py).
// Whatever differs between checkpoints is in ModelDimensions. Constants only.
#pragma once

#include <cstddef>

namespace amanuensis::model {

inline constexpr std::size_t kSampleRateHz = 16000;
inline constexpr std::size_t kHopSamples = 160;  // between two log-mel frames: 10 ms

// The encoder's second convolution halves the frame rate, so one encoder position, like one time token, is 20 ms.
inline constexpr std::size_t kFramesPerPosition = 2;
inline constexpr std::size_t kSamplesPerPosition = kHopSamples * kFramesPerPosition;
inline constexpr double kSecondsPerPosition = 0.02;

inline constexpr std::size_t kConvKernel = 3;
inline constexpr std::size_t kConvPadding = 1;

inline constexpr double kLayerNormEpsilon = 1e-5;
// The longest period of the encoder's sinusoids, in positions / (2 pi) (Vaswani et al. 2017, section 3.5).
inline constexpr double kMaxTimescale = 10000.0;

}  // namespace amanuensis::model
