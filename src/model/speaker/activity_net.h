// The project's own network for how many people speak: nobody, one, two, three, or more, every 20 ms. Convolutions over
// log-mel frames; trained on imagined conversations by tools/speaker-model. Its weights are part of the program.
// Immutable; its calls are the backend's, one at a time.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/tensor_view.h"
#include "device/backend.h"

namespace amanuensis::model {

// Input frames (10 ms) for one result.
inline constexpr std::size_t kActivityStride = 2;
// The layers' places are so many frames apart: pieces of a recording begin at multiples of it.
inline constexpr std::size_t kActivityPlace = 4;
inline constexpr std::size_t kActivityClasses = 5;
// The background that is taken off each band is this percentile of it in the recording.
inline constexpr double kActivityBackground = 0.1;

// Probabilities that nobody, one, two, three, or more speak.
using ActivityFrame = std::array<float, kActivityClasses>;

class ActivityNet {
 public:
  // The weights that are part of the program. `backend` should compute in float32 and must outlive the network.
  explicit ActivityNet(device::Backend& backend);
  // A safetensors file's bytes, as tools/speaker-model/export.py writes it. Throws Error{kBadData} naming the tensor.
  ActivityNet(std::span<const std::byte> safetensors, std::string_view name, device::Backend& backend);
  ~ActivityNet();
  ActivityNet(const ActivityNet&) = delete;
  ActivityNet& operator=(const ActivityNet&) = delete;

  // Frames of 10 ms that a result sees on each side: a piece of a recording gives the same as the whole so far inside
  // it.
  std::size_t reach() const;

  // mel: [frames, 40], the background taken off. Returns one result for every kActivityStride frames, the first for
  // frame 0.
  std::vector<ActivityFrame> run(TensorView<const float> mel) const;

 private:
  struct Layers;
  device::Backend& backend_;
  std::unique_ptr<Layers> layers_;
};

}  // namespace amanuensis::model
