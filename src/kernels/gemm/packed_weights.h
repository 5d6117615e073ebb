// A weight matrix in one GEMM variant's own layout, made once when a model is loaded. Panels are filled by
// pack_panel(), different panels from different threads if wished; afterwards the object is immutable and may be
// shared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/aligned_buffer.h"
#include "base/tensor_view.h"
#include "kernels/gemm/gemm.h"

namespace amanuensis::kernels {

class PackedWeights {
 public:
  // Room for weight [out, in]; bias is empty or [out]. Throws std::bad_alloc.
  PackedWeights(const GemmVariant& variant, std::size_t out, std::size_t in, std::span<const float> bias);

  // Fills one panel from its rows: weight rows [panel * panel_cols, ...), at most panel_cols of them, `in` wide.
  void pack_panel(std::size_t panel, TensorView<const float> rows);

  const GemmVariant& variant() const { return *variant_; }
  std::size_t in() const { return in_; }
  std::size_t out() const { return out_; }
  std::size_t panels() const { return variant_->panels(out_); }
  GemmWeights view() const;
  std::size_t size_bytes() const { return panels_.size() * sizeof(std::uint32_t); }

 private:
  const GemmVariant* variant_;
  std::size_t in_;
  std::size_t out_;
  AlignedBuffer<std::uint32_t> panels_;
  AlignedBuffer<float> bias_;
  AlignedBuffer<float> scale_;
  AlignedBuffer<std::int32_t> column_sum_;
};

}  // namespace amanuensis::kernels
