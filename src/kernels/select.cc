#include "kernels/select.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "base/error.h"

namespace amanuensis::kernels {
namespace {

constexpr std::array kBestFirst = {Isa::kAvx512,   Isa::kAvx512Vnni,  Isa::kAvx512F, Isa::kAvx2,
                                   Isa::kNeonBf16, Isa::kNeonDotprod, Isa::kNeon,    Isa::kScalar};

// Whether this build holds kernels for a set: files for other processor families are not compiled.
bool built_with(Isa isa) {
  return std::ranges::any_of(gemm_variants(), [isa](const GemmVariant& variant) { return variant.isa == isa; });
}

bool usable(Isa isa, const CpuFeatures& cpu) { return built_with(isa) && runs_on(isa, cpu); }

std::string usable_names(const CpuFeatures& cpu) {
  std::string names;
  for (const Isa isa : kBestFirst) {
    if (usable(isa, cpu)) names += fmt::format("{}{}", names.empty() ? "" : ", ", to_string(isa));
  }
  return names;
}

Isa choose_isa(const CpuFeatures& cpu, std::string_view override_isa) {
  if (override_isa.empty()) {
    return *std::ranges::find_if(kBestFirst, [&cpu](Isa isa) { return usable(isa, cpu); });
  }
  const auto* named = std::ranges::find_if(kBestFirst, [&](Isa isa) { return to_string(isa) == override_isa; });
  if (named == kBestFirst.end()) {
    throw Error(ErrorCode::kInvalidArgument, fmt::format("no instruction set is called '{}'; this machine has: {}",
                                                         override_isa, usable_names(cpu)));
  }
  if (!usable(*named, cpu)) {
    throw Error(ErrorCode::kUnsupported,
                fmt::format("this {} does not have the instruction set '{}'; it has: {}",
                            built_with(*named) ? "processor" : "build", override_isa, usable_names(cpu)));
  }
  return *named;
}

// A set implies the smaller ones of its family: an operation may lack a variant for the newest.
bool implies(Isa chosen, Isa isa) {
  switch (chosen) {
    case Isa::kAvx512:
      return isa == Isa::kAvx512 || implies(Isa::kAvx512Vnni, isa);
    case Isa::kAvx512Vnni:
      return isa == Isa::kAvx512Vnni || implies(Isa::kAvx512F, isa);
    case Isa::kAvx512F:
      return isa == Isa::kAvx512F || implies(Isa::kAvx2, isa);
    case Isa::kNeonBf16:
      return isa == Isa::kNeonBf16 || implies(Isa::kNeonDotprod, isa);
    case Isa::kNeonDotprod:
      return isa == Isa::kNeonDotprod || implies(Isa::kNeon, isa);
    case Isa::kAvx2:
    case Isa::kNeon:
    case Isa::kScalar:
      return isa == chosen || isa == Isa::kScalar;
  }
  return false;
}

template <typename Variant, typename Predicate>
const Variant* first_of(std::span<const Variant> variants, Isa chosen, Predicate wanted) {
  const auto found = std::ranges::find_if(
      variants, [&](const Variant& variant) { return implies(chosen, variant.isa) && wanted(variant); });
  return found == variants.end() ? nullptr : &*found;
}

template <typename Variant>
const Variant* first_of(std::span<const Variant> variants, Isa chosen) {
  return first_of(variants, chosen, [](const Variant&) { return true; });
}

template <typename Variant, typename Type>
const Variant* first_of_type(std::span<const Variant> variants, Isa chosen, Type type) {
  return first_of(variants, chosen, [type](const Variant& variant) { return variant.type == type; });
}

// Attention in bytes, or in bfloat16 where only the reference has bytes: it must not slow a vector unit down.
template <typename Variant>
const Variant* bytes_or_bfloat16(std::span<const Variant> variants, Isa chosen) {
  const Variant* bytes = first_of_type(variants, chosen, AttentionType::kInt8);
  return bytes->isa == Isa::kScalar
             ? first_of_type(variants, chosen, chosen == Isa::kScalar ? AttentionType::kInt8 : AttentionType::kBFloat16)
             : bytes;
}

}  // namespace

KernelTable select_kernels(const CpuFeatures& cpu, std::string_view override_isa) {
  const Isa isa = choose_isa(cpu, override_isa);
  return {
      .isa = isa,
      .gemm_f32 = first_of_type(gemm_variants(), isa, GemmType::kFloat32),
      .gemm_bf16 = first_of_type(gemm_variants(), isa, GemmType::kBFloat16),
      .gemm_int8 = first_of_type(gemm_variants(), isa, GemmType::kInt8),
      .gelu = first_of(gelu_variants(), isa),
      .layer_norm = first_of(layer_norm_variants(), isa),
      .self_attention_f32 = first_of_type(self_attention_variants(), isa, AttentionType::kFloat32),
      .self_attention_bf16 = first_of_type(self_attention_variants(), isa, AttentionType::kBFloat16),
      .self_attention_int8 = bytes_or_bfloat16(self_attention_variants(), isa),
      .cached_attention_f32 = first_of_type(cached_attention_variants(), isa, AttentionType::kFloat32),
      .cached_attention_bf16 = first_of_type(cached_attention_variants(), isa, AttentionType::kBFloat16),
      .cached_attention_int8 = bytes_or_bfloat16(cached_attention_variants(), isa),
      .cache_groups = first_of(cache_groups_variants(), isa),
      .attention_map_f32 = first_of_type(attention_map_variants(), isa, AttentionType::kFloat32),
      .attention_map_bf16 = first_of_type(attention_map_variants(), isa, AttentionType::kBFloat16),
      .log_sum_exp = first_of(log_sum_exp_variants(), isa),
      .power_spectrum = first_of(power_spectrum_variants(), isa),
      .log_mel_bands = first_of(log_mel_bands_variants(), isa),
  };
}

GemmType fastest_type(const KernelTable& kernels) {
  switch (kernels.gemm_int8->isa) {
    case Isa::kAvx512:
    case Isa::kAvx512Vnni:
    case Isa::kNeonDotprod:
    case Isa::kNeonBf16:
      return GemmType::kInt8;
    case Isa::kAvx512F:
    case Isa::kAvx2:
    case Isa::kNeon:
    case Isa::kScalar:
      return GemmType::kFloat32;
  }
  return GemmType::kFloat32;
}

}  // namespace amanuensis::kernels
