#include "pipeline/align/silence_skip.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "model/whisper/constants.h"

namespace amanuensis::pipeline {
namespace {

constexpr double kFramesPerSecond = static_cast<double>(model::kSampleRateHz) / static_cast<double>(model::kHopSamples);
constexpr std::string_view kPunctuation = "\"'“¿([{-\"'.。,，!！?？:：”)]}、";
constexpr std::size_t kWordsJudged = 8;
constexpr double kNearWindowEdgeS = 2.0;

double seconds_of(std::size_t frames) { return static_cast<double>(frames) / kFramesPerSecond; }

std::size_t frames_of(double seconds) {
  return static_cast<std::size_t>(std::nearbyint(std::max(0.0, seconds) * kFramesPerSecond));
}

// Improbable, very short and very long words look invented.
double anomaly(const Word& word) {
  constexpr double kImprobable = 0.15;
  constexpr double kShortS = 0.133;
  constexpr double kShortWeight = 15;
  constexpr double kLongS = 2.0;
  const double length_s = word.end_s - word.start_s;
  double score = word.probability < kImprobable ? 1.0 : 0.0;
  if (length_s < kShortS) score += (kShortS - length_s) * kShortWeight;
  if (length_s > kLongS) score += length_s - kLongS;
  return score;
}

bool is_anomaly(const Segment* segment) {
  if (segment == nullptr || segment->words.empty()) return false;
  constexpr double kSurely = 3;
  double score = 0;
  std::size_t judged = 0;
  for (const Word& word : segment->words) {
    if (kPunctuation.find(word.word) != std::string_view::npos) continue;
    if (judged == kWordsJudged) break;
    score += anomaly(word);
    ++judged;
  }
  return score >= kSurely || score + 0.01 >= static_cast<double>(judged);
}

const Segment* first_with_words(std::span<const Segment> segments) {
  const auto found = std::ranges::find_if(segments, [](const Segment& s) { return !s.words.empty(); });
  return found == segments.end() ? nullptr : &*found;
}

}  // namespace

std::optional<double> last_word_end_s(std::span<const Segment> segments) {
  for (auto segment = segments.rbegin(); segment != segments.rend(); ++segment) {
    if (!segment->words.empty()) return segment->words.back().end_s;
  }
  return segments.empty() ? std::nullopt : std::optional(segments.back().end_s);
}

SkipDecision skip_silence(std::vector<Segment>& segments, const SpokenSpan& span, double threshold_s,
                          std::size_t next_seek) {
  SkipDecision decision{.next_seek = next_seek};
  const double start_s = seconds_of(span.seek);
  const double window_end_s = seconds_of(span.seek + span.window_frames);
  if (const auto end_s = last_word_end_s(segments); !span.ends_in_silence && end_s && *end_s > start_s) {
    decision.next_seek = window_end_s - *end_s > threshold_s ? frames_of(*end_s) : span.seek + span.frames;
  }

  if (const Segment* first = first_with_words(segments); is_anomaly(first)) {
    const double gap_s = first->start_s - start_s;
    if (gap_s > threshold_s) return {.next_seek = span.seek + frames_of(gap_s), .discard = true};
  }

  double last_end_s = span.last_speech_s;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const Segment& segment = segments[i];
    if (segment.words.empty()) continue;
    if (is_anomaly(&segment)) {
      const Segment* next = first_with_words(std::span(segments).subspan(i + 1));
      const double next_start_s = next != nullptr ? next->words.front().start_s : start_s + seconds_of(span.frames);
      const bool silence_before = segment.start_s - last_end_s > threshold_s || segment.start_s < threshold_s ||
                                  segment.start_s - start_s < kNearWindowEdgeS;
      const bool silence_after = next_start_s - segment.end_s > threshold_s || is_anomaly(next) ||
                                 window_end_s - segment.end_s < kNearWindowEdgeS;
      if (silence_before && silence_after) {
        decision.next_seek = frames_of(std::max(start_s + 1, segment.start_s));
        if (seconds_of(span.content_frames) - segment.end_s < threshold_s) decision.next_seek = span.content_frames;
        segments.resize(i);
        break;
      }
    }
    last_end_s = segment.end_s;
  }
  return decision;
}

}  // namespace amanuensis::pipeline
