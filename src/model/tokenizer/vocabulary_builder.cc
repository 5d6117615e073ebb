#include "model/tokenizer/vocabulary_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/error.h"
#include "model/tokenizer/special_tokens.h"
#include "model/tokenizer/utf8.h"

namespace amanuensis::model {
namespace {

// Time tokens of every published checkpoint: 0.00 to 30.00 s.
constexpr int kTimeTokens = 1501;
constexpr int kTimeStepCentiseconds = 2;

// Bytes that are printable in Latin-1 stand for themselves; the other 68 are spelled U+0100 and on, in order.

using ByteOfCodePoint = std::array<std::int16_t, 0x144>;

constexpr ByteOfCodePoint make_byte_table() {
  ByteOfCodePoint bytes{};
  bytes.fill(-1);
  std::size_t next = 0x100;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const bool itself = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    bytes[itself ? byte : next++] = static_cast<std::int16_t>(byte);
  }
  return bytes;
}

constexpr ByteOfCodePoint kBytes = make_byte_table();

// The bytes that a spelling stands for; nothing when it has a character that stands for none.
std::optional<std::string> bytes_of_spelling(std::string_view spelling) {
  std::string bytes;
  while (!spelling.empty()) {
    const Utf8Char c = read_utf8(spelling);
    if (c.status != Utf8Status::kValid || c.code_point >= kBytes.size() || kBytes[c.code_point] < 0)
      return std::nullopt;
    bytes.push_back(static_cast<char>(kBytes[c.code_point]));
    spelling.remove_prefix(c.size_bytes);
  }
  return bytes;
}

// "<|en|>", "<|0.00|>", "<|startoftranscript|>": never text, wherever it is listed. (The pre-tokenizer keeps letters
// and signs apart, so no ordinary token looks like this.)
bool named_as_special(std::string_view name) {
  if (name.size() < 5 || !name.starts_with("<|") || !name.ends_with("|>")) return false;
  return std::ranges::all_of(name.substr(2, name.size() - 4), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

}  // namespace

std::string quoted_entry(std::string_view name) {
  constexpr std::size_t kLongest = 40;
  std::string shown;
  for (std::size_t characters = 0; !name.empty(); ++characters) {
    if (characters == kLongest) {
      shown.append("...");
      break;
    }
    const Utf8Char c = read_utf8(name);
    const bool printable = c.status == Utf8Status::kValid && c.code_point >= 0x20 && c.code_point != 0x7F;
    if (printable) {
      shown.append(name.substr(0, c.size_bytes));
    } else {
      shown.push_back('?');
    }
    name.remove_prefix(c.size_bytes);
  }
  return fmt::format("'{}'", shown);
}

VocabularyBuilder::VocabularyBuilder(std::string source) {
  vocabulary_.source = std::move(source);
  constexpr std::size_t kUsualTokens = 52'000;
  ids_.reserve(kUsualTokens);
}

bool VocabularyBuilder::claim(std::string_view file, std::string_view name, std::int64_t id) {
  if (id < 0 || id > kMaxTokenId) {
    throw Error(ErrorCode::kBadData,
                fmt::format("{}: token {} has id {}, outside 0 to {}", file, quoted_entry(name), id, kMaxTokenId));
  }
  const auto [entry, fresh] = ids_.try_emplace(std::string(name), static_cast<TokenId>(id));
  if (!fresh) {
    if (entry->second == id) return false;
    throw Error(ErrorCode::kBadData,
                fmt::format("{}: token {} has two ids, {} and {}", file, quoted_entry(name), entry->second, id));
  }
  const auto index = static_cast<std::size_t>(id);
  if (names_.size() <= index) names_.resize(index + 1);
  if (names_[index] != nullptr) {
    throw Error(ErrorCode::kBadData, fmt::format("{}: tokens {} and {} have the same id {}", file,
                                                 quoted_entry(*names_[index]), quoted_entry(name), id));
  }
  names_[index] = &entry->first;
  if (vocabulary_.tokens.size() <= index) vocabulary_.tokens.resize(index + 1);
  return true;
}

void VocabularyBuilder::add_added_token(std::string_view file, std::string_view text, std::int64_t id, bool special) {
  if (!claim(file, text, id)) return;
  if (special || named_as_special(text)) {
    vocabulary_.special.emplace(text, static_cast<TokenId>(id));
  } else {
    vocabulary_.tokens[static_cast<std::size_t>(id)] = text;
  }
}

void VocabularyBuilder::add_token(std::string_view file, std::string_view spelling, std::int64_t id) {
  if (!claim(file, spelling, id)) return;
  if (named_as_special(spelling)) {
    vocabulary_.special.emplace(spelling, static_cast<TokenId>(id));
    return;
  }
  std::optional<std::string> bytes = bytes_of_spelling(spelling);
  if (!bytes) {
    throw Error(
        ErrorCode::kBadData,
        fmt::format("{}: token {} (id {}) is not spelled in GPT-2's byte alphabet; this is not a byte-level BPE "
                    "vocabulary",
                    file, quoted_entry(spelling), id));
  }
  vocabulary_.tokens[static_cast<std::size_t>(id)] = std::move(*bytes);
}

TokenId VocabularyBuilder::id_of(std::string_view file, std::string_view spelling) const {
  const auto found = ids_.find(spelling);
  if (found == ids_.end() || vocabulary_.tokens[static_cast<std::size_t>(found->second)].empty()) {
    throw Error(ErrorCode::kBadData, fmt::format("{}: merge {} needs the token {}, which is not in the vocabulary",
                                                 file, vocabulary_.merges.size(), quoted_entry(spelling)));
  }
  return found->second;
}

void VocabularyBuilder::add_merge(std::string_view file, std::string_view left, std::string_view right) {
  const TokenId left_id = id_of(file, left);
  const TokenId right_id = id_of(file, right);
  id_of(file, std::string(left).append(right));
  vocabulary_.merges.emplace_back(left_id, right_id);
}

Vocabulary VocabularyBuilder::finish() {
  const auto has_time_token = [this] {
    return std::ranges::any_of(vocabulary_.special,
                               [](const auto& entry) { return parse_time_token(entry.first) >= 0; });
  };
  const auto no_timestamps = vocabulary_.special.find("<|notimestamps|>");
  if (no_timestamps != vocabulary_.special.end() && !has_time_token()) {
    const TokenId begin = no_timestamps->second + 1;
    for (int i = 0; i < kTimeTokens; ++i) {
      const int time = i * kTimeStepCentiseconds;
      const std::string name = fmt::format("<|{}.{:02}|>", time / 100, time % 100);
      if (claim(vocabulary_.source, name, begin + i)) vocabulary_.special.emplace(name, begin + i);
    }
  }
  names_.clear();
  ids_.clear();
  return std::move(vocabulary_);
}

}  // namespace amanuensis::model
