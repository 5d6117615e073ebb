// What the benchmark commands have in common on the command line. Pure functions; each throws Error{kInvalidArgument}
// that names the option, the value and what would be right.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/option_values.h"
#include "device/backend.h"
#include "model/checkpoint/published_sizes.h"

namespace amanuensis::cli {

// "a,b,c", each one of `choices` and each once; "all" is every one of them.
std::vector<std::string> read_choices(const OptionText& option, std::span<const std::string_view> choices);

// "1500,1,4": whole numbers, each once, in the order given.
std::vector<std::size_t> read_counts(const OptionText& option, std::uint64_t lowest, std::uint64_t highest);

// "1,2,0": numbers of threads, each once, ascending; 0 is one per CPU this process may run on.
std::vector<std::size_t> read_thread_counts(const OptionText& option);

// A published size by name; "turbo" and "large" are those OpenAI means by it. The message lists them all.
model::PublishedSize read_published_size(const OptionText& option);
std::vector<model::PublishedSize> read_published_sizes(const OptionText& option);

// "float32,bfloat16,int8".
std::vector<device::ComputeType> read_compute_types(const OptionText& option);

// Throws Error{kIo} before any work is done when a file cannot be made at `path`; an empty path is fine.
void require_writable(const OptionText& option);

}  // namespace amanuensis::cli
