// Spelled-out English numbers into figures, as Whisper's English normalizer does it: "twenty twenty one" -> "2021",
// "two and a half million dollars" -> "$2500000", "one oh one" -> "101", "minus five percent" -> "-5%"; ordinals and
// plurals keep their ending. Numbers may be of any length. Takes text that has been through the earlier steps of the
// normalizer (lower case, no punctuation but . % $ and other currency signs). Pure function; may be called from any
// thread.
#pragma once

#include <string>
#include <string_view>

namespace amanuensis::pipeline {

std::u32string normalize_numbers(std::u32string_view text);

}  // namespace amanuensis::pipeline
