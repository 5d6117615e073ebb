#include "model/tokenizer/bpe.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace amanuensis::model {
namespace {

std::uint64_t pair_key(TokenId left, TokenId right) {
  return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32U) | static_cast<std::uint32_t>(right);
}

// The lowest rank is at the front of the heap; of equal ranks, the leftmost part.
bool later(const Bpe::Scratch::Candidate& a, const Bpe::Scratch::Candidate& b) {
  return a.rank != b.rank ? a.rank > b.rank : a.left > b.left;
}

}  // namespace

Bpe::Bpe(const Vocabulary& vocabulary) : vocabulary_(vocabulary) {
  tokens_.reserve(vocabulary.tokens.size());
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const std::string& bytes = vocabulary.tokens[id];
    if (bytes.empty()) continue;
    tokens_.try_emplace(bytes, static_cast<TokenId>(id));
    longest_token_bytes_ = std::max(longest_token_bytes_, bytes.size());
  }
  for (std::size_t byte = 0; byte < byte_tokens_.size(); ++byte) {
    const char c = static_cast<char>(byte);
    const auto found = tokens_.find(std::string_view(&c, 1));
    if (found == tokens_.end()) {
      throw Error(ErrorCode::kBadData,
                  fmt::format("{}: no token for byte 0x{:02X}; a byte-level vocabulary needs all 256",
                              vocabulary.source, byte));
    }
    byte_tokens_[byte] = found->second;
  }
  add_merges();
}

void Bpe::add_merges() {
  if (vocabulary_.merges.empty()) return;
  merges_.reserve(vocabulary_.merges.size());
  const auto bytes_of = [this](TokenId id) -> std::string_view {
    return id >= 0 && static_cast<std::size_t>(id) < vocabulary_.tokens.size() ? vocabulary_.tokens[id]
                                                                               : std::string_view();
  };
  std::string joined;
  std::int32_t rank = 0;
  for (const auto& [left, right] : vocabulary_.merges) {
    const std::string_view a = bytes_of(left);
    const std::string_view b = bytes_of(right);
    joined.assign(a).append(b);
    const auto result = tokens_.find(joined);
    if (a.empty() || b.empty() || result == tokens_.end()) {
      throw Error(ErrorCode::kBadData,
                  fmt::format("{}: merge {} joins tokens {} and {}, {}", vocabulary_.source, rank, left, right,
                              a.empty() || b.empty() ? "which are not both in the vocabulary"
                                                     : "whose result is not in the vocabulary"));
    }
    merges_.try_emplace(pair_key(left, right), Merge{rank, result->second});
    ++rank;
  }
}

std::optional<Bpe::Merge> Bpe::find_merge(TokenId left, TokenId right, std::string_view joined) const {
  if (!merges_.empty()) {
    const auto found = merges_.find(pair_key(left, right));
    return found == merges_.end() ? std::nullopt : std::optional(found->second);
  }
  if (joined.size() > longest_token_bytes_) return std::nullopt;
  const auto found = tokens_.find(joined);
  return found == tokens_.end() ? std::nullopt : std::optional(Merge{found->second, found->second});
}

// Queues the merge of part `left` with the one after it, if they merge.
void Bpe::push_candidate(std::string_view piece, std::int32_t left, Scratch& scratch) const {
  if (left < 0 || scratch.parts[left].next < 0) return;
  const Scratch::Part& a = scratch.parts[left];
  const Scratch::Part& b = scratch.parts[a.next];
  const auto merge = find_merge(a.id, b.id, piece.substr(a.begin, b.end - a.begin));
  if (!merge) return;
  scratch.heap.push_back({merge->rank, left, a.id, b.id, merge->result});
  std::ranges::push_heap(scratch.heap, later);
}

void Bpe::encode_piece(std::string_view piece, Scratch& scratch, std::vector<TokenId>& out) const {
  // Positions are 32-bit; a longer piece (2 GB without a space) is cut, which still decodes to the same bytes.
  constexpr std::size_t kLongest = std::numeric_limits<std::int32_t>::max() / 2;
  for (; piece.size() > kLongest; piece.remove_prefix(kLongest)) {
    encode_piece(piece.substr(0, kLongest), scratch, out);
  }
  const auto size = static_cast<std::int32_t>(piece.size());
  auto& parts = scratch.parts;
  parts.clear();
  scratch.heap.clear();
  for (std::int32_t i = 0; i < size; ++i) {
    const TokenId id = byte_tokens_[static_cast<unsigned char>(piece[i])];
    parts.push_back({i, i + 1, i - 1, i + 1 < size ? i + 1 : -1, id});
  }
  for (std::int32_t i = 0; i + 1 < size; ++i) push_candidate(piece, i, scratch);

  while (!scratch.heap.empty()) {
    std::ranges::pop_heap(scratch.heap, later);
    const Scratch::Candidate merge = scratch.heap.back();
    scratch.heap.pop_back();
    Scratch::Part& left = parts[merge.left];
    // A candidate is stale once either part has merged with another neighbour.
    if (left.id != merge.left_id || left.next < 0 || parts[left.next].id != merge.right_id) continue;
    Scratch::Part& right = parts[left.next];
    left.id = merge.result;
    left.end = right.end;
    left.next = right.next;
    right.id = -1;
    if (left.next >= 0) parts[left.next].previous = merge.left;
    push_candidate(piece, left.previous, scratch);
    push_candidate(piece, merge.left, scratch);
  }
  for (std::int32_t i = size > 0 ? 0 : -1; i >= 0; i = parts[i].next) out.push_back(parts[i].id);
}

}  // namespace amanuensis::model
