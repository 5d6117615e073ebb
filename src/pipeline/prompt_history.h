// The text a window is told came before it (openai/whisper, transcribe.py: condition_on_previous_text, initial_prompt
// and carry_initial_prompt). The state of one transcription; used by one thread.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "model/tokenizer/vocabulary.h"

namespace amanuensis::pipeline {

class PromptHistory {
 public:
  // text_context is the decoder's n_text_ctx. With `carry`, initial_prompt goes before every window's prompt; otherwise
  // it is only the oldest text.
  PromptHistory(std::vector<model::TokenId> initial_prompt, bool carry, std::size_t text_context);

  // The prompt of the next window. The decoder cuts it to the end that fits.
  std::vector<model::TokenId> prompt() const;
  // What a window said.
  void append(std::span<const model::TokenId> tokens);
  // Later prompts begin after what was said so far.
  void forget() { reset_since_ = tokens_.size(); }
  // All that was appended.
  std::span<const model::TokenId> transcript() const { return std::span(tokens_).subspan(initial_size_); }

 private:
  std::vector<model::TokenId> tokens_;  // the initial prompt, then everything said
  std::size_t initial_size_;
  std::ptrdiff_t carry_room_;  // tokens of earlier text beside a carried prompt; see python_tail() for 0 and less
  bool carry_;
  std::size_t reset_since_ = 0;
};

}  // namespace amanuensis::pipeline
