#include "pipeline/clips.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "model/whisper/constants.h"

namespace amanuensis::pipeline {

namespace {

constexpr double kFramesPerSecond = static_cast<double>(model::kSampleRateHz) / static_cast<double>(model::kHopSamples);

// The frame at a time, rounded half to even as Python does, at most `content_frames`.
std::size_t frame_at(double time_s, std::size_t content_frames) {
  const double frame = std::nearbyint(time_s * kFramesPerSecond);
  return frame >= static_cast<double>(content_frames) ? content_frames : static_cast<std::size_t>(frame);
}

}  // namespace

std::vector<FrameRange> clip_frames(std::span<const double> clip_timestamps_s, std::size_t content_frames) {
  if (clip_timestamps_s.empty()) return {{.first = 0, .last = content_frames}};
  for (const double time_s : clip_timestamps_s) {
    if (!std::isfinite(time_s) || time_s < 0) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("clip timestamp {} is not a time; give seconds from the start of the audio", time_s));
    }
  }
  std::vector<FrameRange> clips;
  for (std::size_t i = 0; i < clip_timestamps_s.size(); i += 2) {
    const double start_s = clip_timestamps_s[i];
    FrameRange clip{.first = frame_at(start_s, content_frames), .last = content_frames};
    if (i + 1 < clip_timestamps_s.size()) {
      const double end_s = clip_timestamps_s[i + 1];
      if (end_s < start_s) {
        throw Error(ErrorCode::kInvalidArgument,
                    fmt::format("the clip that begins at {} s ends before that, at {} s", start_s, end_s));
      }
      clip.last = frame_at(end_s, content_frames);
    }
    clips.push_back(clip);
  }
  return clips;
}

}  // namespace amanuensis::pipeline
