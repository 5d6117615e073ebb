// The alignment of two word sequences with the fewest substitutions, deletions and insertions (Levenshtein distance
// over words; Wagner & Fischer 1974). Where several alignments have as few, it is the one that jiwer (through
// rapidfuzz) shows, so that the kinds of errors are counted alike: traced from the end, a deletion comes before an
// insertion and that before a substitution or a match. Long texts are cut in two first (Hirschberg 1975), so that
// memory stays small. Pure functions; may be called from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace amanuensis::pipeline {

enum class EditKind { kSubstitution, kDeletion, kInsertion };

// One place where the sequences differ. Of a deletion `hypothesis` is where the word would stand, of an insertion
// `reference` is.
struct Edit {
  EditKind kind = EditKind::kSubstitution;
  std::size_t reference = 0;
  std::size_t hypothesis = 0;

  bool operator==(const Edit&) const = default;
};

// In the order of the text. Takes time in the product of the lengths.
std::vector<Edit> align_words(std::span<const std::string> reference, std::span<const std::string> hypothesis);

}  // namespace amanuensis::pipeline
