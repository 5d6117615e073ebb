// How the dot product instructions of Armv8.2 multiply units of four signed bytes. Included only by *_neon_dotprod.cc
// and
// *_neon_bf16.cc files.
#pragma once

#include "kernels/gemm/gemm_policies_neon.h"

namespace amanuensis::kernels {
namespace {

struct Int8NeonDotprod : Int8Neon {
  static Sum dot(Sum sum, Left a, Right b) { return vdotq_s32(sum, a, b); }
};

}  // namespace
}  // namespace amanuensis::kernels
