#include "device/npu/kernels/tile_kernels_impl.h"

namespace amanuensis::device::npu {

extern const TileKernels kTileKernelsAvx512Vnni;
constexpr TileKernels kTileKernelsAvx512Vnni = make_tile_kernels(kernels::Isa::kAvx512Vnni);

}  // namespace amanuensis::device::npu
