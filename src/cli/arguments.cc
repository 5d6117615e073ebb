#include "cli/arguments.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace amanuensis::cli {
namespace {

constexpr std::array<std::string_view, 11> kSwitches{"--condition-on-previous-text",
                                                     "--carry-initial-prompt",
                                                     "--sequential",
                                                     "--multilingual",
                                                     "--word-timestamps",
                                                     "--highlight-words",
                                                     "--vad-filter",
                                                     "--diarize",
                                                     "--diarize-channels",
                                                     "--verbose",
                                                     "--quiet"};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

}  // namespace

bool is_switch(std::string_view option) {
  return std::find(kSwitches.begin(), kSwitches.end(), option) != kSwitches.end();
}

std::vector<std::string> normalize_arguments(const std::vector<std::string>& arguments) {
  std::vector<std::string> result;
  bool options_ended = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string argument = arguments[i];
    options_ended = options_ended || argument == "--";
    if (!options_ended && argument.size() > 2 && argument.starts_with("--")) {
      const std::size_t name_end = std::min(argument.find('='), argument.size());
      std::replace(argument.begin(), argument.begin() + static_cast<std::ptrdiff_t>(name_end), '_', '-');
      const std::string name = argument.substr(0, name_end);
      if (is_switch(name)) {
        if (name_end == argument.size() && i + 1 < arguments.size()) {
          const std::string value = lower(arguments[i + 1]);
          if (value == "true" || value == "false") argument += "=" + arguments[++i];
        }
        argument = lower(argument);
      }
    }
    result.push_back(std::move(argument));
  }
  return result;
}

}  // namespace amanuensis::cli
