// Where the server's models come from. The program implements this: it knows checkpoints, kernels and devices, the
// server knows names and engines.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "pipeline/diarize/diarizer.h"
#include "pipeline/engine.h"
#include "pipeline/segment/voice_detector.h"

namespace amanuensis::server {

struct InstalledModel {
  std::string id;  // "base", "owner/name"
  std::string owner;
  std::uint64_t size_bytes = 0;
  std::int64_t created_unix_s = 0;
};

// What is true of a model that is in memory.
struct ModelFacts {
  std::string id;
  std::string format;         // "safetensors"
  std::string compute_type;   // "int8"
  std::string kernels;        // "avx512"
  std::string device;         // of the encoder: "cpu", "npu", "npu-sim"
  std::string detector;       // of speech: "silero" or "builtin"
  bool multilingual = false;  // knows other languages than English
  double load_s = 0;
};

// What an NPU has done for a model since it was read, and what the CPU took over.
struct NpuFacts {
  struct Operation {
    std::string name;  // "attention"
    std::uint64_t on_npu = 0;
    std::uint64_t on_npu_single = 0;  // one step down, still there: log-mel frame by frame, blocks kernel by kernel
    std::uint64_t on_cpu = 0;
    std::string reason;  // the last one for the CPU
  };
  struct Kernel {
    std::string name;   // "matmul_64"
    std::string state;  // "ready", "not loaded", "set aside"
    std::string reason;
    std::uint64_t loads = 0;
    std::uint64_t launches = 0;
    std::uint64_t rows = 0;  // frames, for log-mel
    std::uint64_t failures = 0;
    double kernel_s = 0;
    double transfer_s = 0;
    double predicted_s = 0;  // on hardware, by a cost model
  };
  std::string device;  // "simulated Phoenix NPU (4 columns x 4 tiles)"
  bool simulated = false;
  bool available = false;
  std::string reason;               // why not
  double audio_s = 0;               // that it worked on
  double realtime_factor = 0;       // of that, by the time of kernels and transfers
  std::vector<std::string> events;  // the last ones, oldest first
  std::vector<Operation> operations;
  std::vector<Kernel> kernels;
};

// A model in memory, with its engine. Destroying it waits for the engine's work.
class LoadedModel {
 public:
  virtual ~LoadedModel() = default;
  // Any thread.
  virtual pipeline::Engine& engine() = 0;
  virtual const ModelFacts& facts() const = 0;
  // Nothing when the CPU does it all.
  virtual std::optional<NpuFacts> npu() const { return std::nullopt; }
  // A speech detector of its own, for one conversation.
  virtual std::unique_ptr<pipeline::VoiceDetector> make_detector() = 0;
};

// The processor, and what was asked for; which NPU a model really uses, it says itself.
struct HardwareFacts {
  std::string name;     // "AMD Ryzen ..."
  std::string kernels;  // "avx512"
  std::size_t threads = 0;
  std::vector<std::string> priority;  // devices in the order in which they are chosen
};

struct PullState {
  std::uint64_t done_bytes = 0;
  std::uint64_t total_bytes = 0;
};

class ModelHost {
 public:
  virtual ~ModelHost() = default;
  // Speech models on this machine. Reads the disk. Any thread.
  virtual std::vector<InstalledModel> installed() const = 0;
  // Reads an installed model into memory: seconds. Throws Error. One thread at a time.
  virtual std::unique_ptr<LoadedModel> load(const std::string& id) = 0;
  // Downloads a model. Throws Error. Any thread.
  virtual void pull(const std::string& name, const std::function<void(const PullState&)>& on_progress,
                    const std::stop_token& stop) = 0;
  virtual HardwareFacts hardware() const = 0;
  // Who tells speakers apart; null when nobody can. Lives as long as the host; any thread.
  virtual const pipeline::Diarizer* diarizer() const { return nullptr; }
};

}  // namespace amanuensis::server
