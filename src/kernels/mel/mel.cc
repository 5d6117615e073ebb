#include "kernels/mel/mel.h"

#include "kernels/mel/mel_impl.h"

namespace amanuensis::kernels {
namespace {

constexpr LogMelBandsVariant kVariants[] = {
#if defined(__x86_64__)
    {Isa::kAvx512F, log_mel_bands_avx512f, 2e-6F},
    {Isa::kAvx2, log_mel_bands_avx2, 2e-6F},
#elif defined(__aarch64__)
    {Isa::kNeon, log_mel_bands_neon, 2e-6F},
#endif
    {Isa::kScalar, log_mel_bands_scalar, 2e-6F},
};

}  // namespace

std::span<const LogMelBandsVariant> log_mel_bands_variants() { return kVariants; }

}  // namespace amanuensis::kernels
