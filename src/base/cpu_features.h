// What the processor can do, as a plain value: asked for once by the program, then passed to those who choose between
// instruction sets. Tests make up processors by filling one in.
#pragma once

namespace amanuensis {

struct CpuFeatures {
  // x86-64; each also means that the operating system saves the registers.
  bool avx2 = false;
  bool fma = false;
  bool f16c = false;
  bool avx512f = false;
  bool avx512bw = false;
  bool avx512vl = false;
  bool avx512dq = false;
  bool avx512vnni = false;
  bool avx512bf16 = false;
  // 64-bit Arm; Advanced SIMD itself is always there.
  bool neon = false;
  bool dotprod = false;
  bool fp16 = false;
  bool bf16 = false;
  bool i8mm = false;  // products of matrices of bytes

  bool operator==(const CpuFeatures&) const = default;
};

// Asks the processor this program runs on. Thread-safe, never fails.
CpuFeatures detect_cpu_features();

}  // namespace amanuensis
