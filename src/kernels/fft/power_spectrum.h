// Power spectra of overlapping 400-sample frames, 16 frames at a time: the first half of a log-mel spectrogram.
//   power[k][f] = | sum over n of window[n] * samples[f * hop + n] * exp(-2 pi i n k / 400) |^2        k = 0 .. 200
// Method: the real frame is packed into 200 complex numbers, transformed as 8 x 25 without twiddles between the two
// (Good 1958, "The interaction algorithm and practical Fourier analysis"), the 25 as 5 x 5 (Cooley and Tukey 1965), and
// unpacked. Every frame has its own vector lane, so a frame's result does not depend on its neighbours.
// Pure functions: no allocation, no exceptions, any thread; pointers need no alignment beyond that of a float.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/isa.h"

namespace amanuensis::kernels {

inline constexpr std::size_t kFftLength = 400;
inline constexpr std::size_t kSpectrumBins = kFftLength / 2 + 1;
inline constexpr std::size_t kFrameLanes = 16;  // frames a call transforms, whatever the vector width

// samples  (frames - 1) * hop + 400 floats
// hop      distance between the beginnings of two frames, in samples
// frames   1 to 16; the lanes beyond repeat the last frame
// window   [400]
// power    [201, 16], contiguous
using PowerSpectrumFn = void (*)(const float* samples, std::size_t hop, std::size_t frames, const float* window,
                                 float* power) noexcept;

struct PowerSpectrumVariant {
  Isa isa;
  PowerSpectrumFn run;
  // Largest error of an amplitude |X|, relative to the frame's norm sqrt(400 * sum x^2), against the sum above in
  // double precision.
  float max_relative_error;
};

// Best first; the scalar form is last and always runs.
std::span<const PowerSpectrumVariant> power_spectrum_variants();

}  // namespace amanuensis::kernels
