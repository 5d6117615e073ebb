// pyannote's segmentation network (Plaquet & Bredin 2023, "Powerset multi-class cross entropy loss for neural speaker
// diarization"; https://huggingface.co/pyannote/segmentation-3.0): for each frame of a window of audio the
// log-probability of every set of at most two of its three speakers. Learned band-pass filters (Ravanelli & Bengio
// 2018, arXiv 1808.00158), two convolutions, bidirectional LSTMs, linear layers. Written against the port: convolutions
// are products of strided views of their input, and the recurrent products are those of all windows of a batch.
//
// The network is immutable and may be shared; its calls are the backend's, one at a time.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

#include "device/backend.h"

namespace amanuensis::model {

inline constexpr std::size_t kSegmentationWindowSamples = 160000;  // 10 s, which the published network is trained on
inline constexpr std::size_t kSegmentationHopSamples = 270;        // of a frame: 10 * 3 * 3 * 3
inline constexpr std::size_t kSegmentationFieldSamples = 991;      // that a frame sees, the first from sample 0 on

// Frames of a window: 589 of 160,000 samples; 0 of less than 991.
std::size_t segmentation_frames(std::size_t samples);

class SegmentationNetwork {
 public:
  // Reads a safetensors or PyTorch file with the published names, or the folder that holds it; numbers of layers, units
  // and classes are those of the file. A backend that computes in float32 gives PyTorch's values within 1e-4; it must
  // outlive the network. Throws as SpeakerTensors does.
  SegmentationNetwork(const std::filesystem::path& path, device::Backend& backend);
  ~SegmentationNetwork();
  SegmentationNetwork(const SegmentationNetwork&) = delete;
  SegmentationNetwork& operator=(const SegmentationNetwork&) = delete;

  std::size_t classes() const;

  // windows: mono, 16 kHz, all of one length of at least 991 samples. Writes the log-probabilities
  // [windows * frames, classes()], window after window. Throws Error{kInvalidArgument} when sizes do not fit.
  void run(std::span<const std::span<const float>> windows, std::span<float> log_probabilities) const;

 private:
  struct Layers;
  class Batch;

  device::Backend& backend_;
  std::unique_ptr<Layers> layers_;
};

}  // namespace amanuensis::model
