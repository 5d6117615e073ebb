#include <immintrin.h>

#include "kernels/ceilings/ceilings_impl.h"
#include "kernels/ceilings/peak_chains_x86.h"

namespace amanuensis::kernels {

#define AMANUENSIS_FMA(sum) "vfmadd231ps %13, %13, " sum "\n\t"
#define AMANUENSIS_BF16(sum) "vdpbf16ps %13, %13, " sum "\n\t"
#define AMANUENSIS_VNNI(sum) "vpdpbusd %13, %13, " sum "\n\t"

void peak_f32_avx512(std::uint64_t turns) noexcept { AMANUENSIS_PEAK(__m512, turns, AMANUENSIS_FMA) }
void peak_bf16_avx512(std::uint64_t turns) noexcept { AMANUENSIS_PEAK(__m512, turns, AMANUENSIS_BF16) }
void peak_int8_avx512(std::uint64_t turns) noexcept {AMANUENSIS_PEAK(__m512i, turns, AMANUENSIS_VNNI)}

std::uint64_t stream_read_avx512(const std::byte* data, std::size_t size_bytes) noexcept {
  __m512i sums[8];
  for (__m512i& sum : sums) sum = _mm512_setzero_si512();
  for (std::size_t i = 0; i < size_bytes; i += sizeof(sums)) {
    for (std::size_t j = 0; j < 8; ++j) {
      sums[j] = _mm512_add_epi64(sums[j], _mm512_load_si512(data + i + j * sizeof(__m512i)));
    }
  }
  std::uint64_t total = 0;
  for (const __m512i& sum : sums) total += static_cast<std::uint64_t>(_mm512_reduce_add_epi64(sum));
  return total;
}

void stream_update_avx512(float* data, std::size_t size_bytes, float factor) noexcept {
  const __m512 by = _mm512_set1_ps(factor);
  for (std::size_t i = 0; i < size_bytes / sizeof(float); i += 32) {
    _mm512_store_ps(data + i, _mm512_mul_ps(_mm512_load_ps(data + i), by));
    _mm512_store_ps(data + i + 16, _mm512_mul_ps(_mm512_load_ps(data + i + 16), by));
  }
}

}  // namespace amanuensis::kernels
