// The formats' write functions, one a file; writers.cc lists them. They write `transcript` to `out` as UTF-8 and leave
// the state of the stream to the caller.
#pragma once

#include <ostream>

#include "pipeline/transcript.h"
#include "pipeline/writers/writers.h"

namespace amanuensis::pipeline {

// The text of each segment, a line each.
void write_txt(const Transcript& transcript, const WriterOptions& options, std::ostream& out);
// WebVTT (W3C).
void write_vtt(const Transcript& transcript, const WriterOptions& options, std::ostream& out);
// SubRip.
void write_srt(const Transcript& transcript, const WriterOptions& options, std::ostream& out);
// start, end (milliseconds) and text of each segment, separated by tabs, under a header line.
void write_tsv(const Transcript& transcript, const WriterOptions& options, std::ostream& out);
// openai/whisper's result as JSON; "language_probabilities" (likeliest first) is added at the end when there are any.
void write_json(const Transcript& transcript, const WriterOptions& options, std::ostream& out);

}  // namespace amanuensis::pipeline
