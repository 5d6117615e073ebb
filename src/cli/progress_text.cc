#include "cli/progress_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace amanuensis::cli {

std::string clock_text(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0 || seconds > 1e8) return "-:--";
  const auto whole = static_cast<long>(std::lround(seconds));
  const long hours = whole / 3600;
  const long minutes = whole / 60 % 60;
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes, whole % 60);
  return fmt::format("{}:{:02}", minutes, whole % 60);
}

std::string size_text(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 4> kUnits{"kB", "MB", "GB", "TB"};
  if (bytes < 1000) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes) / 1000.0;
  std::size_t unit = 0;
  // 999.5 would be rounded to a fourth digit.
  while (value >= 999.5 && unit + 1 < kUnits.size()) {
    value /= 1000.0;
    ++unit;
  }
  return fmt::format("{:.3g} {}", value, kUnits[unit]);
}

std::string bar_text(const BarText& bar, std::size_t columns) {
  constexpr std::size_t kWidest = 30;
  constexpr std::size_t kNarrowest = 5;
  constexpr std::size_t kAround = 11;  // "  [" "] 100%  "
  const double fraction = std::clamp(std::isfinite(bar.fraction) ? bar.fraction : 0.0, 0.0, 1.0);
  std::string label(bar.label);
  const std::size_t fixed = kAround + bar.facts.size();
  const auto room_for_bar = [&] { return columns > fixed + label.size() ? columns - fixed - label.size() : 0; };
  if (room_for_bar() < kNarrowest) {
    const std::size_t room = columns > fixed + kNarrowest ? columns - fixed - kNarrowest : 0;
    if (room >= 4 && label.size() > room) label = label.substr(0, room - 3) + "...";
    if (room < 4) label.clear();
  }
  const std::size_t width = std::min(kWidest, room_for_bar());
  const std::string percent = fmt::format("{:3.0f}%", std::floor(fraction * 100));
  if (width < kNarrowest) return fmt::format("{}  {}", percent, bar.facts);
  const auto filled = static_cast<std::size_t>(std::lround(fraction * static_cast<double>(width)));
  const std::string drawn = std::string(filled, '#') + std::string(width - filled, '.');
  return fmt::format("{}{}[{}] {}  {}", label, label.empty() ? "" : "  ", drawn, percent, bar.facts);
}

}  // namespace amanuensis::cli
