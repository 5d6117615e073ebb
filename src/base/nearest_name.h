// Which known names a mistyped one most resembles, for messages that end in "did you mean ...?". Pure functions.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace amanuensis {

// Edits (insert, delete, replace, swap of neighbours) that turn one text into the other, ignoring ASCII case
// (restricted Damerau-Levenshtein distance).
std::size_t edit_distance(std::string_view a, std::string_view b);

// At most `limit` of the candidates, nearest first; none when all are further away than a typing mistake is.
std::vector<std::string> nearest_names(std::string_view name, std::span<const std::string_view> candidates,
                                       std::size_t limit);

// "; did you mean 'base' or 'base.en'?", or an empty string.
std::string did_you_mean(std::string_view name, std::span<const std::string_view> candidates);

}  // namespace amanuensis
