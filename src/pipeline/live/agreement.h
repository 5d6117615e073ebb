// What two transcripts of growing audio agree on (local agreement: Liu, Spanakis & Niehues 2020, arXiv 2005.11185;
// Machacek, Dabre & Bojar 2023, arXiv 2307.14743). Pure; any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace amanuensis::pipeline {

// Bytes of `text` whose words `other` begins with too, letter by letter; ends with a whole word (or, in scripts without
// spaces, a whole character). A last word that both texts end with counts.
std::size_t agreed_bytes(std::string_view text, std::string_view other);

// Whether `other` begins with the words of `text`, without regard to case and punctuation. True for a text without
// words.
bool begins_with_words(std::string_view other, std::string_view text);

}  // namespace amanuensis::pipeline
