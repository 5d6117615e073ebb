// Random numbers without state: the n-th number of a stream is a function of the stream's key and n, so that a run can
// be repeated whatever the order in which sequences advance. Pure functions; may be called from any thread.
#pragma once

#include <cstdint>

namespace amanuensis::decoding {

// A key that differs, for all practical purposes, whenever `seed` or `index` does. Chained to key a stream by several
// numbers: stream_key(stream_key(seed, window), sample). The mixing function is SplitMix64's (Steele et al. 2014).
constexpr std::uint64_t stream_key(std::uint64_t seed, std::uint64_t index) {
  std::uint64_t z = seed + 0x9E3779B97F4A7C15U * (index + 1);
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

// Number `counter` of the stream, uniform in [0, 1) with 53 random bits.
constexpr double uniform_at(std::uint64_t key, std::uint64_t counter) {
  return static_cast<double>(stream_key(key, counter) >> 11U) * 0x1.0p-53;
}

}  // namespace amanuensis::decoding
