// Line breaking for captions. Pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace amanuensis::pipeline {

// `text` as lines of at most `width` characters (width >= 1), filled greedily. Breaks at white space, and between
// characters of scripts written without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese), there never before a
// combining sign or closing punctuation. What cannot be broken so stands on a line of its own, longer than `width`.
// White space within a line becomes one space. At least one line, empty for empty text.
std::vector<std::string> wrap_text(std::string_view text, std::size_t width);

}  // namespace amanuensis::pipeline
