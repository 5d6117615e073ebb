#include "pipeline/segment/speech_spans.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"

namespace amanuensis::pipeline {
namespace {

constexpr double kSamplesPerSecond = 16000;
constexpr double kSamplesPerMs = kSamplesPerSecond / 1000;
// Shorter pauses are no place to cut speech that is too long.
constexpr double kCutPauseSamples = 98 * kSamplesPerMs;

void check_probability(const char* option, double value) {
  if (value >= 0 && value <= 1) return;
  throw Error(ErrorCode::kInvalidArgument, fmt::format("{} {}: must be between 0 and 1", option, value));
}

void check_duration(const char* option, double value) {
  if (value >= 0 && std::isfinite(value)) return;
  throw Error(ErrorCode::kInvalidArgument, fmt::format("{} {}: must be a time of 0 or more", option, value));
}

}  // namespace

void check_speech_options(const SpeechOptions& options) {
  check_probability("speech threshold", options.threshold);
  if (options.neg_threshold) check_probability("negative speech threshold", *options.neg_threshold);
  check_duration("minimum speech duration", options.min_speech_duration_ms);
  check_duration("minimum silence duration", options.min_silence_duration_ms);
  check_duration("speech padding", options.speech_pad_ms);
  if (!(options.max_speech_duration_s > 0)) {
    throw Error(ErrorCode::kInvalidArgument, fmt::format("maximum speech duration {}: must be a time of more than 0",
                                                         options.max_speech_duration_s));
  }
}

SpeechSpanFinder::SpeechSpanFinder(const SpeechOptions& options) {
  check_speech_options(options);
  // Probabilities are single precision, and so are the thresholds they meet in the reference.
  threshold_ = static_cast<float>(options.threshold);
  neg_threshold_ = static_cast<float>(options.neg_threshold.value_or(std::max(options.threshold - 0.15, 0.01)));
  min_speech_samples_ = kSamplesPerMs * options.min_speech_duration_ms;
  min_silence_samples_ = kSamplesPerMs * options.min_silence_duration_ms;
  pad_samples_ = kSamplesPerMs * options.speech_pad_ms;
  max_speech_samples_ =
      kSamplesPerSecond * options.max_speech_duration_s - static_cast<double>(kVadFrameSamples) - 2 * pad_samples_;
}

void SpeechSpanFinder::push(float probability) {
  const double p = probability;
  const std::size_t now = position_;
  position_ += kVadFrameSamples;
  advance(p, now);
  // What comes next begins at `now` at the earliest: far enough away to leave the last span its whole padding?
  if (triggered_ && !open_start_ && static_cast<double>(known_end(now) - start_) > min_speech_samples_) {
    open_start_ = settle_last_before(start_);
  }
  const std::size_t next = triggered_ ? start_ : now;
  if (last_ && static_cast<double>(next - last_->end) >= 2 * pad_samples_) settle_last_before(next);
}

void SpeechSpanFinder::advance(double p, std::size_t now) {
  const bool is_speech = p >= threshold_;
  if (is_speech && pause_ != 0) {
    pause_ = 0;
    if (resumed_ < last_pause_) resumed_ = now;
  }
  if (is_speech && !triggered_) {
    triggered_ = true;
    start_ = now;
    return;
  }
  if (triggered_ && static_cast<double>(now - start_) > max_speech_samples_) {
    const bool goes_on = last_pause_ != 0 && resumed_ >= last_pause_;
    const std::size_t next_start = resumed_;
    const bool at_pause = last_pause_ != 0;
    end_speech(at_pause ? last_pause_ : now);
    if (!at_pause) return;
    if (goes_on) {
      triggered_ = true;
      start_ = next_start;
    }
  }
  if (!triggered_ || !(p < neg_threshold_)) return;
  if (pause_ == 0) pause_ = now;
  const auto pause = static_cast<double>(now - pause_);
  if (pause > kCutPauseSamples) last_pause_ = pause_;
  if (pause < min_silence_samples_) return;
  if (static_cast<double>(pause_ - start_) > min_speech_samples_) {
    end_speech(pause_);
  } else {
    forget_speech();
  }
}

void SpeechSpanFinder::finish(std::size_t samples) {
  if (triggered_ && samples > start_ && static_cast<double>(samples - start_) > min_speech_samples_) {
    end_speech(samples);
  }
  if (last_) {
    const double end = std::min(static_cast<double>(samples), static_cast<double>(last_->end) + pad_samples_);
    settled_.push_back({last_->start, static_cast<std::size_t>(end)});
    last_.reset();
  }
  forget_speech();
  position_ = 0;
}

void SpeechSpanFinder::end_speech(std::size_t end) {
  const std::size_t start = open_start_ ? *open_start_ : settle_last_before(start_);
  last_ = {start, end};
  forget_speech();
}

void SpeechSpanFinder::forget_speech() {
  triggered_ = false;
  open_start_.reset();
  pause_ = last_pause_ = resumed_ = 0;
}

std::size_t SpeechSpanFinder::settle_last_before(std::size_t start) {
  const auto padded = [&] {
    return static_cast<std::size_t>(std::max(0.0, static_cast<double>(start) - pad_samples_));
  };
  if (!last_) return padded();
  SpeechSpan span = *std::exchange(last_, std::nullopt);
  const std::size_t silence = start - span.end;
  const bool is_shared = static_cast<double>(silence) < 2 * pad_samples_;
  span.end =
      is_shared ? span.end + silence / 2 : static_cast<std::size_t>(static_cast<double>(span.end) + pad_samples_);
  settled_.push_back(span);
  return is_shared ? start - silence / 2 : padded();
}

std::size_t SpeechSpanFinder::known_end(std::size_t now) const {
  // Speech that may yet be cut because it is too long is cut in its last pause.
  if (last_pause_ != 0 && std::isfinite(max_speech_samples_)) return last_pause_;
  return pause_ != 0 ? pause_ : now;
}

std::vector<SpeechSpan> SpeechSpanFinder::take_spans() { return std::exchange(settled_, {}); }

std::optional<SpeechSpan> SpeechSpanFinder::open_span() const {
  if (last_) return last_;
  if (!open_start_) return std::nullopt;
  return SpeechSpan{*open_start_, std::max(*open_start_, known_end(position_ - kVadFrameSamples))};
}

std::size_t SpeechSpanFinder::settled_until() const {
  if (last_) return last_->start;
  if (open_start_) return *open_start_;
  const auto next = static_cast<double>(triggered_ ? start_ : position_);
  return static_cast<std::size_t>(std::max(0.0, next - pad_samples_));
}

std::vector<SpeechSpan> find_speech_spans(std::span<const float> probabilities, std::size_t samples,
                                          const SpeechOptions& options) {
  SpeechSpanFinder finder(options);
  for (const float probability : probabilities) finder.push(probability);
  finder.finish(samples);
  return finder.take_spans();
}

}  // namespace amanuensis::pipeline
