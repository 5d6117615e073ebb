#include <immintrin.h>

#include "kernels/ceilings/ceilings_impl.h"
#include "kernels/ceilings/peak_chains_x86.h"

namespace amanuensis::kernels {

#define AMANUENSIS_FMA(sum) "vfmadd231ps %13, %13, " sum "\n\t"
#define AMANUENSIS_MADD(sum) "vpmaddubsw %13, %13, %12\n\tvpmaddwd %12, %13, %12\n\tvpaddd %12, " sum ", " sum "\n\t"

void peak_f32_avx2(std::uint64_t turns) noexcept { AMANUENSIS_PEAK(__m256, turns, AMANUENSIS_FMA) }
void peak_int8_avx2(std::uint64_t turns) noexcept {AMANUENSIS_PEAK(__m256i, turns, AMANUENSIS_MADD)}

std::uint64_t stream_read_avx2(const std::byte* data, std::size_t size_bytes) noexcept {
  __m256i sums[8];
  for (__m256i& sum : sums) sum = _mm256_setzero_si256();
  for (std::size_t i = 0; i < size_bytes; i += sizeof(sums)) {
    for (std::size_t j = 0; j < 8; ++j) {
      const auto* at = reinterpret_cast<const __m256i*>(data + i + j * sizeof(__m256i));
      sums[j] = _mm256_add_epi64(sums[j], _mm256_load_si256(at));
    }
  }
  for (std::size_t j = 1; j < 8; ++j) sums[0] = _mm256_add_epi64(sums[0], sums[j]);
  alignas(32) std::uint64_t words[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(words), sums[0]);
  return words[0] + words[1] + words[2] + words[3];
}

void stream_update_avx2(float* data, std::size_t size_bytes, float factor) noexcept {
  const __m256 by = _mm256_set1_ps(factor);
  for (std::size_t i = 0; i < size_bytes / sizeof(float); i += 16) {
    _mm256_store_ps(data + i, _mm256_mul_ps(_mm256_load_ps(data + i), by));
    _mm256_store_ps(data + i + 8, _mm256_mul_ps(_mm256_load_ps(data + i + 8), by));
  }
}

}  // namespace amanuensis::kernels
