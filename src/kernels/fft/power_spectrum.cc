#include "kernels/fft/power_spectrum.h"

#include "kernels/fft/power_spectrum_impl.h"

namespace amanuensis::kernels {
namespace {

constexpr PowerSpectrumVariant kVariants[] = {
#if defined(__x86_64__)
    {Isa::kAvx512F, power_spectrum_avx512f, 3e-7F},
    {Isa::kAvx2, power_spectrum_avx2, 3e-7F},
#elif defined(__aarch64__)
    {Isa::kNeon, power_spectrum_neon, 3e-7F},
#endif
    {Isa::kScalar, power_spectrum_scalar, 3e-7F},
};

}  // namespace

std::span<const PowerSpectrumVariant> power_spectrum_variants() { return kVariants; }

}  // namespace amanuensis::kernels
