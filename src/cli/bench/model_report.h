// The results of `bench model` as text, JSON and a chart. Pure functions.
#pragma once

#include <string>

#include "cli/bench/chart.h"
#include "cli/bench/machine.h"
#include "cli/bench/model_bench.h"

namespace amanuensis::cli {

struct ModelReport {
  Machine machine;
  kernels::Isa isa = kernels::Isa::kScalar;
  Ceilings ceilings;  // of the threads used
  std::string model;  // "random base", or where it was read from
  std::string compute_type;
  std::size_t threads = 1;
  std::size_t steps = 0;  // in a row, timed together
  double load_ms = 0;     // reading and packing the weights
  double rss_mb = 0;      // the process, with the model packed and the checkpoint closed
  ModelTimes times;
};

std::string text_of(const ModelReport& report);
std::string json_of(const ModelReport& report);
Chart model_chart(const ModelReport& report);

}  // namespace amanuensis::cli
