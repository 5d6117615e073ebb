#include "pipeline/eval/rttm.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <unordered_map>

#include "base/error.h"
#include "base/nearest_name.h"
#include "model/tokenizer/utf8.h"
#include "pipeline/eval/text_file.h"

namespace amanuensis::pipeline {
namespace {

constexpr std::string_view kMissing = "<NA>";
constexpr std::string_view kSpeaker = "SPEAKER";
// What else a line may be; none of it is about turns.
constexpr std::array<std::string_view, 14> kTypes{kSpeaker,  "SEGMENT",    "NOSCORE", "NO_RT_METADATA", "LEXEME",
                                                  "NON-LEX", "NON-SPEECH", "FILLER",  "EDIT",           "SU",
                                                  "IP",      "CB",         "A/P",     "SPKR-INFO"};
constexpr std::size_t kLeastFields = 8;  // up to the speaker
constexpr std::size_t kMostFields = 10;
constexpr std::size_t kUemFields = 4;
// Longer than anybody records, and short enough that times keep a microsecond.
constexpr double kMostSeconds = 1e9;

// One line, for messages.
struct Line {
  std::string_view file;
  std::size_t number = 0;
  std::vector<std::string_view> fields = {};

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::kBadData, fmt::format("{}: line {}: {}", file, number, what));
  }
  // Fields are counted from 1, as the format's description does.
  [[noreturn]] void fail(std::size_t field, std::string_view name, const std::string& what) const {
    fail(fmt::format("field {} ({}) {}", field, name, what));
  }
};

std::string quoted(std::string_view text) {
  constexpr std::size_t kMostShown = 40;
  std::string shown = model::replace_malformed_utf8(text.substr(0, kMostShown));
  std::ranges::replace_if(
      shown, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, '?');
  return fmt::format("'{}{}'", shown, text.size() > kMostShown ? "..." : "");
}

// Calls `action` for each line that says something.
template <typename Action>
void for_each_line(std::string_view text, std::string_view file, const Action& action) {
  constexpr std::string_view kBlanks = " \t\r\v\f";
  Line line{.file = file};
  while (!text.empty()) {
    ++line.number;
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view rest = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    line.fields.clear();
    while (true) {
      rest.remove_prefix(std::min(rest.find_first_not_of(kBlanks), rest.size()));
      if (rest.empty() || (line.fields.empty() && rest.starts_with(";;"))) break;
      const std::size_t length = std::min(rest.find_first_of(kBlanks), rest.size());
      line.fields.push_back(rest.substr(0, length));
      rest.remove_prefix(length);
    }
    if (!line.fields.empty()) action(line);
  }
}

double seconds(const Line& line, std::size_t field, std::string_view name) {
  const std::string_view text = line.fields[field - 1];
  double value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_number = problem == std::errc() && end == text.data() + text.size() && std::isfinite(value);
  if (!is_number) line.fail(field, name, fmt::format("is {}, expected a number of seconds", quoted(text)));
  if (value < 0) line.fail(field, name, fmt::format("is {}, which is below zero", quoted(text)));
  if (value > kMostSeconds) line.fail(field, name, fmt::format("is {}, longer than 30 years", quoted(text)));
  return value;
}

void check_type(const Line& line) {
  const std::string_view type = line.fields.front();
  if (std::ranges::find(kTypes, type) != kTypes.end()) return;
  line.fail(1, "type",
            fmt::format("is {}, which is no type of RTTM line{}", quoted(type),
                        did_you_mean(type, std::span<const std::string_view>(kTypes))));
}

RttmTurn read_turn(const Line& line) {
  const std::size_t count = line.fields.size();
  if (count < kLeastFields || count > kMostFields) {
    line.fail(
        fmt::format("has {} fields, expected {} to {} (SPEAKER recording channel start duration <NA> <NA> speaker "
                    "<NA> <NA>); a name may not hold spaces",
                    count, kLeastFields, kMostFields));
  }
  if (line.fields[1] == kMissing) line.fail(2, "recording", "is <NA>: every turn belongs to a recording");
  if (line.fields[7] == kMissing) line.fail(8, "speaker", "is <NA>: every turn needs a speaker");
  return {std::string(line.fields[7]), seconds(line, 4, "start"), seconds(line, 5, "duration")};
}

std::string without_spaces(std::string_view name) {
  if (name.empty()) return "unknown";
  std::string result(name);
  std::ranges::replace_if(
      result, [](char c) { return static_cast<unsigned char>(c) <= 0x20; }, '_');
  return result;
}

}  // namespace

std::vector<RttmRecording> parse_rttm(std::string_view text, std::string_view file) {
  std::vector<RttmRecording> recordings;
  std::unordered_map<std::string_view, std::size_t> index;
  for_each_line(text, file, [&](const Line& line) {
    check_type(line);
    if (line.fields.front() != kSpeaker) return;
    RttmTurn turn = read_turn(line);
    const auto [found, is_new] = index.emplace(line.fields[1], recordings.size());
    if (is_new) recordings.push_back({std::string(line.fields[1]), {}});
    recordings[found->second].turns.push_back(std::move(turn));
  });
  return recordings;
}

std::vector<UemSpan> parse_uem(std::string_view text, std::string_view file) {
  std::vector<UemSpan> spans;
  for_each_line(text, file, [&](const Line& line) {
    if (line.fields.size() != kUemFields) {
      line.fail(
          fmt::format("has {} fields, expected {} (recording channel start end)", line.fields.size(), kUemFields));
    }
    UemSpan span{std::string(line.fields[0]), seconds(line, 3, "start"), seconds(line, 4, "end")};
    if (span.end_s < span.start_s) line.fail(4, "end", "lies before the start");
    spans.push_back(std::move(span));
  });
  return spans;
}

std::vector<RttmRecording> read_rttm(const std::filesystem::path& path) {
  return parse_rttm(read_text_file(path), path.string());
}

std::vector<UemSpan> read_uem(const std::filesystem::path& path) {
  return parse_uem(read_text_file(path), path.string());
}

std::string format_rttm(const RttmRecording& recording) {
  std::string text;
  const std::string name = without_spaces(recording.name);
  for (const RttmTurn& turn : recording.turns) {
    text += fmt::format("SPEAKER {} 1 {:.3f} {:.3f} <NA> <NA> {} <NA> <NA>\n", name, turn.start_s, turn.duration_s,
                        without_spaces(turn.speaker));
  }
  return text;
}

}  // namespace amanuensis::pipeline
