// Which parts of the audio are transcribed (openai/whisper, transcribe.py: clip_timestamps). Pure; any thread.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace amanuensis::pipeline {

// Log-mel frames [first, last) of one clip.
struct FrameRange {
  std::size_t first = 0;
  std::size_t last = 0;
  bool operator==(const FrameRange&) const = default;
};

// The clips that start, end, start, end, ... seconds stand for; a missing last end is the end of the audio, no value at
// all is the whole audio. Clips keep the caller's order and end with the audio at the latest; one that begins after it
// is empty. Throws Error{kInvalidArgument} for a negative or non-finite time and for a clip that ends before it begins.
std::vector<FrameRange> clip_frames(std::span<const double> clip_timestamps_s, std::size_t content_frames);

}  // namespace amanuensis::pipeline
