// The tile kernels as functions that the simulator calls. The same source is compiled for several instruction sets, so
// that simulating is quick; which one runs changes no integer result. An AIE compiler takes aie_entry.cc instead.
// Pure functions; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "device/npu/kernels/attention.h"
#include "device/npu/kernels/encoder_block.h"
#include "device/npu/kernels/layer_norm.h"
#include "device/npu/kernels/matmul.h"
#include "kernels/isa.h"

namespace amanuensis::device::npu {

struct TileKernels {
  kernels::Isa isa = kernels::Isa::kScalar;
  void (*log_mel)(const std::int16_t* samples, std::int8_t* bands, std::int32_t frames) = nullptr;
  void (*gelu)(const std::int8_t* x, const std::int8_t* table, std::int8_t* y, std::int32_t values) = nullptr;
  void (*softmax)(const std::int32_t* scores, const std::int32_t* step, std::int32_t rows, std::int32_t cols,
                  std::int16_t* y) = nullptr;
  void (*layer_norm)(const float* x, const tile::LayerNormRows& norm, float* scratch, std::int8_t* y,
                     float* y_scale) = nullptr;
  void (*residual_add)(const float* a, const float* b, float* out, std::int32_t values) = nullptr;
  void (*matmul_clear)(std::int32_t* acc, std::int32_t values) = nullptr;
  void (*matmul_16)(const std::int8_t* a, const std::int8_t* b, std::int32_t* acc) = nullptr;
  void (*matmul_32)(const std::int8_t* a, const std::int8_t* b, std::int32_t* acc) = nullptr;
  void (*matmul_64)(const std::int8_t* a, const std::int8_t* b, std::int32_t* acc) = nullptr;
  void (*matmul_finish)(const std::int32_t* acc, const tile::MatmulFinish& finish, float* out) = nullptr;
  void (*attention_begin)(tile::AttentionState* state) = nullptr;
  void (*attention_accumulate)(const tile::AttentionBlock& block, tile::AttentionState* state) = nullptr;
  void (*attention_finish)(const tile::AttentionState* state, const float* v_scale, std::int32_t first_row,
                           std::int32_t rows, float* out) = nullptr;
  void (*quantize_row)(const float* const* parts, std::int32_t cols, std::int8_t* y, float* scale) = nullptr;
  void (*input_begin)(tile::AttentionInput* input) = nullptr;
  void (*input_see)(const float* q, const float* k, const float* v, std::int32_t rows,
                    tile::AttentionInput* input) = nullptr;
  void (*input_settle)(tile::AttentionInput* input) = nullptr;
  void (*input_scales)(const tile::AttentionInput* input, std::int32_t first, std::int32_t channels,
                       float* v_scale) = nullptr;
  void (*round_queries)(const tile::AttentionInput* input, const float* q, std::int32_t rows, std::int8_t* y,
                        std::int32_t* step) = nullptr;
  void (*round_keys)(const tile::AttentionInput* input, const float* k, std::int32_t rows, std::int8_t* y) = nullptr;
  void (*round_values)(const tile::AttentionInput* input, const float* v, std::int32_t rows, std::int32_t stride,
                       std::int8_t* y) = nullptr;
};

// Best first; plain C++ is last and always runs.
std::span<const TileKernels> tile_kernel_variants();

// The best that runs on this processor.
const TileKernels& best_tile_kernels(const CpuFeatures& cpu);

// What a kernel keeps in a tile besides its buffers; the catalog must not state less.
struct TileConstants {
  std::size_t log_mel_bytes;
  std::size_t softmax_bytes;
  std::size_t matmul_bytes;
  std::size_t attention_state_bytes;
};
TileConstants tile_constants();

}  // namespace amanuensis::device::npu
