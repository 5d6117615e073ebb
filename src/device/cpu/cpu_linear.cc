#include "device/cpu/cpu_linear.h"

#include <algorithm>
#include <cassert>
#include <exception>
#include <mutex>
#include <vector>

namespace amanuensis::device {
namespace {

using kernels::GemmTask;
using kernels::GemmVariant;
using kernels::PackedWeights;

// Packed rows that one worker keeps beside a panel of weights: about a third of a second-level cache.
constexpr std::size_t kRowsBudgetBytes = 384 * 1024;

// Shares of a product per thread: more than one, so that a thread which loses its core holds nobody up. A share of rows
// reads all weights, so that it should not be smaller than some blocks.
constexpr std::size_t kRowTasksPerThread = 8;
constexpr std::size_t kLeastBlocksPerTask = 4;
constexpr std::size_t kPanelTasksPerThread = 2;

constexpr std::size_t divide_up(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

// Into how many tasks, each of whole blocks within the budget, a product of many rows is cut: the same number for all
// workers.
std::size_t row_tasks(const GemmVariant& variant, std::size_t blocks, std::size_t in, std::size_t threads) {
  const std::size_t most = std::max<std::size_t>(1, kRowsBudgetBytes / variant.block_bytes(in));
  const std::size_t fitting = divide_up(blocks, most * threads);
  const std::size_t wanted = std::min(kRowTasksPerThread, blocks / (kLeastBlocksPerTask * threads));
  return std::max(fitting, wanted) * threads;
}

// Bytes for one block of rows before it is packed, which some callers need.
std::size_t gather_bytes(const PackedWeights& weights) {
  return weights.variant().block_rows * weights.in() * sizeof(float);
}

// Many rows: each task packs its own rows and takes all panels. `pack` is called as pack(first_row, count, gather, to).
template <typename Pack>
void split_rows(ThreadPool& pool, Workspace& workspace, const PackedWeights& weights, const GemmTask& whole,
                const Pack& pack) {
  const GemmVariant& variant = weights.variant();
  const std::size_t blocks_of_rows = divide_up(whole.rows, variant.block_rows);
  const std::size_t tasks = row_tasks(variant, blocks_of_rows, weights.in(), pool.threads());
  const std::size_t packed_bytes = divide_up(blocks_of_rows, tasks) * variant.block_bytes(weights.in());
  workspace.reserve_workers(packed_bytes + gather_bytes(weights));
  pool.parallel_for(tasks, [&](std::size_t i, std::size_t worker) {
    GemmTask task = whole;
    const std::size_t first = blocks_of_rows * i / tasks * variant.block_rows;
    const std::size_t last = std::min(whole.rows, blocks_of_rows * (i + 1) / tasks * variant.block_rows);
    if (first >= last) return;
    task.rows = last - first;
    std::byte* blocks = workspace.worker(worker);
    pack(first, task.rows, reinterpret_cast<float*>(blocks + packed_bytes), blocks);
    task.blocks = blocks;
    task.y += first * whole.y_stride;
    if (task.residual != nullptr) task.residual += first * whole.residual_stride;
    task.last_panel = weights.panels();
    variant.run(weights.view(), task);
  });
}

// Few rows: packed once, then the panels are shared out, so that every weight is read once.
template <typename Pack>
void split_panels(ThreadPool& pool, Workspace& workspace, const PackedWeights& weights, const GemmTask& whole,
                  const Pack& pack) {
  const GemmVariant& variant = weights.variant();
  const std::size_t packed_bytes = variant.packed_rows_bytes(whole.rows, weights.in());
  workspace.reserve_shared(packed_bytes + gather_bytes(weights));
  pack(0, whole.rows, reinterpret_cast<float*>(workspace.shared() + packed_bytes), workspace.shared());
  const std::size_t tasks = std::min(kPanelTasksPerThread * pool.threads(), weights.panels());
  pool.parallel_for(tasks, [&](std::size_t i, std::size_t /*worker*/) {
    GemmTask task = whole;
    task.blocks = workspace.shared();
    task.first_panel = weights.panels() * i / tasks;
    task.last_panel = weights.panels() * (i + 1) / tasks;
    variant.run(weights.view(), task);
  });
}

template <typename Pack>
void multiply(ThreadPool& pool, Workspace& workspace, const PackedWeights& weights, const GemmTask& whole,
              const Pack& pack) {
  if (whole.rows == 0 || weights.out() == 0) return;
  if (divide_up(whole.rows, weights.variant().block_rows) >= 4 * pool.threads()) {
    split_rows(pool, workspace, weights, whole, pack);
  } else {
    split_panels(pool, workspace, weights, whole, pack);
  }
}

// Writes the inputs of output frame `t` in the order of the packed weights, zeros outside x.
void gather_frame(const ConvShape& shape, TensorView<const float> x, std::size_t t, float* to) {
  for (std::size_t k = 0; k < shape.kernel; ++k, to += shape.in_channels) {
    const std::size_t padded = t * shape.stride + k;
    if (padded < shape.padding || padded - shape.padding >= x.rows()) {
      std::fill_n(to, shape.in_channels, 0.0f);
    } else {
      std::copy_n(x.row(padded - shape.padding).data(), shape.in_channels, to);
    }
  }
}

}  // namespace

PackedWeights pack_linear(ThreadPool& pool, const GemmVariant& variant, const MatrixSource& source,
                          std::span<const float> bias) {
  PackedWeights packed(variant, source.rows(), source.cols(), bias);
  std::vector<AlignedBuffer<float>> scratch(pool.threads());
  for (auto& buffer : scratch) buffer = AlignedBuffer<float>(variant.panel_cols * source.cols());
  // Tasks may not throw, reading may: the first failure is carried to the caller.
  std::exception_ptr failure;
  std::mutex failure_mutex;
  pool.parallel_for(packed.panels(), [&](std::size_t panel, std::size_t worker) {
    try {
      const std::size_t first = panel * variant.panel_cols;
      const auto rows = scratch[worker].matrix(std::min(variant.panel_cols, source.rows() - first), source.cols());
      for (std::size_t r = 0; r < rows.rows(); ++r) source.read_row(first + r, rows.row(r));
      packed.pack_panel(panel, rows);
    } catch (...) {
      const std::scoped_lock lock(failure_mutex);
      if (!failure) failure = std::current_exception();
    }
  });
  if (failure) std::rethrow_exception(failure);
  return packed;
}

void run_linear(ThreadPool& pool, Workspace& workspace, const PackedWeights& weights, const LinearInput& input,
                TensorView<float> y, const Epilogue& epilogue) {
  const TensorView<const float> x = input.x;
  assert(x.cols() == weights.in() && y.cols() == weights.out() && x.rows() == y.rows());
  const GemmTask whole = {.rows = x.rows(),
                          .y = y.data(),
                          .y_stride = y.stride(),
                          .gelu = epilogue.gelu,
                          .residual = epilogue.residual,
                          .residual_stride = epilogue.residual_stride};
  const GemmVariant& variant = weights.variant();
  multiply(pool, workspace, weights, whole, [&](std::size_t first, std::size_t count, float* gather, std::byte* to) {
    if (input.norm == nullptr) {
      variant.pack_rows(x.data() + first * x.stride(), x.stride(), count, weights.in(), to);
      return;
    }
    // A block's normalised rows are packed while they are in the first cache.
    for (std::size_t r = 0; r < count; r += variant.block_rows, to += variant.block_bytes(weights.in())) {
      const std::size_t rows = std::min(variant.block_rows, count - r);
      for (std::size_t i = 0; i < rows; ++i) {
        input.norm->variant->run(x.data() + (first + r + i) * x.stride(), input.norm->gamma, input.norm->beta,
                                 gather + i * weights.in(), weights.in());
      }
      variant.pack_rows(gather, weights.in(), rows, weights.in(), to);
    }
  });
}

void run_conv1d_gelu(ThreadPool& pool, Workspace& workspace, const CpuConvWeights& weights, TensorView<const float> x,
                     TensorView<float> y) {
  const ConvShape& shape = weights.shape();
  const PackedWeights& packed = weights.packed();
  const GemmVariant& variant = packed.variant();
  assert(x.cols() == shape.in_channels && y.cols() == packed.out());
  assert(x.rows() + 2 * shape.padding >= shape.kernel);
  assert(y.rows() == (x.rows() + 2 * shape.padding - shape.kernel) / shape.stride + 1);
  const GemmTask whole = {.rows = y.rows(), .y = y.data(), .y_stride = y.stride(), .gelu = true};
  // Output frames whose inputs all lie inside x: in a contiguous x they are rows of one overlapping matrix.
  const std::size_t inner_first = divide_up(shape.padding, shape.stride);
  const std::size_t past_end =
      x.rows() + shape.padding < shape.kernel ? 0 : (x.rows() + shape.padding - shape.kernel) / shape.stride + 1;
  const std::size_t block = variant.block_rows;
  multiply(pool, workspace, packed, whole, [&](std::size_t first, std::size_t count, float* gather, std::byte* blocks) {
    for (std::size_t r = 0; r < count; r += block, blocks += variant.block_bytes(packed.in())) {
      const std::size_t t = first + r;
      const std::size_t rows = std::min(block, count - r);
      if (x.contiguous() && t >= inner_first && t + rows <= past_end) {
        const float* from = x.data() + (t * shape.stride - shape.padding) * shape.in_channels;
        variant.pack_rows(from, shape.stride * shape.in_channels, rows, packed.in(), blocks);
      } else {
        for (std::size_t i = 0; i < rows; ++i) gather_frame(shape, x, t + i, gather + i * packed.in());
        variant.pack_rows(gather, packed.in(), rows, packed.in(), blocks);
      }
    }
  });
}

}  // namespace amanuensis::device
