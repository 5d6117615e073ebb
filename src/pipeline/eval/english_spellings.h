// British spellings and their American forms: the list that Whisper's English normalizer uses (THIRD_PARTY.md). Pure
// function; may be called from any thread.
#pragma once

#include <string_view>

namespace amanuensis::pipeline {

// "colour" -> "color"; a word that is not in the list is returned as it is (and must then outlive the result).
std::string_view american_spelling(std::string_view word);

}  // namespace amanuensis::pipeline
