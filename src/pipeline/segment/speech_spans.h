// From speech probabilities to the spans of audio that hold speech, with the options and the rules of faster-whisper
// (SYSTRAN/faster-whisper 1.2.1, vad.py: get_speech_timestamps), whose rules are Silero's. One probability stands for
// kVadFrameSamples samples of 16 kHz audio. A finder belongs to one thread; the free function is pure.
#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <vector>

namespace amanuensis::pipeline {

// Samples of mono 16 kHz audio that one probability stands for (32 ms).
inline constexpr std::size_t kVadFrameSamples = 512;

// Samples [start, end) of the original audio.
struct SpeechSpan {
  std::size_t start = 0;
  std::size_t end = 0;

  std::size_t size() const { return end - start; }
  bool operator==(const SpeechSpan&) const = default;
};

struct SpeechOptions {
  // A probability of at least this begins speech.
  double threshold = 0.5;
  // Below this speech may end; between the two it goes on. Absent: threshold - 0.15, and at least 0.01.
  std::optional<double> neg_threshold;
  // Speech that is not longer than this is left out.
  double min_speech_duration_ms = 0;
  // Longer speech is cut in its last pause of 98 ms, or at this length where there is none.
  double max_speech_duration_s = std::numeric_limits<double>::infinity();
  // A pause this long ends a span.
  double min_silence_duration_ms = 2000;
  // Audio kept on both sides of a span; two spans closer than twice this share what lies between them.
  double speech_pad_ms = 400;
};

// Throws Error{kInvalidArgument}, naming the option, when a value makes no sense (a threshold outside [0, 1], a
// negative or non-finite time).
void check_speech_options(const SpeechOptions& options);

// The spans, in order, without overlap, inside [0, samples). probabilities[i] stands for the samples
// [i * 512, i * 512 + 512), the last of them perhaps for fewer.
std::vector<SpeechSpan> find_speech_spans(std::span<const float> probabilities, std::size_t samples,
                                          const SpeechOptions& options);

// The same for probabilities that arrive one after the other: gives out each span as soon as its two ends are settled.
class SpeechSpanFinder {
 public:
  // Throws as check_speech_options does.
  explicit SpeechSpanFinder(const SpeechOptions& options);

  void push(float probability);
  // No more probabilities; the audio has `samples` samples.
  void finish(std::size_t samples);

  // Spans settled since the last call.
  std::vector<SpeechSpan> take_spans();

  // Speech that is settled to go on although its end is not known: its start will not change, and it covers at least
  // the samples [start, end) of the returned span. Absent when there is none.
  std::optional<SpeechSpan> open_span() const;

  // No span to come, nor the open one, begins before this sample.
  std::size_t settled_until() const;

 private:
  // Moves on by the frame that begins at `now`.
  void advance(double p, std::size_t now);
  void end_speech(std::size_t end);
  void forget_speech();
  // Gives out the last span, padded, now that what follows it is known to begin at `start` or to be further away than
  // padding reaches. Returns where a span that begins at `start` is padded to begin.
  std::size_t settle_last_before(std::size_t start);
  // Where the speech that is going on will end at the earliest; `now` is the first sample of the last frame.
  std::size_t known_end(std::size_t now) const;

  double threshold_ = 0;
  double neg_threshold_ = 0;
  double min_speech_samples_ = 0;
  double max_speech_samples_ = 0;
  double min_silence_samples_ = 0;
  double pad_samples_ = 0;

  std::size_t position_ = 0;  // first sample of the frame to come
  bool triggered_ = false;
  std::size_t start_ = 0;                  // of the speech that is going on
  std::optional<std::size_t> open_start_;  // the same, padded, once it is certain to be kept
  std::size_t pause_ = 0;                  // where a pause that may end it began; 0: none
  std::size_t last_pause_ = 0;             // where its last pause of 98 ms began; 0: none
  std::size_t resumed_ = 0;                // where speech went on after last_pause_

  std::optional<SpeechSpan> last_;  // kept; its end is not yet padded
  std::vector<SpeechSpan> settled_;
};

}  // namespace amanuensis::pipeline
