#include "pipeline/eval/word_errors.h"

#include <fmt/format.h>

#include <algorithm>

#include "pipeline/eval/text_rewriting.h"
#include "pipeline/eval/unicode_text.h"

namespace amanuensis::pipeline {
namespace {

constexpr std::size_t kContextWords = 2;

std::vector<std::string> normalized_words(std::string_view text, Normalizer normalizer) {
  std::vector<std::string> words;
  for (const std::u32string& word : split_words(decode_utf8(normalize(normalizer, text)))) {
    words.push_back(encode_utf8(word));
  }
  return words;
}

std::string describe(const WordComparison& comparison, const Edit& edit) {
  switch (edit.kind) {
    case EditKind::kSubstitution:
      return fmt::format("[{} -> {}]", comparison.reference[edit.reference], comparison.hypothesis[edit.hypothesis]);
    case EditKind::kDeletion:
      return fmt::format("[-{}]", comparison.reference[edit.reference]);
    case EditKind::kInsertion:
      return fmt::format("[+{}]", comparison.hypothesis[edit.hypothesis]);
  }
  return {};
}

// The first reference word behind an edit.
std::size_t behind(const Edit& edit) { return edit.reference + (edit.kind == EditKind::kInsertion ? 0 : 1); }

}  // namespace

double WordErrorCounts::rate() const {
  if (words() == 0) return static_cast<double>(insertions);
  return static_cast<double>(errors()) / static_cast<double>(words());
}

WordErrorCounts& WordErrorCounts::operator+=(const WordErrorCounts& other) {
  hits += other.hits;
  substitutions += other.substitutions;
  deletions += other.deletions;
  insertions += other.insertions;
  return *this;
}

WordComparison compare_words(std::string_view reference, std::string_view hypothesis, Normalizer normalizer) {
  WordComparison result;
  result.reference = normalized_words(reference, normalizer);
  result.hypothesis = normalized_words(hypothesis, normalizer);
  result.edits = align_words(result.reference, result.hypothesis);
  const auto count = [&](EditKind kind) {
    return static_cast<std::size_t>(std::ranges::count(result.edits, kind, &Edit::kind));
  };
  result.counts.substitutions = count(EditKind::kSubstitution);
  result.counts.deletions = count(EditKind::kDeletion);
  result.counts.insertions = count(EditKind::kInsertion);
  result.counts.hits = result.reference.size() - result.counts.substitutions - result.counts.deletions;
  return result;
}

std::vector<std::string> describe_errors(const WordComparison& comparison) {
  const std::vector<Edit>& edits = comparison.edits;
  std::vector<std::string> lines;
  const auto add = [](std::string& line, const std::string& text) {
    if (!line.empty()) line += ' ';
    line += text;
  };
  const auto add_words = [&](std::string& line, std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) add(line, comparison.reference[i]);
  };
  for (std::size_t i = 0; i < edits.size();) {
    std::string line;
    std::size_t at = edits[i].reference - std::min(kContextWords, edits[i].reference);
    // Errors whose surroundings would touch share a line.
    do {
      add_words(line, at, edits[i].reference);
      add(line, describe(comparison, edits[i]));
      at = behind(edits[i]);
      ++i;
    } while (i < edits.size() && edits[i].reference <= at + 2 * kContextWords);
    add_words(line, at, std::min(at + kContextWords, comparison.reference.size()));
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace amanuensis::pipeline
