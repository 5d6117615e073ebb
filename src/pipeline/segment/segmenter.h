// From samples to model windows: voice activity, speech spans, and spans merged into windows of at most one model
// window, all while the audio arrives, so that a recording of any length takes the memory of a few windows. A segmenter
// is the state of one recording and belongs to one thread; the free functions are for audio that is in memory anyway
// and give the same spans and windows.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "pipeline/segment/audio_window.h"
#include "pipeline/segment/speech_spans.h"
#include "pipeline/segment/voice_detector.h"
#include "pipeline/segment/window_packer.h"

namespace amanuensis::pipeline {

struct SegmenterOptions {
  SpeechOptions speech;
  WindowOptions window;
};

// A window and its audio.
struct SpeechWindow {
  AudioWindow window;
  std::vector<float> samples;  // window.samples() of them, the pieces one behind the other
};

class Segmenter {
 public:
  // Without a detector everything is taken for speech, and only cut into windows. Throws Error{kInvalidArgument} for
  // options that make no sense.
  Segmenter(std::unique_ptr<VoiceDetector> detector, const SegmenterOptions& options);
  ~Segmenter();
  Segmenter(Segmenter&&) noexcept;
  Segmenter& operator=(Segmenter&&) noexcept;

  // Takes the next samples (mono, 16 kHz), however many.
  void push(std::span<const float> samples);
  // The audio has ended: what is left becomes the last window.
  void finish();

  // The next finished window, in the order of the audio; absent until one is.
  std::optional<SpeechWindow> take_window();

  // Samples pushed so far.
  std::size_t samples() const;
  // Those of them that are in pieces of windows so far: the speech.
  std::size_t speech_samples() const;
  // Samples kept in memory at the moment, those of windows that were not yet taken included.
  std::size_t held_samples() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The speech spans of a whole recording.
std::vector<SpeechSpan> detect_speech(VoiceDetector& detector, std::span<const float> samples,
                                      const SpeechOptions& options);

// Merges spans into windows; spans longer than a window are cut at the quietest place near its end.
std::vector<AudioWindow> make_windows(std::span<const SpeechSpan> spans, std::span<const float> samples,
                                      const WindowOptions& options);

// The window's audio.
std::vector<float> window_audio(const AudioWindow& window, std::span<const float> samples);

}  // namespace amanuensis::pipeline
