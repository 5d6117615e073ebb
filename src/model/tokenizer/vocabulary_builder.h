// Gathers the entries of tokenizer files into a Vocabulary and checks each as it comes. Tokens are spelled as GPT-2
// spells them, every byte as one printable character (openai/gpt-2, encoder.py: bytes_to_unicode). Used by one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/tokenizer/vocabulary.h"

namespace amanuensis::model {

class VocabularyBuilder {
 public:
  // `source` names the checkpoint in the errors of whoever uses the vocabulary later.
  explicit VocabularyBuilder(std::string source);

  // Each throws Error{kBadData} naming `file` and the entry. Added tokens come before the vocabulary's own, which may
  // repeat them; merges come last.
  void add_added_token(std::string_view file, std::string_view text, std::int64_t id, bool special);
  void add_token(std::string_view file, std::string_view spelling, std::int64_t id);
  void add_merge(std::string_view file, std::string_view left, std::string_view right);

  // The vocabulary, complete. The builder is used up.
  Vocabulary finish();

 private:
  // Lets the map be searched without making a string.
  struct SpellingHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view spelling) const { return std::hash<std::string_view>{}(spelling); }
  };

  // Gives `name` that id; false when it has it already.
  bool claim(std::string_view file, std::string_view name, std::int64_t id);
  TokenId id_of(std::string_view file, std::string_view spelling) const;

  Vocabulary vocabulary_;
  std::unordered_map<std::string, TokenId, SpellingHash, std::equal_to<>> ids_;  // by spelling
  std::vector<const std::string*> names_;                                        // by id, pointing into ids_
};

// The name as an error message may show it: quoted, control characters masked, cut when long.
std::string quoted_entry(std::string_view name);

}  // namespace amanuensis::model
