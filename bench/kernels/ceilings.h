// What this machine can do at most, measured in the same run as the kernels: one thread's peak of each multiply
// instruction and its read bandwidth. Measured once, on first use.
#pragma once

#include "kernels/gemm/gemm.h"
#include "kernels/isa.h"

namespace amanuensis::bench {

// Billions of operations a second (a multiply and an add are two) of one thread; 0 where the set is not there.
double peak_gops(kernels::Isa isa, kernels::GemmType type);

// Bytes a second, in billions, that one thread reads from memory (256 MiB, sequential).
double read_gbytes_per_s();

}  // namespace amanuensis::bench
