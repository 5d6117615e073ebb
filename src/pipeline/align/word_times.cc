#include "pipeline/align/word_times.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "decoding/text_measure.h"

namespace amanuensis::pipeline {
namespace {

constexpr std::string_view kSentenceEndMarks = ".。!！?？";
constexpr double kLongestUsualWordS = 0.7;

// Whether `part` is empty or found in `text`: how the reference asks whether a word is one of some marks.
bool is_within(std::string_view part, std::string_view text) { return text.find(part) != std::string_view::npos; }

double round_to_hundredth(double seconds) { return std::nearbyint(seconds * 100.0) / 100.0; }

struct WordLengths {
  double median_s = 0;
  double longest_s = 0;  // a word that is longer probably holds a pause
};

// Long words at sentence ends are cut to the longest usual length.
WordLengths measure_and_cut(std::vector<WordTiming>& words) {
  std::vector<double> lengths;
  for (const WordTiming& word : words) {
    if (word.end_s != word.start_s) lengths.push_back(word.end_s - word.start_s);
  }
  if (lengths.empty()) return {};
  std::ranges::sort(lengths);
  const std::size_t half = lengths.size() / 2;
  const double median = lengths.size() % 2 == 1 ? lengths[half] : (lengths[half - 1] + lengths[half]) / 2;
  const WordLengths result{.median_s = std::min(kLongestUsualWordS, median),
                           .longest_s = 2 * std::min(kLongestUsualWordS, median)};
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (!(words[i].end_s - words[i].start_s > result.longest_s)) continue;
    if (is_within(words[i].word, kSentenceEndMarks)) {
      words[i].end_s = words[i].start_s + result.longest_s;
    } else if (is_within(words[i - 1].word, kSentenceEndMarks)) {
      words[i].start_s = words[i].end_s - result.longest_s;
    }
  }
  return result;
}

// A word that has been merged into another is left empty and without tokens.
void merge_prepended(std::vector<WordTiming>& words, std::string_view marks) {
  std::size_t following = words.size() - 1;
  for (std::size_t i = words.size() - 1; i-- > 0;) {
    WordTiming& previous = words[i];
    if (previous.word.starts_with(' ') && is_within(decoding::strip_text(previous.word), marks)) {
      words[following].word.insert(0, previous.word);
      words[following].tokens += std::exchange(previous.tokens, 0);
      previous.word.clear();
    } else {
      following = i;
    }
  }
}

void merge_appended(std::vector<WordTiming>& words, std::string_view marks) {
  std::size_t previous = 0;
  for (std::size_t i = 1; i < words.size(); ++i) {
    WordTiming& following = words[i];
    if (!words[previous].word.ends_with(' ') && is_within(following.word, marks)) {
      words[previous].word += following.word;
      words[previous].tokens += std::exchange(following.tokens, 0);
      following.word.clear();
    } else {
      previous = i;
    }
  }
}

// The first words after a pause are cut to the longest usual length.
void cut_after_pause(std::vector<Word>& words, const WordLengths& lengths, double last_speech_s) {
  if (!(words[0].end_s - last_speech_s > lengths.median_s * 4)) return;
  const bool first_is_long = words[0].end_s - words[0].start_s > lengths.longest_s;
  const bool both_are_long = words.size() > 1 && words[1].end_s - words[0].start_s > lengths.longest_s * 2;
  if (!first_is_long && !both_are_long) return;
  if (words.size() > 1 && words[1].end_s - words[1].start_s > lengths.longest_s) {
    words[0].end_s = words[1].start_s = std::max(words[1].end_s / 2, words[1].end_s - lengths.longest_s);
  }
  words[0].start_s = std::max(0.0, words[0].end_s - lengths.longest_s);
}

// Segment and words agree on where the segment begins and ends: by its words, unless the outer one is too long.
void join_ends(Segment& segment, double median_s) {
  Word& first = segment.words.front();
  if (segment.start_s < first.end_s && segment.start_s - 0.5 > first.start_s) {
    first.start_s = std::max(0.0, std::min(first.end_s - median_s, segment.start_s));
  } else {
    segment.start_s = first.start_s;
  }
  Word& last = segment.words.back();
  if (segment.end_s > last.start_s && segment.end_s + 0.5 < last.end_s) {
    last.end_s = std::max(last.start_s + median_s, segment.end_s);
  } else {
    segment.end_s = last.end_s;
  }
}

}  // namespace

void add_word_times(std::span<Segment> segments, std::vector<WordTiming> alignment, const model::Tokenizer& tokenizer,
                    const WordPlace& place, const WordTimeOptions& options) {
  const WordLengths lengths = measure_and_cut(alignment);
  if (!alignment.empty()) {
    merge_prepended(alignment, options.prepend_punctuations);
    merge_appended(alignment, options.append_punctuations);
  }
  double last_speech_s = place.last_speech_s;
  auto next = alignment.begin();
  for (Segment& segment : segments) {
    const std::size_t tokens = text_tokens_of({&segment, 1}, tokenizer).size();
    segment.words.clear();
    for (std::size_t used = 0; next != alignment.end() && used < tokens; ++next) {
      used += next->tokens;
      if (next->word.empty()) continue;
      segment.words.push_back({.word = std::move(next->word),
                               .start_s = round_to_hundredth(place.window_start_s + next->start_s),
                               .end_s = round_to_hundredth(place.window_start_s + next->end_s),
                               .probability = next->probability});
    }
    if (segment.words.empty()) continue;
    cut_after_pause(segment.words, lengths, last_speech_s);
    join_ends(segment, lengths.median_s);
    last_speech_s = segment.end_s;
  }
}

}  // namespace amanuensis::pipeline
