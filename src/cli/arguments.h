// The command line as people coming from other tools type it, made into what the parser expects. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace amanuensis::cli {

// Options whose value may follow as True or False, as openai's whisper takes them.
bool is_switch(std::string_view option);

// "--beam_size" -> "--beam-size"; "--condition-on-previous-text False" -> "--condition-on-previous-text=false". What
// follows a lone "--" stays as it is.
std::vector<std::string> normalize_arguments(const std::vector<std::string>& arguments);

}  // namespace amanuensis::cli
