// How sizes, times and progress read in the status line. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace amanuensis::cli {

// "1:05", "1:02:03"; a negative or unknown time is "-:--".
std::string clock_text(double seconds);

// "931 B", "12.3 kB", "145 MB", "1.62 GB" (powers of ten).
std::string size_text(std::uint64_t bytes);

struct BarText {
  std::string_view label;  // "meeting.mp4"
  double fraction = 0;     // done, 0 to 1
  std::string_view facts;  // "1:20 / 29:40  21.3x realtime  1:18 left"
};

// A label, a bar, a percentage and the facts, within `columns`: the bar shrinks first, then the label.
std::string bar_text(const BarText& bar, std::size_t columns);

}  // namespace amanuensis::cli
