#include "device/npu/kernels/tile_kernels_impl.h"

namespace amanuensis::device::npu {

extern const TileKernels kTileKernelsScalar;
constexpr TileKernels kTileKernelsScalar = make_tile_kernels(kernels::Isa::kScalar);

}  // namespace amanuensis::device::npu
