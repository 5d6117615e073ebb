// Word error rate of a text against what was really said, as people who measure Whisper models count it: both texts go
// through one normalizer, then their words are aligned. Equal to jiwer (4.0) over openai-whisper's normalizers. Pure
// functions; may be called from any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/eval/text_normalizer.h"
#include "pipeline/eval/word_alignment.h"

namespace amanuensis::pipeline {

struct WordErrorCounts {
  std::size_t hits = 0;
  std::size_t substitutions = 0;
  std::size_t deletions = 0;   // said, not in the hypothesis
  std::size_t insertions = 0;  // in the hypothesis, not said

  std::size_t words() const { return hits + substitutions + deletions; }  // of the reference
  std::size_t errors() const { return substitutions + deletions + insertions; }
  // Errors per word said; may exceed 1. With no word said it is the number of insertions, as jiwer has it.
  double rate() const;
  WordErrorCounts& operator+=(const WordErrorCounts& other);
};

struct WordComparison {
  std::vector<std::string> reference;  // the words that were compared
  std::vector<std::string> hypothesis;
  std::vector<Edit> edits;
  WordErrorCounts counts;
};

// Takes time in the product of the numbers of words.
WordComparison compare_words(std::string_view reference, std::string_view hypothesis, Normalizer normalizer);

// One line for each stretch of errors, with up to two words around it:
//   "so my [fellow -> fellows] americans ask", "[+uh] and so", "what [-your] country can"
std::vector<std::string> describe_errors(const WordComparison& comparison);

}  // namespace amanuensis::pipeline
