// The port for a network that hears a short window and says which of its few speakers are active in each frame,
// overlaps included (pyannote's segmentation). Speakers are numbered anew in each window; clustering finds out who they
// are. Shared by all recordings; any thread; implementations take turns at their backend by themselves.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace amanuensis::pipeline {

struct LocalSegmenterTraits {
  std::string_view name;           // "pyannote-segmentation-3.0"
  std::size_t window_samples = 0;  // of 16 kHz audio; what run() wants of each window
  std::size_t speakers = 0;        // at most, in one window
  std::size_t frames = 0;          // of one window
  // Frame i stands for the audio around sample first_frame_sample + i * frame_hop_samples.
  double first_frame_sample = 0;
  double frame_hop_samples = 0;
};

class LocalSegmenter {
 public:
  virtual ~LocalSegmenter() = default;

  virtual const LocalSegmenterTraits& traits() const = 0;

  // windows: each traits().window_samples of mono 16 kHz audio (silence where the recording has none). Writes
  // activity[windows.size(), frames, speakers] in [0, 1]. Many windows in one call are cheaper than one by one. Throws
  // Error{kInvalidArgument} when a size is wrong.
  virtual void run(std::span<const std::span<const float>> windows, std::span<float> activity) const = 0;
};

}  // namespace amanuensis::pipeline
