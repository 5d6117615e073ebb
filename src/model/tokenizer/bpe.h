// Byte-pair merging within one piece of text (Sennrich et al. 2016, arXiv 1508.07909; byte level as in openai/gpt-2):
// starting from single bytes, the neighbours that merge first in the vocabulary's order are joined, leftmost first,
// until none can be. Time grows as n log n with the piece, whatever it holds. Immutable; may be used from any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/tokenizer/vocabulary.h"

namespace amanuensis::model {

class Bpe {
 public:
  // Keeps views into `vocabulary`, which must outlive it and stay where it is. Throws Error{kBadData} for a byte
  // without a token, or a merge whose parts or result are not tokens.
  explicit Bpe(const Vocabulary& vocabulary);

  // Working memory of encode_piece, reused from piece to piece by one thread.
  struct Scratch;

  // Appends the tokens of one piece of a text.
  void encode_piece(std::string_view piece, Scratch& scratch, std::vector<TokenId>& out) const;

 private:
  struct Merge {
    std::int32_t rank;  // lower merges first
    TokenId result;
  };

  void add_merges();
  std::optional<Merge> find_merge(TokenId left, TokenId right, std::string_view joined) const;
  void push_candidate(std::string_view piece, std::int32_t left, Scratch& scratch) const;

  const Vocabulary& vocabulary_;
  std::array<TokenId, 256> byte_tokens_{};
  // By the two ids, left in the upper half. Used when the vocabulary lists its merges.
  std::unordered_map<std::uint64_t, Merge> merges_;
  // By bytes. Used when a pair merges by the id of its result.
  std::unordered_map<std::string_view, TokenId> tokens_;
  std::size_t longest_token_bytes_ = 0;
};

struct Bpe::Scratch {
  // One part of the piece, in a list that merging shortens.
  struct Part {
    std::int32_t begin;
    std::int32_t end;
    std::int32_t previous;  // index of the neighbour, -1 at the ends
    std::int32_t next;
    TokenId id;  // -1 once merged into its left neighbour
  };
  // A merge that was possible when it was queued.
  struct Candidate {
    std::int32_t rank;
    std::int32_t left;  // part
    TokenId left_id;
    TokenId right_id;
    TokenId result;
  };
  std::vector<Part> parts;
  std::vector<Candidate> heap;
};

}  // namespace amanuensis::model
