// A made-up model for the searches: the logits of tools/goldens/decoding.py, a function of the tokens so far.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/aligned_buffer.h"
#include "decoding/logit_rules.h"
#include "decoding/search.h"
#include "support/goldens.h"

namespace amanuensis::decoding {

inline std::vector<float> scripted_logits(const std::string& name, std::span<const TokenId> sampled, std::size_t size,
                                          TokenId eot) {
  std::string key = name;
  for (const TokenId id : sampled) key.append(1, ',').append(std::to_string(id));
  std::vector<float> row(size);
  for (std::size_t i = 0; i < size; ++i) row[i] = test::hashed_uniform(key, i) * 4.0F;
  row[static_cast<std::size_t>(eot)] += 0.25F * static_cast<float>(sampled.size());
  return row;
}

// The rules of a golden file, whose first steps may also forbid a blank.
inline LogitRules golden_rules(const nlohmann::json& golden, bool timestamps, const nlohmann::json& max_initial) {
  const nlohmann::json& vocabulary = golden.at("vocabulary");
  LogitRules rules;
  rules.suppress = golden.at("suppress").get<std::vector<TokenId>>();
  rules.suppress_first = {vocabulary.at("blank"), vocabulary.at("eot")};
  rules.timestamps = timestamps;
  rules.eot = vocabulary.at("eot");
  rules.no_timestamps = vocabulary.at("no_timestamps");
  rules.timestamp_begin = vocabulary.at("timestamp_begin");
  rules.vocabulary_size = vocabulary.at("size");
  if (!max_initial.is_null()) rules.max_initial_timestamp_index = max_initial.get<std::size_t>();
  return rules;
}

// Drives a search as a window's decoder does; returns how many steps it took.
inline std::size_t run_search(TokenSearch& search, const LogitRules& rules, const std::string& name,
                              std::size_t max_steps) {
  std::size_t steps = 0;
  while (steps < max_steps && !search.complete()) {
    const std::size_t rows = search.live().size();
    AlignedBuffer<float> logits(rows * rules.vocabulary_size);
    for (std::size_t i = 0; i < rows; ++i) {
      const std::vector<TokenId>& sampled = search.live()[i].tokens;
      const auto row = scripted_logits(name, sampled, rules.vocabulary_size, rules.eot);
      const auto out = logits.matrix(rows, rules.vocabulary_size).row(i);
      std::copy(row.begin(), row.end(), out.begin());
      apply_logit_rules(rules, sampled, out);
    }
    search.advance(std::as_const(logits).matrix(rows, rules.vocabulary_size));
    ++steps;
  }
  return steps;
}

}  // namespace amanuensis::decoding
