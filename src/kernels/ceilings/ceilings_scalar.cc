#include "kernels/ceilings/ceilings.h"
#include "kernels/ceilings/ceilings_impl.h"

namespace amanuensis::kernels {

void peak_f32_scalar(std::uint64_t turns) noexcept {
  float sums[kScalarPeakFloats];
  for (int i = 0; i < kScalarPeakFloats; ++i) sums[i] = 1.0f + static_cast<float>(i);
  for (std::uint64_t turn = 0; turn < turns; ++turn) {
    for (float& sum : sums) sum = sum * 0.5f + 0.25f;
  }
  volatile float kept = 0.0f;  // the sums are used, as far as the compiler can tell
  for (const float sum : sums) kept = kept + sum;
}

std::uint64_t stream_read_scalar(const std::byte* data, std::size_t size_bytes) noexcept {
  const auto* words = reinterpret_cast<const std::uint64_t*>(data);
  const std::size_t part = size_bytes / sizeof(std::uint64_t) / kStreams;
  std::uint64_t sums[kStreams][8] = {};
  for (std::size_t i = 0; i < part; i += 8) {
    for (std::size_t s = 0; s < kStreams; ++s) {
      for (std::size_t j = 0; j < 8; ++j) sums[s][j] += words[s * part + i + j];
    }
  }
  std::uint64_t total = 0;
  for (const auto& stream : sums) {
    for (const std::uint64_t sum : stream) total += sum;
  }
  return total;
}

void stream_update_scalar(float* data, std::size_t size_bytes, float factor) noexcept {
  for (std::size_t i = 0; i < size_bytes / sizeof(float); ++i) data[i] *= factor;
}

}  // namespace amanuensis::kernels
