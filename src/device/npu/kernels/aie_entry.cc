// Entry points that an AIE compiler exports, one for each function that the catalog names. tools/npu/emit_mlir.py
// declares the same signatures. Nothing on the host calls them; they are compiled there so that they cannot rot.
#include "device/npu/kernels/attention.h"
#include "device/npu/kernels/encoder_block.h"
#include "device/npu/kernels/gelu.h"
#include "device/npu/kernels/layer_norm.h"
#include "device/npu/kernels/log_mel.h"
#include "device/npu/kernels/matmul.h"
#include "device/npu/kernels/residual_add.h"
#include "device/npu/kernels/softmax.h"

namespace tile = amanuensis::device::npu::tile;

extern "C" {

void amanuensis_log_mel(const int16_t* frames, int8_t* bands, int32_t count) {
  tile::log_mel_frames(frames, bands, count);
}

void amanuensis_gelu_bytes(const int8_t* x, const int8_t* table, int8_t* y, int32_t values) {
  tile::gelu_bytes(x, table, y, values);
}

void amanuensis_softmax(const int32_t* scores, const int32_t* step, int16_t* y, int32_t rows, int32_t cols) {
  tile::softmax_rows(scores, step, rows, cols, y);
}

void amanuensis_layer_norm(const float* x, const float* gamma, const float* beta, int8_t* y, float* y_scale,
                           float* scratch, int32_t rows, int32_t cols) {
  tile::layer_norm_rows(x, {gamma, beta, rows, cols}, scratch, y, y_scale);
}

void amanuensis_residual_add(const float* a, const float* b, float* y, int32_t values) {
  tile::residual_add(a, b, y, values);
}

void amanuensis_matmul_clear(int32_t* acc, int32_t values) { tile::matmul_clear(acc, values); }
void amanuensis_matmul_16(const int8_t* a, const int8_t* b, int32_t* acc) { tile::matmul_accumulate<16>(a, b, acc); }
void amanuensis_matmul_32(const int8_t* a, const int8_t* b, int32_t* acc) { tile::matmul_accumulate<32>(a, b, acc); }
void amanuensis_matmul_64(const int8_t* a, const int8_t* b, int32_t* acc) { tile::matmul_accumulate<64>(a, b, acc); }
// Both operands in one element, b behind a.
void amanuensis_matmul_64_packed(const int8_t* operands, int32_t* acc) {
  tile::matmul_accumulate<64>(operands, operands + 64 * 64, acc);
}

// row_scale begins at a column's first row; `offset` is this tile's first row among them, `first` the stripe's in the
// tile.
void amanuensis_matmul_finish(const int32_t* acc, const float* row_scale, const float* col_scale, const float* bias,
                              float* y, int32_t offset, int32_t first, int32_t rows, int32_t cols, int32_t gelu) {
  tile::matmul_finish(acc + first * cols, {row_scale + offset + first, col_scale, bias, nullptr, rows, cols, gelu}, y);
}
void amanuensis_matmul_finish_residual(const int32_t* acc, const float* row_scale, const float* col_scale,
                                       const float* bias, const float* residual, float* y, int32_t offset,
                                       int32_t first, int32_t rows, int32_t cols, int32_t gelu) {
  tile::matmul_finish(acc + first * cols, {row_scale + offset + first, col_scale, bias, residual, rows, cols, gelu}, y);
}

void amanuensis_attention_begin(tile::AttentionState* state) { tile::attention_begin(state); }
void amanuensis_attention(const int8_t* q, const int32_t* q_step, const int8_t* k, const int8_t* v,
                          tile::AttentionState* state, int32_t keys) {
  tile::attention_accumulate({q, q_step, k, v, keys}, state);
}
void amanuensis_attention_finish(const tile::AttentionState* state, const float* v_scale, float* y, int32_t first,
                                 int32_t rows) {
  tile::attention_finish(state, v_scale, first, rows, y);
}

// Rows within elements that hold more of them: `row` is their place in y's, `scale_row` in the scales'.
void amanuensis_layer_norm_at(const float* x, const float* gamma, const float* beta, int8_t* y, float* y_scale,
                              float* scratch, int32_t rows, int32_t cols, int32_t row, int32_t scale_row) {
  tile::layer_norm_rows(x, {gamma, beta, rows, cols}, scratch, y + row * cols, y_scale + scale_row);
}
void amanuensis_quantize_rows_at(const float* x, int8_t* y, float* scale, int32_t rows, int32_t cols, int32_t row,
                                 int32_t scale_row) {
  for (int32_t r = 0; r < rows; ++r) {
    const float* const parts[] = {x + r * cols};
    tile::quantize_row(parts, cols, y + (row + r) * cols, scale + scale_row + r);
  }
}
// A row in several elements; what is not there is not looked at.
void amanuensis_quantize_row_at(const float* first, const float* second, const float* third, int8_t* y, float* scale,
                                int32_t cols, int32_t row, int32_t scale_row) {
  const float* const parts[] = {first, second, third};
  tile::quantize_row(parts, cols, y + row * cols, scale + scale_row);
}
void amanuensis_input_begin(tile::AttentionInput* input) { tile::attention_input_begin(input); }
void amanuensis_input_see(const float* q, const float* k, const float* v, tile::AttentionInput* input, int32_t rows) {
  tile::attention_input_see(q, k, v, rows, input);
}
void amanuensis_input_settle(tile::AttentionInput* input) { tile::attention_input_settle(input); }
void amanuensis_input_scales(const tile::AttentionInput* input, float* v_scale, int32_t first, int32_t channels) {
  tile::attention_input_scales(input, first, channels, v_scale);
}
// Stripes within elements of 64 rows; `first` is a stripe's first row.
void amanuensis_round_queries_at(const tile::AttentionInput* input, const float* q, int8_t* y, int32_t* step,
                                 int32_t rows, int32_t first, int32_t step_first) {
  tile::round_queries(input, q, rows, y + first * tile::kHeadDim, step + step_first);
}
void amanuensis_round_keys_at(const tile::AttentionInput* input, const float* k, int8_t* y, int32_t rows,
                              int32_t first) {
  tile::round_keys(input, k, rows, y + first * tile::kHeadDim);
}
void amanuensis_round_values_at(const tile::AttentionInput* input, const float* v, int8_t* y, int32_t rows,
                                int32_t first) {
  tile::round_values(input, v, rows, tile::kHeadDim, y + first);
}

}  // extern "C"
