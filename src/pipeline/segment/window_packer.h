// Puts speech spans into model windows, one behind the other: a span that does not fit any more opens the next window,
// one that is longer than a window is cut where it is quietest. Decides as soon as it can be decided, so that speech
// without an end needs no more memory than a window. Belongs to one thread.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>

#include "pipeline/segment/loudness.h"
#include "pipeline/segment/speech_spans.h"

namespace amanuensis::pipeline {

struct WindowOptions {
  // A window's samples at most: 2 * n_audio_ctx frames of the model, 160 samples each.
  std::size_t max_samples = 480'000;
  // Speech that is too long is cut at the quietest place in this last share of the window.
  double search_share = 1.0 / 3;
  // Spans further apart than this never share a window: a caption that spans a joint would stand through the pause.
  // Absent: as far as a window is long, which costs no more windows than an unbroken recording has.
  std::optional<std::size_t> max_gap_samples;
};

class WindowPacker {
 public:
  struct Events {
    std::function<void(const SpeechSpan&)> on_piece;  // the next piece of the current window
    std::function<void()> on_window;  // the current window is finished; pieces that follow are the next's
  };

  // Throws Error{kInvalidArgument} for options that make no sense. `loudness` must outlive the packer and know all
  // samples up to the end of what is added.
  WindowPacker(const WindowOptions& options, const LoudnessProfile& loudness, Events events);

  // The next span, whole.
  void add(const SpeechSpan& span);
  // What is known of the next span, which goes on; it may be given again as more is known, and in the end to add().
  void add_open(const SpeechSpan& span);
  // No span follows.
  void finish();

  // Pieces that are still to come begin here at the earliest, if the open or next span begins at `span_start`.
  std::size_t next_piece_start(std::size_t span_start) const;

 private:
  void place(SpeechSpan span, bool goes_on);
  void append(const SpeechSpan& piece);
  void close_window();

  std::size_t max_samples_;
  double search_share_;
  std::size_t max_gap_samples_;
  const LoudnessProfile& loudness_;
  Events events_;
  std::size_t filled_ = 0;  // samples in the current window
  std::size_t end_ = 0;     // of the last piece, in the original
};

}  // namespace amanuensis::pipeline
