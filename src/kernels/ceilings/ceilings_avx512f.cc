#include <immintrin.h>

#include "kernels/ceilings/ceilings.h"
#include "kernels/ceilings/ceilings_impl.h"
#include "kernels/ceilings/peak_chains_x86.h"

namespace amanuensis::kernels {

#define AMANUENSIS_FMA(sum) "vfmadd231ps %13, %13, " sum "\n\t"

void peak_f32_avx512f(std::uint64_t turns) noexcept {AMANUENSIS_PEAK(__m512, turns, AMANUENSIS_FMA)}

std::uint64_t stream_read_avx512f(const std::byte* data, std::size_t size_bytes) noexcept {
  constexpr std::size_t kLines = kStreamStepBytes / kStreams / sizeof(__m512i);
  const std::size_t part = size_bytes / kStreams;
  __m512i sums[kStreams][kLines];
  for (auto& stream : sums) {
    for (__m512i& sum : stream) sum = _mm512_setzero_si512();
  }
  for (std::size_t i = 0; i < part; i += kLines * sizeof(__m512i)) {
    for (std::size_t s = 0; s < kStreams; ++s) {
      for (std::size_t j = 0; j < kLines; ++j) {
        sums[s][j] = _mm512_add_epi64(sums[s][j], _mm512_load_si512(data + s * part + i + j * sizeof(__m512i)));
      }
    }
  }
  std::uint64_t total = 0;
  for (const auto& stream : sums) {
    for (const __m512i& sum : stream) total += static_cast<std::uint64_t>(_mm512_reduce_add_epi64(sum));
  }
  return total;
}

void stream_update_avx512f(float* data, std::size_t size_bytes, float factor) noexcept {
  const __m512 by = _mm512_set1_ps(factor);
  const std::size_t part = size_bytes / sizeof(float) / kStreams;
  for (std::size_t i = 0; i < part; i += 32) {
    for (std::size_t s = 0; s < kStreams; ++s) {
      float* at = data + s * part + i;
      _mm512_store_ps(at, _mm512_mul_ps(_mm512_load_ps(at), by));
      _mm512_store_ps(at + 16, _mm512_mul_ps(_mm512_load_ps(at + 16), by));
    }
  }
}

}  // namespace amanuensis::kernels
