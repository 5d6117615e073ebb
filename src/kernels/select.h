// Which variant of each operation a program uses: chosen once at the start from what the processor can do, then passed
// along. A plain value that points at the operations' static lists of variants; safe to copy and to share.
#pragma once

#include <string_view>

#include "base/cpu_features.h"
#include "kernels/attention/attention_map.h"
#include "kernels/attention/cache_rows.h"
#include "kernels/attention/cached_attention.h"
#include "kernels/attention/self_attention.h"
#include "kernels/fft/power_spectrum.h"
#include "kernels/gelu/gelu.h"
#include "kernels/gemm/gemm.h"
#include "kernels/isa.h"
#include "kernels/layernorm/layernorm.h"
#include "kernels/mel/mel.h"
#include "kernels/softmax/log_sum_exp.h"

namespace amanuensis::kernels {

struct KernelTable {
  Isa isa = Isa::kScalar;  // the best instruction set in use; an operation without such a variant uses its next best
  const GemmVariant* gemm_f32 = nullptr;
  const GemmVariant* gemm_bf16 = nullptr;
  const GemmVariant* gemm_int8 = nullptr;
  const GeluVariant* gelu = nullptr;
  const LayerNormVariant* layer_norm = nullptr;
  const SelfAttentionVariant* self_attention_f32 = nullptr;
  const SelfAttentionVariant* self_attention_bf16 = nullptr;
  // The fastest that a set has for int8: bfloat16 where it has none in bytes.
  const SelfAttentionVariant* self_attention_int8 = nullptr;
  const CachedAttentionVariant* cached_attention_f32 = nullptr;
  const CachedAttentionVariant* cached_attention_bf16 = nullptr;
  const CachedAttentionVariant* cached_attention_int8 = nullptr;
  const CacheGroupsVariant* cache_groups = nullptr;
  const AttentionMapVariant* attention_map_f32 = nullptr;
  const AttentionMapVariant* attention_map_bf16 = nullptr;
  const LogSumExpVariant* log_sum_exp = nullptr;
  const PowerSpectrumVariant* power_spectrum = nullptr;
  const LogMelBandsVariant* log_mel_bands = nullptr;

  const GemmVariant& gemm(GemmType type) const {
    return type == GemmType::kFloat32 ? *gemm_f32 : type == GemmType::kBFloat16 ? *gemm_bf16 : *gemm_int8;
  }
};

// The best variants for a processor. `override_isa` is empty, or names the instruction set to use ("scalar", "avx2",
// "avx512f", "avx512", "neon", ...). A pure function. Throws Error{kInvalidArgument} for an unknown name and
// Error{kUnsupported} for a set that this processor or this build lacks; both say which there are.
KernelTable select_kernels(const CpuFeatures& cpu, std::string_view override_isa = {});

// The type that multiplies fastest with these kernels and still gives a model's own text: int8 where the processor has
// an instruction for dot products of bytes; else float32, which the others would only be widened to.
GemmType fastest_type(const KernelTable& kernels);

}  // namespace amanuensis::kernels
