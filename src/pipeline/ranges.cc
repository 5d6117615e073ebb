#include "pipeline/ranges.h"

#include <utility>

namespace amanuensis::pipeline {

TranscriptBuilder::TranscriptBuilder(bool word_times, const TranscriptMark& before)
    : word_times_(word_times), segments_before_(before.segments), order_(std::numeric_limits<double>::max()) {
  order_.go_back_to(before.last_end_s);
}

TranscriptMark TranscriptBuilder::mark() const {
  return {.segments = segments_before_ + transcript_.segments.size(), .last_end_s = order_.last_end_s()};
}

bool TranscriptBuilder::set_language(const std::string& language, decoding::LanguageProbabilities probabilities) {
  if (std::exchange(language_told_, true)) return false;
  transcript_.language = language;
  transcript_.language_probabilities = std::move(probabilities);
  return true;
}

std::span<const Segment> TranscriptBuilder::add(std::vector<Segment> segments) {
  if (word_times_) order_.settle(segments);
  const std::size_t before = transcript_.segments.size();
  for (Segment& segment : segments) {
    segment.id = segments_before_ + transcript_.segments.size();
    transcript_.text += segment.text;
    transcript_.segments.push_back(std::move(segment));
  }
  return std::span(transcript_.segments).subspan(before);
}

std::span<const Segment> TranscriptBuilder::add(WindowText window) {
  set_language(window.language, std::move(window.language_probabilities));
  return add(std::move(window.segments));
}

}  // namespace amanuensis::pipeline
