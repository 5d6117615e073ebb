// Where a worker's engines come from. The program implements this: it knows checkpoints, kernels and devices. Any
// thread.
#pragma once

#include <memory>
#include <string>

#include "pipeline/diarize/diarizer.h"
#include "pipeline/engine.h"

namespace amanuensis::fleet {

// A model in memory, with its engine; leaves memory some time after the last hold of it has gone.
class HostedEngine {
 public:
  virtual ~HostedEngine() = default;
  virtual pipeline::Engine& engine() = 0;
};

class EngineHost {
 public:
  virtual ~EngineHost() = default;
  // Reads the model into memory if need be: seconds. Throws Error{kNotFound} when it is not on this machine.
  virtual std::shared_ptr<HostedEngine> engine(const std::string& model) = 0;
  // Who tells speakers apart; lives as long as the host.
  virtual const pipeline::Diarizer& diarizer() const = 0;
};

}  // namespace amanuensis::fleet
