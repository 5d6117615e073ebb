// The table of tile kernels as the including file's flags compile it. Everything is internal to that file.
#pragma once

#include "device/npu/kernels/gelu.h"
#include "device/npu/kernels/log_mel.h"
#include "device/npu/kernels/residual_add.h"
#include "device/npu/kernels/softmax.h"
#include "device/npu/kernels/tile_kernels.h"

namespace amanuensis::device::npu {

static constexpr TileKernels make_tile_kernels(kernels::Isa isa) {
  return {.isa = isa,
          .log_mel = tile::log_mel_frames,
          .gelu = tile::gelu_bytes,
          .softmax = tile::softmax_rows,
          .layer_norm = tile::layer_norm_rows,
          .residual_add = tile::residual_add,
          .matmul_clear = tile::matmul_clear,
          .matmul_16 = tile::matmul_accumulate<16>,
          .matmul_32 = tile::matmul_accumulate<32>,
          .matmul_64 = tile::matmul_accumulate<64>,
          .matmul_finish = tile::matmul_finish,
          .attention_begin = tile::attention_begin,
          .attention_accumulate = tile::attention_accumulate,
          .attention_finish = tile::attention_finish,
          .quantize_row = tile::quantize_row,
          .input_begin = tile::attention_input_begin,
          .input_see = tile::attention_input_see,
          .input_settle = tile::attention_input_settle,
          .input_scales = tile::attention_input_scales,
          .round_queries = tile::round_queries,
          .round_keys = tile::round_keys,
          .round_values = tile::round_values};
}

}  // namespace amanuensis::device::npu
