// What one thread of this machine can do at most, so that a benchmark can say how much of it a kernel reaches: the peak
// rate of each multiply instruction that the GEMM variants are made of, and how fast memory streams through a core.
// These loops compute nothing of use. Pure functions: no allocation, no exceptions, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/gemm/gemm.h"
#include "kernels/isa.h"

namespace amanuensis::kernels {

struct PeakVariant {
  Isa isa;
  GemmType
      type;  // what the instruction multiplies; bfloat16 is widened to float32 where there is no instruction for it
  double operations_per_turn;  // a multiply and an add are two
  // Independent chains of the instruction in registers, `turns` times: no memory, no dependency to wait for.
  void (*run)(std::uint64_t turns) noexcept;
};

// Best first within each type; plain C++ is last and always runs.
std::span<const PeakVariant> peak_variants();

// data is aligned to 64 bytes and size_bytes a multiple of kStreamStepBytes. Both loops walk kStreams equal parts of it
// side by side: what one stream gets is a core's latency rather than what memory delivers.
inline constexpr std::size_t kStreamStepBytes = 512;
inline constexpr std::size_t kStreams = 4;

struct StreamVariant {
  Isa isa;
  // Reads every byte once. The result depends on all of them, so that no compiler leaves any out.
  std::uint64_t (*read)(const std::byte* data, std::size_t size_bytes) noexcept;
  // Reads, scales and writes back every float once: what an element-wise operation costs at least.
  void (*update)(float* data, std::size_t size_bytes, float factor) noexcept;
};

// Best first; plain C++ is last and always runs.
std::span<const StreamVariant> stream_variants();

}  // namespace amanuensis::kernels
