#include "cli/option_values.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/nearest_name.h"
#include "model/tokenizer/languages.h"
#include "pipeline/writers/writers.h"

namespace amanuensis::cli {
namespace {

[[noreturn]] void refuse(const OptionText& option, const std::string& why) {
  throw Error(ErrorCode::kInvalidArgument, fmt::format("{} '{}': {}", option.name, option.text, why));
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) { return std::tolower(c); });
  return result;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  return text;
}

template <typename T>
std::optional<T> whole_number(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  T value{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> items;
  if (trimmed(text).empty()) return items;
  std::size_t start = 0;
  while (start <= text.size()) {
    const std::size_t end = std::min(text.find(',', start), text.size());
    items.push_back(trimmed(text.substr(start, end - start)));
    start = end + 1;
  }
  return items;
}

bool is_none(const std::string& text) { return lower(trimmed(text)) == "none"; }

std::string range_text(double lowest, double highest) {
  const bool bounded_below = lowest > std::numeric_limits<double>::lowest();
  const bool bounded_above = highest < std::numeric_limits<double>::max();
  if (bounded_below && bounded_above) return fmt::format("must be between {:g} and {:g}", lowest, highest);
  if (bounded_below) return fmt::format("must be at least {:g}", lowest);
  return fmt::format("must be at most {:g}", highest);
}

}  // namespace

double read_number(const OptionText& option, double lowest, double highest) {
  const auto value = whole_number<double>(option.text);
  if (!value || !std::isfinite(*value)) refuse(option, "not a number");
  if (*value < lowest || *value > highest) refuse(option, range_text(lowest, highest));
  return *value;
}

std::optional<double> read_optional_number(const OptionText& option, double lowest, double highest) {
  if (is_none(option.text)) return std::nullopt;
  return read_number(option, lowest, highest);
}

std::uint64_t read_count(const OptionText& option, std::uint64_t lowest, std::uint64_t highest) {
  const auto value = whole_number<std::int64_t>(option.text);
  if (!value) refuse(option, "not a whole number");
  if (*value < 0 || static_cast<std::uint64_t>(*value) < lowest)
    refuse(option, fmt::format("must be at least {}", lowest));
  if (static_cast<std::uint64_t>(*value) > highest) refuse(option, fmt::format("must be at most {}", highest));
  return static_cast<std::uint64_t>(*value);
}

std::optional<std::size_t> read_optional_count(const OptionText& option, std::uint64_t lowest, std::uint64_t highest) {
  if (is_none(option.text)) return std::nullopt;
  return read_count(option, lowest, highest);
}

std::vector<decoding::TokenId> read_token_list(const OptionText& option) {
  std::vector<decoding::TokenId> tokens;
  for (const std::string_view item : split(option.text)) {
    const auto token = whole_number<decoding::TokenId>(item);
    if (!token || *token < -1) {
      refuse(option, "must be token ids separated by commas, e.g. 50,1131 (-1: the model's own list)");
    }
    tokens.push_back(*token);
  }
  return tokens;
}

std::vector<double> read_clips(const OptionText& option) {
  std::vector<double> times;
  for (const std::string_view item : split(option.text)) {
    const auto time = whole_number<double>(item);
    if (!time || !std::isfinite(*time) || *time < 0) {
      refuse(option, "must be seconds separated by commas: start,end,start,end,... (the last end may be missing)");
    }
    if (!times.empty() && *time < times.back()) refuse(option, fmt::format("{} comes before {:g}", item, times.back()));
    if (times.size() % 2 == 1 && *time == times.back()) refuse(option, fmt::format("the clip at {} is empty", item));
    times.push_back(*time);
  }
  if (times.empty()) times.push_back(0.0);
  return times;
}

std::optional<std::string> read_language(const OptionText& option) {
  const std::string wanted = lower(trimmed(option.text));
  if (wanted == "auto" || wanted == "none") return std::nullopt;
  if (const auto language = model::find_language(wanted)) return std::string(language->code);
  std::vector<std::string_view> names;
  for (const model::Language& language : model::whisper_languages()) names.push_back(language.name);
  // A two-letter mistake is one letter away from a dozen codes: no guess is better than that.
  const std::string hint = wanted.size() > 3 ? did_you_mean(wanted, names) : std::string();
  refuse(option, "not a language Whisper knows" +
                     (hint.empty() ? "; give a code (en) or an English name (english), or auto" : hint));
}

std::string read_choice(const OptionText& option, std::span<const std::string_view> choices) {
  std::string wanted = lower(trimmed(option.text));
  if (std::find(choices.begin(), choices.end(), wanted) != choices.end()) return wanted;
  refuse(option, fmt::format("must be one of {}{}", fmt::join(choices, ", "), did_you_mean(wanted, choices)));
}

std::vector<std::string> read_formats(const OptionText& option) {
  std::vector<std::string_view> names;
  for (const pipeline::WriterFormat& format : pipeline::writer_formats()) names.push_back(format.name);
  std::vector<std::string> formats;
  const auto add = [&](std::string_view name) {
    if (std::find(formats.begin(), formats.end(), name) == formats.end()) formats.emplace_back(name);
  };
  for (const std::string_view item : split(option.text)) {
    const std::string name = lower(item);
    if (name == "all") {
      for (const std::string_view each : names) add(each);
    } else if (std::find(names.begin(), names.end(), name) != names.end()) {
      add(name);
    } else {
      refuse(option, fmt::format("no format '{}'; there are {}, all{}", item, fmt::join(names, ", "),
                                 did_you_mean(name, names)));
    }
  }
  if (formats.empty()) refuse(option, fmt::format("name at least one of {}, all", fmt::join(names, ", ")));
  return formats;
}

std::vector<double> temperature_ladder(double first, std::optional<double> increment) {
  std::vector<double> temperatures{first};
  if (!increment || *increment <= 0) return temperatures;
  constexpr double kTolerance = 1e-6;
  for (int i = 1; first + i * *increment < 1.0 + kTolerance; ++i) temperatures.push_back(first + i * *increment);
  return temperatures;
}

}  // namespace amanuensis::cli
