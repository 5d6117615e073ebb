#include "pipeline/segment/window_packer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace amanuensis::pipeline {

WindowPacker::WindowPacker(const WindowOptions& options, const LoudnessProfile& loudness, Events events)
    : max_samples_(options.max_samples),
      search_share_(options.search_share),
      max_gap_samples_(options.max_gap_samples.value_or(options.max_samples)),
      loudness_(loudness),
      events_(std::move(events)) {
  if (max_samples_ == 0) throw Error(ErrorCode::kInvalidArgument, "a window of no samples holds no speech");
  if (!(search_share_ >= 0 && search_share_ < 1)) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("share of the window to cut in {}: must be at least 0 and less than 1", search_share_));
  }
}

void WindowPacker::add(const SpeechSpan& span) { place(span, false); }

void WindowPacker::add_open(const SpeechSpan& span) { place(span, true); }

void WindowPacker::finish() {
  if (filled_ > 0) close_window();
  end_ = 0;
}

std::size_t WindowPacker::next_piece_start(std::size_t span_start) const { return std::max(span_start, end_); }

void WindowPacker::place(SpeechSpan span, bool goes_on) {
  span.start = next_piece_start(span.start);
  while (span.start < span.end) {
    if (filled_ > 0 && span.start - end_ > max_gap_samples_) close_window();
    const std::size_t room = max_samples_ - filled_;
    if (span.size() <= room) {
      if (!goes_on) append(span);
      return;
    }
    if (span.size() <= max_samples_) {
      // It may become too long for any window, or be left whole in the next.
      if (goes_on) return;
      close_window();
      continue;
    }
    // It is cut in any case; a small rest of the window is no good place for that.
    if (2 * room < max_samples_) {
      close_window();
      continue;
    }
    const std::size_t last = span.start + room;
    const auto search = static_cast<std::size_t>(static_cast<double>(room) * search_share_);
    const std::size_t cut = std::max(span.start + 1, loudness_.quietest(last - search, last));
    append({span.start, cut});
    close_window();
    span.start = cut;
  }
}

void WindowPacker::append(const SpeechSpan& piece) {
  filled_ += piece.size();
  end_ = piece.end;
  events_.on_piece(piece);
}

void WindowPacker::close_window() {
  filled_ = 0;
  events_.on_window();
}

}  // namespace amanuensis::pipeline
