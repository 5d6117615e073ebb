#include "device/npu/kernels/tile_kernels_impl.h"

namespace amanuensis::device::npu {

extern const TileKernels kTileKernelsAvx2;
constexpr TileKernels kTileKernelsAvx2 = make_tile_kernels(kernels::Isa::kAvx2);

}  // namespace amanuensis::device::npu
