// The cues of a transcript, which vtt and srt write in their own notation. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/transcript.h"
#include "pipeline/writers/writers.h"

namespace amanuensis::pipeline {

struct Cue {
  std::int64_t start_ms = 0;
  std::int64_t end_ms = 0;
  std::string text;  // lines separated by '\n'
};

// As openai/whisper's SubtitlesWriter (utils.py): one cue a segment; with word times, cues and lines broken between
// words by the options. Where words are missing, OpenAI ignores max_line_width and max_line_count; here they then wrap
// each segment's text, and what exceeds max_line_count becomes further cues, which share the segment's time by
// characters.
// Where speakers were told apart, a cue holds the words of one and begins with speaker_prefix().
std::vector<Cue> make_cues(const Transcript& transcript, const WriterOptions& options);

// "[SPEAKER_00]: " before what a known speaker says, as whisperX writes it; empty without a speaker.
std::string speaker_prefix(const std::string& speaker);

// Seconds as whole milliseconds, halves to even as Python's round(); negative times count as 0.
std::int64_t to_milliseconds(double seconds);

// "01:02:03.004"; without the hours when they are 0, unless always_hours.
std::string format_timestamp(std::int64_t milliseconds, bool always_hours, char decimal_mark);

}  // namespace amanuensis::pipeline
