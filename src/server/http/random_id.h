// Names that cannot be guessed. From the system's generator; any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace amanuensis::server {

// Throws Error{kInternal} when the system has no randomness to give.
void fill_random(std::span<unsigned char> bytes);

// `prefix` and 24 hexadecimal digits.
std::string random_id(std::string_view prefix);

std::string to_hex(std::span<const unsigned char> bytes);

}  // namespace amanuensis::server
