// What a speech model needs of an NPU, as operations on host memory: each pads its data to the kernel's tiles, runs,
// checks samples of the result against a computation on the host, and says whether the NPU did it. Falling back is a
// chain: log-mel goes from batches of 20 to single frames to the processor; the others return false and their caller
// (npu_backend.h) has the CPU do them. Every step down is counted. Any thread; buffers belong to the caller.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/tensor_view.h"
#include "device/npu/executor.h"
#include "device/npu/kernels/tile_kernels.h"

namespace amanuensis::device::npu {

inline constexpr std::size_t kRowTile = 64;
// What every tile of the array gets the same number of: 64 rows and 64 columns of a result for each of 4 x 4 tiles.
inline constexpr std::size_t kArrayTile = 256;
constexpr std::size_t round_up(std::size_t n, std::size_t unit) { return (n + unit - 1) / unit * unit; }

// Rows of bytes with a scale each, padded with zeros: rows to multiples of 256, columns to multiples of 64.
struct ByteRows {
  std::vector<std::int8_t> codes;  // [padded_rows, padded_cols]
  std::vector<float> scales;       // [padded_rows]
  std::size_t rows = 0;
  std::size_t padded_rows = 0;
  std::size_t padded_cols = 0;

  // Makes room; everything is zero.
  void reset(std::size_t new_rows, std::size_t cols);
};

// Rounds every row to bytes with its own scale (its largest value is 127).
void quantize_rows(TensorView<const float> x, ByteRows& out);

// A linear layer's weights [out, in] in bytes, with a scale for each output. Immutable.
struct ByteWeights {
  std::vector<std::int8_t> codes;  // [padded_out, padded_in]
  std::vector<float> scales;       // [padded_out]
  std::vector<float> bias;         // [padded_out]
  std::size_t in = 0;
  std::size_t out = 0;
  std::size_t padded_in = 0;
  std::size_t padded_out = 0;
  std::uint64_t key = 0;  // tells its buffers on the device apart
};

// An encoder's transformer block (encoder_backend.h), rounded to bytes.
struct BlockOperands {
  std::span<const float> attention_gamma;
  std::span<const float> attention_beta;
  const ByteWeights& query_key_value;
  const ByteWeights& attention_out;
  std::size_t heads = 0;
  std::span<const float> mlp_gamma;
  std::span<const float> mlp_beta;
  const ByteWeights& up;
  const ByteWeights& down;
};

struct MatmulOptions {
  bool gelu = false;
  TensorView<const float> residual = {};  // empty: none; may be y itself
};

// Who did how many of an operation's calls; `reason` is the last one for not using the NPU.
struct OperationCount {
  std::string name;
  std::uint64_t npu = 0;
  // One step down, still on the NPU: log-mel frames one by one, blocks by seven kernels instead of one.
  std::uint64_t npu_single = 0;
  std::uint64_t cpu = 0;
  std::string reason;
};

// Seconds of audio that went through, for realtime factors.
struct AudioTotals {
  double log_mel_s = 0;
  double encoder_s = 0;
};

class Operations {
 public:
  // Both must outlive the object.
  Operations(Executor& executor, const TileKernels& host);

  Executor& executor() { return executor_; }

  // Log-mel bands of frames [n, 400] of int16 samples, into bands [n, 80] (scales: kernels/log_mel.h). Always does all
  // of them. `batch_kernel` is tried first, then single frames, then the processor.
  void log_mel(std::span<const std::int16_t> frames, std::span<std::int8_t> bands,
               std::string_view batch_kernel = "log_mel_20");

  // y [rows, out] = x w^T + bias, and so on.
  bool matmul(const ByteRows& x, const ByteWeights& w, TensorView<float> y, const MatmulOptions& options,
              std::string_view kernel = "matmul_64");
  // Takes x [frames, width] through a whole block, in one launch and in place. False: nothing was changed.
  bool encoder_block(const BlockOperands& block, TensorView<float> x);
  // Rows of x normalised and rounded to bytes.
  bool layer_norm(TensorView<const float> x, std::span<const float> gamma, std::span<const float> beta, ByteRows& y);
  // q, k, v, out: [frames, heads * 64].
  bool attention(TensorView<const float> q, TensorView<const float> k, TensorView<const float> v, std::size_t heads,
                 TensorView<float> out);
  // y = gelu(x) through bytes: x is rounded to 127 / x_limit units, y to 127 / y_limit.
  bool gelu(TensorView<const float> x, float x_limit, float y_limit, TensorView<float> y);
  // softmax(scores * step) per row; step in natural units.
  bool softmax(TensorView<const std::int32_t> scores, std::span<const float> step, TensorView<float> y);
  bool residual_add(TensorView<const float> a, TensorView<const float> b, TensorView<float> y);

  // Rounds weights to bytes, with a scale for each output that its largest weight gives. weight(row, values) writes one
  // row; bias is empty or [out].
  ByteWeights make_weights(std::size_t out, std::size_t in,
                           const std::function<void(std::size_t row, std::span<float> values)>& weight,
                           std::span<const float> bias);

  std::vector<OperationCount> counts() const;
  // Callers say what audio they had computed: rows do not tell, for frames are repeated and windows padded.
  void add_audio(const AudioTotals& audio);
  AudioTotals audio() const;

 private:
  bool finish(Operation operation, const JobResult& result, std::size_t batches);
  bool finish_block(const JobResult& result);
  bool refuse(Operation operation, const std::string& reason);
  std::size_t log_mel_batches(const KernelSpec& spec, std::span<const std::int16_t> frames,
                              std::span<std::int8_t> bands, std::string& reason);

  Executor& executor_;
  const TileKernels& host_;
  mutable std::mutex mutex_;
  std::array<OperationCount, kKernelOperations> counts_;
  AudioTotals audio_;
  std::atomic<std::uint64_t> next_key_{1};
  std::atomic<std::uint64_t> blocks_{0};
};

}  // namespace amanuensis::device::npu
