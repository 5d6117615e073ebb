// What `eval` compares: pairs of files, given as such or as pairs of folders. Pure but for reading folders.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace amanuensis::cli {

struct EvalPair {
  std::filesystem::path reference;
  std::filesystem::path hypothesis;
};

// "REF HYP [REF HYP ...]": two files, or two folders, whose files of the given extensions ("" is any) are paired by
// name without extension, by that name. Throws Error{kInvalidArgument} for an odd number or a file paired with a
// folder, Error{kNotFound} naming what is not there or has no counterpart.
std::vector<EvalPair> pair_inputs(const std::vector<std::string>& paths, std::span<const std::string_view> extensions);

// "12.34 %"
std::string percent_text(double rate);

}  // namespace amanuensis::cli
