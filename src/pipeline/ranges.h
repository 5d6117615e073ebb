// One recording transcribed in parts: its windows found in one pass (Engine::plan), transcribed in any number of
// ranges, anywhere and in any order (EngineRequest::range), and put together again. What comes out is, to the bit, what
// one request for the whole recording gives: windows are decoded on their own, and what each takes from those before it
// (the loudest value so far, the language, the order of words) is handed on. Values and pure functions; any thread.
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "decoding/language.h"
#include "pipeline/align/word_times.h"
#include "pipeline/segment/audio_window.h"
#include "pipeline/transcript.h"

namespace amanuensis::pipeline {

// Windows that follow each other in a recording. Their audio is the source of the request: the pieces of all windows,
// one behind the other.
struct WindowRange {
  std::vector<AudioWindow> windows;
  // The largest log-mel value of the windows before the first of these.
  float largest_mel = -std::numeric_limits<float>::infinity();
};

// A window as planning finds it.
struct PlannedWindow {
  AudioWindow window;
  std::vector<float> samples;
  float largest_mel = 0;  // of the windows before it
};

struct PlanFacts {
  double duration_s = 0;
  std::string warning;  // what was wrong with audio that could be read
  // What the language is taken for when not a word is said.
  std::string silent_language;
};

// What a window, or what continues it, was decoded to, before its words are put into order with those before.
struct WindowText {
  std::vector<Segment> segments;
  std::string language;
  decoding::LanguageProbabilities language_probabilities;
};

// What the segments so far mean to those that follow.
struct TranscriptMark {
  std::size_t segments = 0;
  double last_end_s = 0;  // of the words
};

// A transcript that grows window by window, in the order of the audio.
class TranscriptBuilder {
 public:
  // After `before`: the segments that are added are numbered and ordered as those that follow it.
  explicit TranscriptBuilder(bool word_times, const TranscriptMark& before = {});

  // The language of the first window that has one stays; whether it is this one's.
  bool set_language(const std::string& language, decoding::LanguageProbabilities probabilities);
  // Orders the words, numbers the segments; those that were added.
  std::span<const Segment> add(std::vector<Segment> segments);
  // set_language() and add().
  std::span<const Segment> add(WindowText window);

  TranscriptMark mark() const;
  Transcript& transcript() { return transcript_; }
  const Transcript& transcript() const { return transcript_; }

 private:
  const bool word_times_;
  const std::size_t segments_before_;
  Transcript transcript_;
  WordOrder order_;
  bool language_told_ = false;
};

}  // namespace amanuensis::pipeline
