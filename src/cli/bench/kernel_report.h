// The results of `bench kernels` as text, JSON and a chart. Pure functions.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/bench/chart.h"
#include "cli/bench/kernel_bench.h"
#include "cli/bench/machine.h"

namespace amanuensis::cli {

struct IsaCeilings {
  kernels::Isa isa = kernels::Isa::kScalar;
  Ceilings ceilings;
};

struct KernelReport {
  Machine machine;
  std::string peers;                  // why there are none; empty: they were compared
  std::vector<IsaCeilings> ceilings;  // best instruction set first, fewest threads first
  std::vector<KernelResult> kernels;
};

std::string machine_text(const Machine& machine);
std::string ceilings_text(kernels::Isa isa, const Ceilings& ceilings);
std::string kernel_heading();
std::string kernel_line(const KernelResult& result);

// One JSON object: machine, ceilings of the best set ("ceilings_by_isa" of each when there are several), peers,
// kernels.
std::string json_of(const KernelReport& report);

// Of the best instruction set and the most threads.
Chart kernel_chart(const KernelReport& report);

}  // namespace amanuensis::cli
