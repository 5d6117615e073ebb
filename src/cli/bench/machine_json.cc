// The JSON of machine.h, apart so that only this file needs the whole JSON library.
#include <nlohmann/json.hpp>

#include "cli/bench/machine.h"

namespace amanuensis::cli {

nlohmann::ordered_json to_json(const Machine& machine) {
  return {{"cpu", machine.cpu},
          {"cpus", machine.cpus},
          {"memory_gb", machine.memory_gb},
          {"last_cache_mb", static_cast<double>(machine.last_cache_bytes) * 1e-6},
          {"system", machine.system},
          {"date", machine.date}};
}

nlohmann::ordered_json to_json(const Ceilings& ceilings) {
  return {{"fp32_gflops", ceilings.fp32_gflops},
          {"bf16_gflops", ceilings.bf16_gflops},
          {"int8_gops", ceilings.int8_gops},
          {"read_gbs", ceilings.read_gbs},
          {"update_gbs", ceilings.update_gbs}};
}

nlohmann::ordered_json to_json(const Ceilings& one, const Ceilings& all, kernels::Isa isa) {
  nlohmann::ordered_json json = to_json(all);
  json["threads"] = all.threads;
  json["isa"] = to_string(isa);
  json["one_thread"] = to_json(one);
  return json;
}

}  // namespace amanuensis::cli
