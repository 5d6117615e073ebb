// A model made ready to run: checkpoint read, kernels chosen, weights packed. The program's composition of device,
// model and pipeline, shared by the subcommands that compute. Belongs to one thread.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

#include "audio/log_mel.h"
#include "base/thread_pool.h"
#include "cli/context.h"
#include "cli/npu_device.h"
#include "device/backend.h"
#include "kernels/select.h"
#include "model/checkpoint/checkpoint.h"
#include "model/tokenizer/tokenizer.h"
#include "model/whisper/whisper_model.h"

namespace amanuensis::cli {

struct EngineOptions {
  std::string model;                  // as --model; empty: the default model
  std::string compute_type = "auto";  // auto, float32, bfloat16, int8
  std::size_t threads = 0;            // 0: one per CPU this process may run on
  std::string device = "auto";        // as --device: auto, cpu, npu, npu-sim
  std::string log_mel = "auto";       // as --log-mel: auto, cpu, npu
  std::string npu_fault = {};         // as --npu-fault
  NpuEvents on_npu_event = {};
};

class Engine {
 public:
  // Throws Error: kNotFound (no such model; the message names the command that fetches it), kBadData, kInvalidArgument
  // (AMANUENSIS_ISA), ...
  Engine(const Context& context, const EngineOptions& options);

  const std::filesystem::path& path() const { return path_; }
  const model::WhisperModel& model() const { return *model_; }
  const model::Tokenizer& tokenizer() const { return *tokenizer_; }
  const model::GenerationSettings& generation() const { return generation_; }
  const kernels::KernelTable& kernels() const { return kernels_; }
  // For a transcriber: the same device, kernels and threads as the model's.
  audio::LogMelOptions front_end() const { return {.device = mel_.get(), .kernels = &kernels_, .pool = &pool_}; }
  const std::string& format() const { return format_; }  // "safetensors"
  device::ComputeType compute_type() const { return backend_->compute_type(); }
  std::size_t threads() const { return pool_.threads(); }
  // Null when the CPU does it all.
  NpuDevice* npu() const { return npu_.get(); }
  // "safetensors, cpu (avx512, 2 threads), float32".
  std::string description() const;

 private:
  std::filesystem::path path_;
  std::string format_;
  kernels::KernelTable kernels_;
  mutable ThreadPool pool_;  // parallel_for changes nothing that a caller can see
  std::unique_ptr<NpuDevice> npu_;
  std::unique_ptr<NpuMelDevice> mel_;
  std::unique_ptr<device::Backend> backend_;
  std::unique_ptr<model::Tokenizer> tokenizer_;
  model::GenerationSettings generation_;
  std::unique_ptr<model::WhisperModel> model_;
};

// The model used when none is named.
inline constexpr std::string_view kDefaultModel = "base";

// A model's path. For an empty name: the default model, or an error that tells a newcomer what to type.
std::filesystem::path find_model(const model::Hub& hub, const std::string& name);

// What computes log-mels: auto is the NPU where --device asks for one by name; with --device auto it is the CPU, which
// is faster at it (docs/npu.md). Throws Error{kInvalidArgument} for another word.
enum class MelChoice { kAuto, kCpu, kNpu };
MelChoice read_log_mel(const std::string& text);

// Throws Error{kInvalidArgument} unless the text is one of --compute-type's.
void check_compute_type(const std::string& text);
// "auto" is what is fastest with these kernels (kernels::fastest_type). Throws as check_compute_type.
device::ComputeType read_compute_type(const std::string& text, const kernels::KernelTable& kernels);

}  // namespace amanuensis::cli
