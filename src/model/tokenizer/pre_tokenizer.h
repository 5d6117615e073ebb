// Cuts text into the pieces within which BPE merges: GPT-2's pattern (openai/gpt-2, encoder.py) with Unicode's letter
// and number classes. Immutable after construction; may be used from any thread (match state is made per call).
#pragma once

#include <memory>
#include <string_view>
#include <vector>

namespace amanuensis::model {

class PreTokenizer {
 public:
  PreTokenizer();
  ~PreTokenizer();
  PreTokenizer(PreTokenizer&&) noexcept;
  PreTokenizer& operator=(PreTokenizer&&) noexcept;

  // The pieces of any bytes, in order; together they are `text`, into which they point. Runs of valid UTF-8 are cut by
  // the pattern, each as a text of its own; every byte outside them is a piece by itself.
  std::vector<std::string_view> split(std::string_view text) const;

 private:
  struct Pattern;
  std::unique_ptr<Pattern> pattern_;
};

}  // namespace amanuensis::model
