// What openai/whisper does about text made up in silence (transcribe.py: hallucination_silence_threshold): silence
// before words that look invented is skipped, and decoding begins again after it. Pure; any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "pipeline/transcript.h"

namespace amanuensis::pipeline {

// Where the last word ends; the last segment's end when there are no words; nothing without segments.
std::optional<double> last_word_end_s(std::span<const Segment> segments);

// A window whose segments have words.
struct SpokenSpan {
  std::size_t seek = 0;            // its first log-mel frame (10 ms each)
  std::size_t frames = 0;          // of audio in it
  std::size_t window_frames = 0;   // of a whole window
  std::size_t content_frames = 0;  // of all the audio
  bool ends_in_silence = false;    // the text ends with a single time token
  double last_speech_s = 0;        // where the last word before this window ends
};

struct SkipDecision {
  std::size_t next_seek = 0;  // where the next window begins
  bool discard = false;       // the window's text is not to be used at all
};

// next_seek: where the next window would begin otherwise. Removes the segments that are to be decoded again.
SkipDecision skip_silence(std::vector<Segment>& segments, const SpokenSpan& span, double threshold_s,
                          std::size_t next_seek);

}  // namespace amanuensis::pipeline
