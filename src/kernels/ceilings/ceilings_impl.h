// The entry points of the ceilings' variants, one set per ISA file. For ceilings.cc alone.
#pragma once

#include <cstddef>
#include <cstdint>

namespace amanuensis::kernels {

// Independent chains: more than latency times throughput of any multiply instruction so far (4 cycles, 2 a cycle).
inline constexpr int kPeakChains = 12;

inline constexpr int kScalarPeakFloats = 32;
void peak_f32_scalar(std::uint64_t turns) noexcept;
std::uint64_t stream_read_scalar(const std::byte* data, std::size_t size_bytes) noexcept;
void stream_update_scalar(float* data, std::size_t size_bytes, float factor) noexcept;

#if defined(__x86_64__)
void peak_f32_avx2(std::uint64_t turns) noexcept;
void peak_int8_avx2(std::uint64_t turns) noexcept;
std::uint64_t stream_read_avx2(const std::byte* data, std::size_t size_bytes) noexcept;
void stream_update_avx2(float* data, std::size_t size_bytes, float factor) noexcept;

void peak_f32_avx512f(std::uint64_t turns) noexcept;
void peak_bf16_avx512(std::uint64_t turns) noexcept;
void peak_int8_avx512_vnni(std::uint64_t turns) noexcept;
std::uint64_t stream_read_avx512f(const std::byte* data, std::size_t size_bytes) noexcept;
void stream_update_avx512f(float* data, std::size_t size_bytes, float factor) noexcept;
#elif defined(__aarch64__)
void peak_f32_neon(std::uint64_t turns) noexcept;
void peak_int8_neon(std::uint64_t turns) noexcept;
void peak_int8_neon_dotprod(std::uint64_t turns) noexcept;
void peak_bf16_neon_bf16(std::uint64_t turns) noexcept;
void peak_int8_neon_bf16(std::uint64_t turns) noexcept;
std::uint64_t stream_read_neon(const std::byte* data, std::size_t size_bytes) noexcept;
void stream_update_neon(float* data, std::size_t size_bytes, float factor) noexcept;
#endif

}  // namespace amanuensis::kernels
