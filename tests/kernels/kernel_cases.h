// What parity tests share: the variants that this machine runs, and sizes around a vector's edges.
#pragma once

#include <cstddef>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "base/cpu_features.h"
#include "kernels/isa.h"

namespace amanuensis::kernels {

template <typename Variant>
std::vector<Variant> runnable(std::span<const Variant> variants) {
  const CpuFeatures cpu = detect_cpu_features();
  std::vector<Variant> found;
  for (const Variant& variant : variants) {
    if (runs_on(variant.isa, cpu)) found.push_back(variant);
  }
  return found;
}

// 0, 1, and lengths just below, at and just above multiples of every vector width in use.
inline std::vector<std::size_t> hostile_lengths() {
  return {0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 53, 63, 64, 65, 127, 129, 200, 511, 513};
}

}  // namespace amanuensis::kernels
