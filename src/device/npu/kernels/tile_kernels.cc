#include "device/npu/kernels/tile_kernels.h"

#include <array>

#include "device/npu/kernels/log_mel.h"
#include "device/npu/kernels/softmax.h"

namespace amanuensis::device::npu {

extern const TileKernels kTileKernelsScalar;
#if defined(__x86_64__)
extern const TileKernels kTileKernelsAvx2;
extern const TileKernels kTileKernelsAvx512Vnni;
#endif

std::span<const TileKernels> tile_kernel_variants() {
#if defined(__x86_64__)
  static const std::array<TileKernels, 3> variants = {kTileKernelsAvx512Vnni, kTileKernelsAvx2, kTileKernelsScalar};
#else
  static const std::array<TileKernels, 1> variants = {kTileKernelsScalar};
#endif
  return variants;
}

const TileKernels& best_tile_kernels(const CpuFeatures& cpu) {
  const std::span<const TileKernels> variants = tile_kernel_variants();
  for (const TileKernels& variant : variants) {
    if (kernels::runs_on(variant.isa, cpu)) return variant;
  }
  return variants.back();
}

TileConstants tile_constants() {
  return {.log_mel_bytes = tile::kLogMelConstantBytes,
          .softmax_bytes = tile::kSoftmaxConstantBytes,
          .matmul_bytes = tile::kMatmulConstantBytes,
          .attention_state_bytes = sizeof(tile::AttentionState)};
}

}  // namespace amanuensis::device::npu
