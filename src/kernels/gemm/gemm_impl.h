// The entry points of the GEMM variants, one set per ISA file. For gemm.cc alone.
#pragma once

#include <cstddef>

#include "kernels/gemm/gemm.h"

namespace amanuensis::kernels {

inline constexpr std::size_t kScalarBlockRows = 4;
inline constexpr std::size_t kScalarPanelCols = 16;

void gemm_f32_pack_rows_scalar(const float* x, std::size_t stride, std::size_t rows, std::size_t in,
                               std::byte* blocks) noexcept;
void gemm_f32_scalar(const GemmWeights& weights, const GemmTask& task) noexcept;
void gemm_bf16_pack_rows_scalar(const float* x, std::size_t stride, std::size_t rows, std::size_t in,
                                std::byte* blocks) noexcept;
void gemm_bf16_scalar(const GemmWeights& weights, const GemmTask& task) noexcept;
void gemm_int8_pack_rows_scalar(const float* x, std::size_t stride, std::size_t rows, std::size_t in,
                                std::byte* blocks) noexcept;
void gemm_int8_scalar(const GemmWeights& weights, const GemmTask& task) noexcept;

void gemm_f32_pack_rows_avx2(const float* x, std::size_t stride, std::size_t rows, std::size_t in,
                             std::byte* blocks) noexcept;
void gemm_f32_avx2(const GemmWeights& weights, const GemmTask& task) noexcept;
void gemm_bf16_pack_rows_avx2(const float* x, std::size_t stride, std::size_t rows, std::size_t in,
                              std::byte* blocks) noexcept;
void gemm_bf16_avx2(const GemmWeights& weights, const GemmTask& task) noexcept;
void gemm_int8_pack_rows_avx2(const float* x, std::size_t stride, std::size_t rows, std::size_t in,
                              std::byte* blocks) noexcept;
void gemm_int8_avx2(const GemmWeights& weights, const GemmTask& task) noexcept;

void gemm_f32_pack_rows_avx512f(const float* x, std::size_t stride, std::size_t rows, std::size_t in,
                                std::byte* blocks) noexcept;
void gemm_f32_avx512f(const GemmWeights& weights, const GemmTask& task) noexcept;
void gemm_bf16_pack_rows_avx512(const float* x, std::size_t stride, std::size_t rows, std::size_t in,
                                std::byte* blocks) noexcept;
void gemm_bf16_avx512(const GemmWeights& weights, const GemmTask& task) noexcept;
void gemm_int8_pack_rows_avx512_vnni(const float* x, std::size_t stride, std::size_t rows, std::size_t in,
                                     std::byte* blocks) noexcept;
void gemm_int8_avx512_vnni(const GemmWeights& weights, const GemmTask& task) noexcept;

void gemm_f32_pack_rows_neon(const float* x, std::size_t stride, std::size_t rows, std::size_t in,
                             std::byte* blocks) noexcept;
void gemm_f32_neon(const GemmWeights& weights, const GemmTask& task) noexcept;
void gemm_bf16_pack_rows_neon(const float* x, std::size_t stride, std::size_t rows, std::size_t in,
                              std::byte* blocks) noexcept;
void gemm_bf16_neon(const GemmWeights& weights, const GemmTask& task) noexcept;
void gemm_int8_pack_rows_neon(const float* x, std::size_t stride, std::size_t rows, std::size_t in,
                              std::byte* blocks) noexcept;
void gemm_int8_neon(const GemmWeights& weights, const GemmTask& task) noexcept;

void gemm_int8_pack_rows_neon_dotprod(const float* x, std::size_t stride, std::size_t rows, std::size_t in,
                                      std::byte* blocks) noexcept;
void gemm_int8_neon_dotprod(const GemmWeights& weights, const GemmTask& task) noexcept;

void gemm_bf16_pack_rows_neon_bf16(const float* x, std::size_t stride, std::size_t rows, std::size_t in,
                                   std::byte* blocks) noexcept;
void gemm_bf16_neon_bf16(const GemmWeights& weights, const GemmTask& task) noexcept;
void gemm_int8_pack_rows_neon_bf16(const float* x, std::size_t stride, std::size_t rows, std::size_t in,
                                   std::byte* blocks) noexcept;
void gemm_int8_neon_bf16(const GemmWeights& weights, const GemmTask& task) noexcept;

}  // namespace amanuensis::kernels
