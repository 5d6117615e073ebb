// Transcripts in a form that loses nothing a reader could want: how they are stored, and what jobs give as "json". Pure
// functions; any thread.
#pragma once

#include <string>
#include <string_view>

#include "pipeline/transcript.h"

namespace amanuensis::pipeline {

// "he said" for " he said ".
std::string_view trimmed_text(std::string_view text);

// {"text", "language", "duration", "segments": [...]}: everything a transcript holds.
std::string full_json(const Transcript& transcript);
// What full_json() wrote. Throws Error{kBadData}.
Transcript parse_full_json(std::string_view json);
// One segment as full_json() writes it, and back. Throws Error{kBadData}.
std::string segment_json(const Segment& segment);
Segment parse_segment_json(std::string_view json);

}  // namespace amanuensis::pipeline
