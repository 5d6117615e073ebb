#include <immintrin.h>

#include "kernels/ceilings/ceilings.h"
#include "kernels/ceilings/ceilings_impl.h"
#include "kernels/ceilings/peak_chains_x86.h"

namespace amanuensis::kernels {

#define AMANUENSIS_FMA(sum) "vfmadd231ps %13, %13, " sum "\n\t"
#define AMANUENSIS_MADD(sum) "vpmaddubsw %13, %13, %12\n\tvpmaddwd %12, %13, %12\n\tvpaddd %12, " sum ", " sum "\n\t"

void peak_f32_avx2(std::uint64_t turns) noexcept { AMANUENSIS_PEAK(__m256, turns, AMANUENSIS_FMA) }
void peak_int8_avx2(std::uint64_t turns) noexcept {AMANUENSIS_PEAK(__m256i, turns, AMANUENSIS_MADD)}

std::uint64_t stream_read_avx2(const std::byte* data, std::size_t size_bytes) noexcept {
  constexpr std::size_t kStepBytes = 2 * sizeof(__m256i);  // of one stream: a cache line
  const std::size_t part = size_bytes / kStreams;
  __m256i sums[kStreams][2];
  for (auto& stream : sums) {
    for (__m256i& sum : stream) sum = _mm256_setzero_si256();
  }
  for (std::size_t i = 0; i < part; i += kStepBytes) {
    for (std::size_t s = 0; s < kStreams; ++s) {
      for (std::size_t j = 0; j < 2; ++j) {
        const auto* at = reinterpret_cast<const __m256i*>(data + s * part + i + j * sizeof(__m256i));
        sums[s][j] = _mm256_add_epi64(sums[s][j], _mm256_load_si256(at));
      }
    }
  }
  __m256i total = _mm256_setzero_si256();
  for (const auto& stream : sums) total = _mm256_add_epi64(total, _mm256_add_epi64(stream[0], stream[1]));
  alignas(32) std::uint64_t words[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(words), total);
  return words[0] + words[1] + words[2] + words[3];
}

void stream_update_avx2(float* data, std::size_t size_bytes, float factor) noexcept {
  const __m256 by = _mm256_set1_ps(factor);
  const std::size_t part = size_bytes / sizeof(float) / kStreams;
  for (std::size_t i = 0; i < part; i += 16) {
    for (std::size_t s = 0; s < kStreams; ++s) {
      float* at = data + s * part + i;
      _mm256_store_ps(at, _mm256_mul_ps(_mm256_load_ps(at), by));
      _mm256_store_ps(at + 8, _mm256_mul_ps(_mm256_load_ps(at + 8), by));
    }
  }
}

}  // namespace amanuensis::kernels
