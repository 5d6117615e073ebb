// Tile kernel: the log-mel bands of frames of 400 samples, in integers (openai/whisper, audio.py: log_mel_spectrogram;
// bands after M. Slaney, "Auditory Toolbox", 1998). Portable C++ for a compute tile and for the simulator alike: no
// library, no allocation, fixed buffers, no state. Scratch lies on the stack: 3,408 bytes and the compiler's own.
//
//   samples  int16, full scale 32768
//   bands    int8: log10 of the band's power is kLogMelZero + kLogMelStep * value; beyond [-127, 127] it saturates
//
// A 400-point transform as 25 transforms of 16 points and 16 of 25 (Cooley and Tukey 1965): real input needs 9 of
// the 16.
#pragma once

#include <stdint.h>

#include "device/npu/kernels/tables.h"

namespace amanuensis::device::npu::tile {

static const int kFrameSamples = 400;
static const int kMelBands = 80;
static const double kLogMelStep = 0.04;
static const double kLogMelZero = -2.45;

static const int kLogMelConstantBytes =
    static_cast<int>(sizeof(kWindow) + sizeof(kCosine) + sizeof(kSine) + sizeof(kBandFirst) + sizeof(kBandBins) +
                     sizeof(kBandWeights) + sizeof(kLog2));

// log2(x) with 16 fraction bits, x > 0.
static inline int32_t log2_q16(uint64_t x) {
  int exponent = 63 - __builtin_clzll(x);
  // The 24 bits below the leading one: 8 choose the table's entry, 16 lie between two.
  const uint32_t bits = static_cast<uint32_t>((x << (63 - exponent)) >> 39) & 0xFFFFFFU;
  const uint32_t index = bits >> 16;
  const uint32_t between = bits & 0xFFFFU;
  const uint32_t low = kLog2[index];
  const uint32_t high = index == 255 ? 65536U : kLog2[index + 1];
  return (exponent << 16) + static_cast<int32_t>(low + (((high - low) * between) >> 16));
}

static inline void log_mel_frame(const int16_t* samples, int8_t* bands) {
  int32_t windowed[400];
  for (int i = 0; i < 400; ++i) windowed[i] = (samples[i] * kWindow[i] + 256) >> 9;

  uint64_t power[201];
  for (int k1 = 0; k1 <= 8; ++k1) {
    int32_t re[25];
    int32_t im[25];
    for (int n2 = 0; n2 < 25; ++n2) {
      int64_t sum_re = 0;
      int64_t sum_im = 0;
      for (int n1 = 0; n1 < 16; ++n1) {
        const int angle = 25 * ((n1 * k1) & 15);
        const int64_t x = windowed[25 * n1 + n2];
        sum_re += x * kCosine[angle];
        sum_im -= x * kSine[angle];
      }
      const int64_t a = (sum_re + (1 << 14)) >> 15;
      const int64_t b = (sum_im + (1 << 14)) >> 15;
      const int64_t c = kCosine[n2 * k1];
      const int64_t s = kSine[n2 * k1];
      re[n2] = static_cast<int32_t>((a * c + b * s + (1 << 14)) >> 15);
      im[n2] = static_cast<int32_t>((b * c - a * s + (1 << 14)) >> 15);
    }
    for (int k2 = 0; k2 < 25; ++k2) {
      const int k = k1 + 16 * k2;
      // Bins above 200 mirror those below; in these two columns both are there.
      if (k > 200 && (k1 == 0 || k1 == 8)) continue;
      int64_t sum_re = 0;
      int64_t sum_im = 0;
      int turn = 0;
      for (int n2 = 0; n2 < 25; ++n2) {
        const int64_t c = kCosine[16 * turn];
        const int64_t s = kSine[16 * turn];
        sum_re += re[n2] * c + im[n2] * s;
        sum_im += im[n2] * c - re[n2] * s;
        turn += k2;
        if (turn >= 25) turn -= 25;
      }
      const int64_t x = sum_re >> 15;
      const int64_t y = sum_im >> 15;
      power[k <= 200 ? k : 400 - k] = static_cast<uint64_t>(x * x + y * y) >> 14;
    }
  }

  const uint16_t* weight = kBandWeights;
  for (int band = 0; band < kMelBands; ++band) {
    uint64_t sum = 0;
    for (int j = 0; j < kBandBins[band]; ++j) sum += power[kBandFirst[band] + j] * *weight++;
    int64_t value = -127;
    if (sum > 0) value = (log2_q16(sum) * kMelScale + kMelOffset + (INT64_C(1) << 31)) >> 32;
    bands[band] = static_cast<int8_t>(value > 127 ? 127 : value < -127 ? -127 : value);
  }
}

// Every one of the batch, not the first one over and over.
static inline void log_mel_frames(const int16_t* samples, int8_t* bands, int32_t frames) {
  for (int32_t f = 0; f < frames; ++f) log_mel_frame(samples + f * kFrameSamples, bands + f * kMelBands);
}

}  // namespace amanuensis::device::npu::tile
