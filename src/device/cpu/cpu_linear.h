// Linear layers and convolutions of the CPU backend: packed weights, and how a product is shared out among threads.
// Weights are immutable once prepared; the compute functions use the pool and the workspace of one backend.
#pragma once

#include <cstddef>
#include <span>

#include "base/thread_pool.h"
#include "device/backend.h"
#include "device/cpu/workspace.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/packed_weights.h"
#include "kernels/layernorm/layernorm.h"

namespace amanuensis::device {

class CpuLinearWeights final : public LinearWeights {
 public:
  explicit CpuLinearWeights(kernels::PackedWeights packed) : packed_(std::move(packed)) {}
  std::size_t in_features() const override { return packed_.in(); }
  std::size_t out_features() const override { return packed_.out(); }
  const kernels::PackedWeights& packed() const { return packed_; }

 private:
  kernels::PackedWeights packed_;
};

// Weights are stored as [out][kernel][in], so that one output frame's inputs are contiguous in a time-major x.
class CpuConvWeights final : public ConvWeights {
 public:
  CpuConvWeights(kernels::PackedWeights packed, const ConvShape& shape) : packed_(std::move(packed)), shape_(shape) {}
  std::size_t in_channels() const override { return shape_.in_channels; }
  std::size_t out_channels() const override { return packed_.out(); }
  const kernels::PackedWeights& packed() const { return packed_; }
  const ConvShape& shape() const { return shape_; }

 private:
  kernels::PackedWeights packed_;
  ConvShape shape_;
};

// Packs every panel, in parallel. Rethrows what source.read_row throws.
kernels::PackedWeights pack_linear(ThreadPool& pool, const kernels::GemmVariant& variant, const MatrixSource& source,
                                   std::span<const float> bias);

// A layer norm of in_features values.
struct RowNorm {
  const kernels::LayerNormVariant* variant = nullptr;
  const float* gamma = nullptr;
  const float* beta = nullptr;
};

// What a linear layer reads: x, or when `norm` is set x normalised as it is packed, row by row and never stored.
struct LinearInput {
  TensorView<const float> x;
  const RowNorm* norm = nullptr;
};

// y = epilogue(input * weight^T + bias), as Backend::linear and Backend::norm_linear.
void run_linear(ThreadPool& pool, Workspace& workspace, const kernels::PackedWeights& weights, const LinearInput& input,
                TensorView<float> y, const Epilogue& epilogue);

// y = gelu(conv(x) + bias), as Backend::conv1d_gelu: an implicit matrix product, no matrix of shifted copies is made.
void run_conv1d_gelu(ThreadPool& pool, Workspace& workspace, const CpuConvWeights& weights, TensorView<const float> x,
                     TensorView<float> y);

}  // namespace amanuensis::device
