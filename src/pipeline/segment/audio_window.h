// A model window made of pieces of the original audio, put one behind the other without the silence between them, and
// the way back from times in it to times in the original audio. Values and pure functions; any thread.
#pragma once

#include <cstddef>
#include <vector>

#include "pipeline/segment/speech_spans.h"

namespace amanuensis::pipeline {

struct AudioWindow {
  // In order, without overlap, none empty.
  std::vector<SpeechSpan> pieces;

  // Samples of all pieces together.
  std::size_t samples() const;
};

// Which of two places a time at a joint stands for: nothing lies between them in the window, but a pause in the
// original audio.
enum class Joint {
  kAfter,   // where the next piece begins: right for the start of something
  kBefore,  // where the piece before ends: right for the end of something
};

// The sample of the original audio that window sample `sample` was taken from. A sample at or behind the window's end
// gives the end of the last piece. Strictly increasing inside the window; the exact inverse of window_sample there.
std::size_t original_sample(const AudioWindow& window, std::size_t sample, Joint joint = Joint::kAfter);

// The sample of the window at which original sample `sample` lies; one in a pause gives the joint, one before or behind
// all pieces the window's first or last.
std::size_t window_sample(const AudioWindow& window, std::size_t sample);

// The same for seconds, without rounding: what lies between two samples stays between them. Never decreases as the time
// grows; times outside the window give its ends. A window without pieces gives 0.
double original_time_s(const AudioWindow& window, double window_time_s, Joint joint = Joint::kAfter);
double window_time_s(const AudioWindow& window, double original_time_s);

struct TimeRange {
  double start_s = 0;
  double end_s = 0;
  bool operator==(const TimeRange&) const = default;
};

// Of a segment: from where its start to where its end was said, and never backwards.
TimeRange original_segment(const AudioWindow& window, const TimeRange& in_window);

// Of a word: a word is said in one go, so all of it goes to the piece that its middle is in (as faster-whisper does:
// transcribe.py, restore_speech_timestamps) and ends with that piece. Words that follow each other in the window follow
// each other in the original.
TimeRange original_word(const AudioWindow& window, const TimeRange& in_window);

}  // namespace amanuensis::pipeline
