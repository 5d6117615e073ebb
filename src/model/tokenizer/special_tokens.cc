#include "model/tokenizer/special_tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "model/tokenizer/languages.h"

namespace amanuensis::model {
namespace {

// Time tokens are this many hundredths of a second apart (Radford et al. 2022, section 2.3).
constexpr int kTimeStepCentiseconds = 2;

TokenId find_or(const Vocabulary& vocabulary, std::string_view name, TokenId otherwise) {
  const auto found = vocabulary.special.find(name);
  return found == vocabulary.special.end() ? otherwise : found->second;
}

TokenId require(const Vocabulary& vocabulary, std::string_view name) {
  const TokenId id = find_or(vocabulary, name, -1);
  if (id < 0) {
    throw Error(ErrorCode::kBadData,
                fmt::format("{}: no special token '{}'; this is not the tokenizer of a Whisper model",
                            vocabulary.source, name));
  }
  return id;
}

void find_time_tokens(const Vocabulary& vocabulary, SpecialTokens& special) {
  std::map<int, TokenId> times;
  for (const auto& [name, id] : vocabulary.special) {
    if (const int time = parse_time_token(name); time >= 0) times.emplace(time, id);
  }
  if (times.empty()) {
    throw Error(ErrorCode::kBadData,
                fmt::format("{}: no time tokens ('<|0.00|>' and on); this is not the tokenizer of a Whisper model",
                            vocabulary.source));
  }
  int expected_time = 0;
  TokenId expected_id = times.begin()->second;
  for (const auto& [time, id] : times) {
    const auto name = [](int t) { return fmt::format("<|{}.{:02}|>", t / 100, t % 100); };
    if (time != expected_time) {
      throw Error(ErrorCode::kBadData, fmt::format("{}: time token '{}' is missing before '{}'", vocabulary.source,
                                                   name(expected_time), name(time)));
    }
    if (id != expected_id) {
      throw Error(ErrorCode::kBadData,
                  fmt::format("{}: time token '{}' has id {}, expected {}: they must be consecutive", vocabulary.source,
                              name(time), id, expected_id));
    }
    expected_time += kTimeStepCentiseconds;
    ++expected_id;
  }
  special.timestamp_begin = times.begin()->second;
  special.timestamp_end = expected_id;
}

}  // namespace

int parse_time_token(std::string_view name) {
  if (!name.starts_with("<|") || !name.ends_with("|>") || name.size() < 8 || name.size() > 12) return -1;
  name = name.substr(2, name.size() - 4);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  int time = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (i + 3 == name.size()) {
      if (name[i] != '.') return -1;
      continue;
    }
    if (!is_digit(name[i])) return -1;
    time = 10 * time + (name[i] - '0');
  }
  return time;
}

SpecialTokens find_special_tokens(const Vocabulary& vocabulary) {
  SpecialTokens special;
  special.eot = require(vocabulary, "<|endoftext|>");
  special.sot = require(vocabulary, "<|startoftranscript|>");
  special.translate = require(vocabulary, "<|translate|>");
  special.transcribe = require(vocabulary, "<|transcribe|>");
  special.sot_lm = find_or(vocabulary, "<|startoflm|>", -1);
  special.sot_prev = require(vocabulary, "<|startofprev|>");
  // Older files call it after the captions the training data lacked.
  special.no_speech = find_or(vocabulary, "<|nocaptions|>", -1);
  if (special.no_speech < 0) special.no_speech = require(vocabulary, "<|nospeech|>");
  special.no_timestamps = require(vocabulary, "<|notimestamps|>");
  find_time_tokens(vocabulary, special);
  return special;
}

std::vector<LanguageToken> find_language_tokens(const Vocabulary& vocabulary) {
  std::vector<LanguageToken> languages;
  for (const Language& language : whisper_languages()) {
    const TokenId id = find_or(vocabulary, fmt::format("<|{}|>", language.code), -1);
    if (id >= 0) languages.push_back({std::string(language.code), id});
  }
  std::ranges::sort(languages, {}, &LanguageToken::id);
  return languages;
}

}  // namespace amanuensis::model
