// Who spoke when, as files: RTTM (NIST, "The 2009 Rich Transcription Meeting Recognition Evaluation Plan", appendix A),
// one line for each turn, and UEM, one line for each stretch that is to be scored. Plain values and pure functions; may
// be called from any thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace amanuensis::pipeline {

// Somebody speaks. Turns may overlap, also those of one speaker, and may have no length.
struct RttmTurn {
  std::string speaker;
  double start_s = 0;
  double duration_s = 0;

  bool operator==(const RttmTurn&) const = default;
};

struct RttmRecording {
  std::string name;
  std::vector<RttmTurn> turns;  // in the order of the file

  bool operator==(const RttmRecording&) const = default;
};

struct UemSpan {
  std::string recording;
  double start_s = 0;
  double end_s = 0;
};

// The SPEAKER lines of `text` by recording, in the order in which recordings first appear; other types of RTTM lines,
// comments (";;") and empty lines say nothing here. `file` is its name, for messages. Throws Error{kBadData} naming
// file, line and field.
std::vector<RttmRecording> parse_rttm(std::string_view text, std::string_view file);
std::vector<UemSpan> parse_uem(std::string_view text, std::string_view file);

// The same of a file. Also throws Error{kNotFound | kIo}.
std::vector<RttmRecording> read_rttm(const std::filesystem::path& path);
std::vector<UemSpan> read_uem(const std::filesystem::path& path);

// One line for each turn, times in seconds with three decimals. Spaces, which the format has no place for, become "_"
// in names, and an empty name becomes "unknown".
std::string format_rttm(const RttmRecording& recording);

}  // namespace amanuensis::pipeline
