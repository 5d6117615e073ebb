#include "pipeline/prompt_history.h"

#include <algorithm>
#include <utility>

#include "decoding/prompt.h"

namespace amanuensis::pipeline {

PromptHistory::PromptHistory(std::vector<model::TokenId> initial_prompt, bool carry, std::size_t text_context)
    : tokens_(std::move(initial_prompt)),
      initial_size_(tokens_.size()),
      carry_room_(static_cast<std::ptrdiff_t>(text_context / 2) - 1 - static_cast<std::ptrdiff_t>(initial_size_)),
      carry_(carry) {}

std::vector<model::TokenId> PromptHistory::prompt() const {
  const std::span<const model::TokenId> all(tokens_);
  if (!carry_) {
    const auto recent = all.subspan(reset_since_);
    return {recent.begin(), recent.end()};
  }
  const auto recent = decoding::python_tail(all.subspan(std::max(initial_size_, reset_since_)), carry_room_);
  std::vector<model::TokenId> prompt(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(initial_size_));
  prompt.insert(prompt.end(), recent.begin(), recent.end());
  return prompt;
}

void PromptHistory::append(std::span<const model::TokenId> tokens) {
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
}

}  // namespace amanuensis::pipeline
