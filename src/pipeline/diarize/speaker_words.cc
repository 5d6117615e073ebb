#include "pipeline/diarize/speaker_words.h"

#include <algorithm>
#include <limits>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/writers/python_text.h"

namespace amanuensis::pipeline {
namespace {

constexpr std::size_t kStrayWords = 2;
constexpr double kStrayS = 0.6;

// Finds speakers of intervals; asks in any order, fastest in that of time.
class TurnIndex {
 public:
  explicit TurnIndex(const Diarization& diarization) : diarization_(diarization) {
    double latest = 0;
    for (const SpeakerTurn& turn : diarization.turns) latest_end_.push_back(latest = std::max(latest, turn.end_s));
  }

  std::size_t speaker(double start_s, double end_s) const {
    const std::vector<SpeakerTurn>& turns = diarization_.turns;
    std::vector<double> shared(diarization_.speakers.size());
    // The first turn that, or one before which, reaches the interval.
    auto i = static_cast<std::size_t>(std::lower_bound(latest_end_.begin(), latest_end_.end(), start_s) -
                                      latest_end_.begin());
    double nearest = std::numeric_limits<double>::infinity();
    std::size_t closest = 0;
    if (i > 0) --i;
    for (; i < turns.size(); ++i) {
      const double away = std::max({0.0, turns[i].start_s - end_s, start_s - turns[i].end_s});
      if (away < nearest) {
        nearest = away;
        closest = turns[i].speaker;
      }
      if (turns[i].start_s > end_s) break;
      shared[turns[i].speaker] += std::max(0.0, std::min(end_s, turns[i].end_s) - std::max(start_s, turns[i].start_s));
    }
    const auto most = std::max_element(shared.begin(), shared.end());
    return *most > 0 ? static_cast<std::size_t>(most - shared.begin()) : closest;
  }

 private:
  const Diarization& diarization_;
  std::vector<double> latest_end_;  // of the turns up to each
};

bool ends_sentence(const Word& word) {
  const std::string_view text = python_strip(word.word);
  for (const std::string_view mark : {".", "?", "!", "…", "。", "？", "！", ".\"", "?\"", "!\""}) {
    if (text.ends_with(mark)) return true;
  }
  return false;
}

// Words [first, last) of one sentence: short runs within it go to whoever says most of it.
void settle_sentence(std::span<const Word> words, std::span<std::size_t> speakers, std::size_t count) {
  std::vector<double> said(count);
  for (std::size_t i = 0; i < words.size(); ++i) said[speakers[i]] += 0.01 + words[i].end_s - words[i].start_s;
  const auto main = static_cast<std::size_t>(std::max_element(said.begin(), said.end()) - said.begin());
  std::size_t begin = 0;
  while (begin < words.size()) {
    std::size_t end = begin + 1;
    while (end < words.size() && speakers[end] == speakers[begin]) ++end;
    const double run_s = words[end - 1].end_s - words[begin].start_s;
    const bool stray = end - begin <= kStrayWords || run_s < kStrayS;
    // As many words as the rest of the sentence has are no stray ones.
    if (speakers[begin] != main && stray && 2 * (end - begin) < words.size()) {
      std::fill(speakers.begin() + static_cast<std::ptrdiff_t>(begin),
                speakers.begin() + static_cast<std::ptrdiff_t>(end), main);
    }
    begin = end;
  }
}

void settle_sentences(std::span<const Word> words, std::span<std::size_t> speakers, std::size_t count) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i + 1 < words.size() && !ends_sentence(words[i])) continue;
    settle_sentence(words.subspan(begin, i + 1 - begin), speakers.subspan(begin, i + 1 - begin), count);
    begin = i + 1;
  }
}

// The segment's words [first, last) as a segment of their own.
Segment part_of(const Segment& whole, std::size_t first, std::size_t last) {
  Segment part = whole;
  part.words.assign(whole.words.begin() + static_cast<std::ptrdiff_t>(first),
                    whole.words.begin() + static_cast<std::ptrdiff_t>(last));
  part.text.clear();
  for (const Word& word : part.words) part.text += word.word;
  if (first > 0) {
    part.start_s = part.words.front().start_s;
    part.tokens.clear();
  }
  if (last < whole.words.size()) part.end_s = part.words.back().end_s;
  return part;
}

}  // namespace

void assign_speakers(const Diarization& diarization, Transcript& transcript) {
  transcript.diarization_model = diarization.model;
  transcript.speakers.clear();
  for (const DiarizedSpeaker& speaker : diarization.speakers) {
    transcript.speakers.push_back({speaker.label, speaker.speaking_s});
  }
  if (diarization.turns.empty()) return;
  const TurnIndex turns(diarization);
  // Sentences may span segments.
  std::vector<Word> words;
  for (const Segment& segment : transcript.segments) {
    words.insert(words.end(), segment.words.begin(), segment.words.end());
  }
  std::vector<std::size_t> speakers;
  speakers.reserve(words.size());
  for (const Word& word : words) speakers.push_back(turns.speaker(word.start_s, word.end_s));
  settle_sentences(words, speakers, diarization.speakers.size());

  std::vector<Segment> segments;
  std::size_t next = 0;
  for (Segment& segment : transcript.segments) {
    if (segment.words.empty()) {
      segment.speaker = diarization.speakers[turns.speaker(segment.start_s, segment.end_s)].label;
      segments.push_back(std::move(segment));
      continue;
    }
    const std::span<const std::size_t> said = std::span(speakers).subspan(next, segment.words.size());
    next += segment.words.size();
    for (std::size_t i = 0; i < said.size(); ++i) segment.words[i].speaker = diarization.speakers[said[i]].label;
    std::size_t begin = 0;
    while (begin < said.size()) {
      std::size_t end = begin + 1;
      while (end < said.size() && said[end] == said[begin]) ++end;
      Segment part = begin == 0 && end == said.size() ? segment : part_of(segment, begin, end);
      part.speaker = diarization.speakers[said[begin]].label;
      segments.push_back(std::move(part));
      begin = end;
    }
  }
  for (std::size_t i = 0; i < segments.size(); ++i) segments[i].id = i;
  transcript.segments = std::move(segments);
}

}  // namespace amanuensis::pipeline
