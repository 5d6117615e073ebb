// From what a local segmenter heard in overlapping windows to who speaks when in the recording: local speakers are
// gathered while the audio streams by, clustering says who they are, and the windows then vote on every frame. Plain
// values and pure functions; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "pipeline/diarize/clustering.h"
#include "pipeline/diarize/local_segmenter.h"
#include "pipeline/diarize/turns.h"

namespace amanuensis::pipeline {

inline constexpr std::size_t kNobody = static_cast<std::size_t>(-1);

// Who is active in each frame of one window: bit s for its speaker s.
using ActivityMask = std::uint8_t;

struct LocalWindow {
  std::size_t first_frame = 0;  // of the recording's frames
  std::vector<ActivityMask> masks;
};

// All windows of a recording. Speaker s of window w is number w * speakers + s.
struct LocalSpeakers {
  std::size_t speakers = 0;   // in each window
  std::size_t dimension = 0;  // of a vector
  std::vector<LocalWindow> windows;
  std::vector<float> vectors;  // [windows * speakers, dimension], zero where there was too little speech
  std::vector<float> clean_s;  // [windows * speakers]: seconds in which nobody else spoke
};

struct GlobalSpeakers {
  std::vector<std::size_t> speaker_of;  // [windows * speakers], or kNobody
  std::vector<float> voices;            // [speakers, dimension], unit vectors
  std::size_t speakers = 0;
};

// Clusters the vectors that come from at least `least_s` of clean speech, then gives every local speaker the cluster it
// is most like, no two of one window the same.
GlobalSpeakers identify(const LocalSpeakers& local, const ClusterOptions& options, double least_s);

// The windows' votes on each frame: as many speakers as the windows hear on average, those with the most votes. At most
// one where `overlap` is false. Times are clipped to the duration; not smoothed.
std::vector<SpeakerTurn> vote(const LocalSpeakers& local, const GlobalSpeakers& global,
                              const LocalSegmenterTraits& traits, double duration_s, bool overlap);

}  // namespace amanuensis::pipeline
