// Reads the values of options as people type them, with messages that name the option, the value and what would be
// right. Every function throws Error{kInvalidArgument}; all are pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "decoding/options.h"

namespace amanuensis::cli {

// An option as it was given: its name and its text.
struct OptionText {
  std::string_view name;  // "--beam-size"
  const std::string& text;
};

// A finite number within [lowest, highest].
double read_number(const OptionText& option, double lowest, double highest);
// "None" (in any case) is nothing.
std::optional<double> read_optional_number(const OptionText& option, double lowest, double highest);
std::uint64_t read_count(const OptionText& option, std::uint64_t lowest, std::uint64_t highest);
std::optional<std::size_t> read_optional_count(const OptionText& option, std::uint64_t lowest, std::uint64_t highest);

// "50,100,-1"; an empty text is an empty list.
std::vector<decoding::TokenId> read_token_list(const OptionText& option);

// "start,end,start,end,...": ascending, the last end may be missing; an empty text means everything.
std::vector<double> read_clips(const OptionText& option);

// The code of a language given as code or English name; nothing for "auto" (or "None").
std::optional<std::string> read_language(const OptionText& option);

// One of `choices`. The message suggests the nearest.
std::string read_choice(const OptionText& option, std::span<const std::string_view> choices);

// A comma list of output formats, each once, in the order given; "all" is every one.
std::vector<std::string> read_formats(const OptionText& option);

// The temperatures tried in turn: `first`, then each `increment` more up to 1 (openai/whisper, transcribe.py: cli).
std::vector<double> temperature_ladder(double first, std::optional<double> increment);

}  // namespace amanuensis::cli
