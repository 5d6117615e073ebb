// Word error rate: how far a transcript is from what was really said. The two texts are compared word by word, without
// regard to case and punctuation, by the alignment with the fewest edits (Levenshtein distance over words). Pure
// functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace amanuensis::pipeline {

// One place where the texts differ.
struct WordEdit {
  std::string said;   // empty: the word was not said
  std::string heard;  // empty: the word was missed
};

struct WordErrors {
  std::size_t words = 0;  // of the reference
  std::size_t substitutions = 0;
  std::size_t deletions = 0;    // said, not heard
  std::size_t insertions = 0;   // heard, not said
  std::vector<WordEdit> edits;  // in the order of the text

  std::size_t errors() const { return substitutions + deletions + insertions; }
  // Errors per word said; may exceed 1. With no word said: 0 when nothing was heard, else 1.
  double rate() const;
};

// Lower-case words (ASCII letters; others are compared as they are), punctuation gone, an apostrophe inside a word kept
// ("don't").
std::vector<std::string> words_of(std::string_view text);

// Takes time and memory in the product of the two lengths.
WordErrors count_word_errors(std::string_view reference, std::string_view transcript);

}  // namespace amanuensis::pipeline
