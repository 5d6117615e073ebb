// Silero's voice activity network (https://github.com/snakers4/silero-vad, 16 kHz, versions 5 and 6): for each 512
// samples the probability that somebody speaks in them. Written against the port: all but the recurrent product of the
// LSTM is computed for many chunks at once, and that for all recordings of a call together.
//
// The network is immutable and may be shared by recordings; its calls are the backend's, one at a time. A recording
// keeps a SileroState between calls; how it is cut into calls makes no difference beyond rounding.
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

#include "base/aligned_buffer.h"
#include "device/backend.h"

namespace amanuensis::model {

inline constexpr std::size_t kSileroChunkSamples = 512;
inline constexpr std::size_t kSileroContextSamples = 64;
inline constexpr std::size_t kSileroWidth = 128;

// What the network remembers of one recording; as it is made, that of its beginning.
struct SileroState {
  std::array<float, kSileroContextSamples> context{};  // the samples before the next chunk
  std::array<float, kSileroWidth> hidden{};
  std::array<float, kSileroWidth> cell{};
};

// A part of one recording. All must outlive the call.
struct SileroInput {
  SileroState* state = nullptr;
  std::span<const float> samples;  // mono, 16 kHz, in [-1, 1]; a multiple of kSileroChunkSamples
  std::span<float> probabilities;  // one for each chunk
};

struct SileroWeights;

class SileroVad {
 public:
  // Reads what `models pull silero-vad` fetches: a safetensors file, or the folder that holds it. The backend should
  // compute in float32 (probabilities are then within 1e-4 of Silero's own) and must outlive the network. Throws as
  // read_silero_weights does.
  SileroVad(const std::filesystem::path& path, device::Backend& backend);
  ~SileroVad();
  SileroVad(const SileroVad&) = delete;
  SileroVad& operator=(const SileroVad&) = delete;

  // Computes the probabilities of each input and moves its state on. No state may occur twice.
  void run(std::span<const SileroInput> inputs) const;

 private:
  struct Layers;
  struct Scratch;
  struct Step;
  class Run;

  device::Backend& backend_;
  std::unique_ptr<Layers> layers_;
  std::unique_ptr<Scratch> scratch_;  // grows to the largest batch; used by one call at a time, as the backend is
};

}  // namespace amanuensis::model
