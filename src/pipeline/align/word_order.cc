#include <algorithm>
#include <cmath>
#include <vector>

#include "pipeline/align/word_times.h"

namespace amanuensis::pipeline {
namespace {

// What a word without length gets: half the step of the alignment, and the precision in which times are written.
constexpr double kShortestWordS = 0.01;
// Less room than this for each word is none.
constexpr double kLeastRoomS = 1e-6;

double round_to_hundredth(double seconds) { return std::nearbyint(seconds * 100.0) / 100.0; }

// How far the words' times are apart must survive rounding: 1.13 - 1.12 is less than 0.01 in binary.
constexpr double kSlackS = 1e-9;

// Moves words forward until each begins where the one before it ends, or later, and has some length.
void push_forward(std::span<Word*> words, double first_s) {
  double end_s = first_s;
  for (Word* word : words) {
    if (word->start_s < end_s) word->start_s = end_s;
    if (word->end_s - word->start_s < kShortestWordS - kSlackS) {
      word->end_s = round_to_hundredth(word->start_s + kShortestWordS);
    }
    end_s = word->end_s;
  }
}

// Moves words back from the end of the audio.
void push_back(std::span<Word*> words, double last_s) {
  double start_s = last_s;
  for (auto word = words.rbegin(); word != words.rend(); ++word) {
    if ((*word)->end_s > start_s) (*word)->end_s = start_s;
    if ((*word)->end_s - (*word)->start_s < kShortestWordS - kSlackS)
      (*word)->start_s = (*word)->end_s - kShortestWordS;
    start_s = (*word)->start_s;
  }
}

void spread(std::span<Word*> words, double first_s, double last_s) {
  const double step_s = (last_s - first_s) / static_cast<double>(words.size());
  for (std::size_t i = 0; i < words.size(); ++i) {
    words[i]->start_s = first_s + static_cast<double>(i) * step_s;
    words[i]->end_s = i + 1 == words.size() ? last_s : first_s + static_cast<double>(i + 1) * step_s;
  }
}

}  // namespace

void WordOrder::settle(std::span<Segment> segments) {
  std::vector<Word*> words;
  for (Segment& segment : segments) {
    for (Word& word : segment.words) words.push_back(&word);
  }
  if (words.empty()) return;
  if (audio_s_ - last_end_s_ < kLeastRoomS * static_cast<double>(words.size())) {
    for (Segment& segment : segments) segment.words.clear();
    return;
  }
  struct Ends {
    bool start_follows;
    bool end_follows;
  };
  std::vector<Ends> ends;
  for (const Segment& segment : segments) {
    ends.push_back({!segment.words.empty() && segment.start_s == segment.words.front().start_s,
                    !segment.words.empty() && segment.end_s == segment.words.back().end_s});
  }
  push_forward(words, last_end_s_);
  push_back(words, audio_s_);
  if (words.front()->start_s < last_end_s_) spread(words, last_end_s_, audio_s_);
  for (std::size_t i = 0; i < segments.size(); ++i) {
    Segment& segment = segments[i];
    if (segment.words.empty()) continue;
    if (ends[i].start_follows) segment.start_s = segment.words.front().start_s;
    if (ends[i].end_follows) segment.end_s = segment.words.back().end_s;
  }
  last_end_s_ = words.back()->end_s;
}

}  // namespace amanuensis::pipeline
