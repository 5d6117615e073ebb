#include <fmt/format.h>

#include <cstddef>

#include "pipeline/writers/formats.h"
#include "pipeline/writers/subtitles.h"

namespace amanuensis::pipeline {

void write_srt(const Transcript& transcript, const WriterOptions& options, std::ostream& out) {
  std::size_t number = 1;
  for (const Cue& cue : make_cues(transcript, options)) {
    out << fmt::to_string(number++) << '\n'
        << format_timestamp(cue.start_ms, true, ',') << " --> " << format_timestamp(cue.end_ms, true, ',') << '\n'
        << cue.text << "\n\n";
  }
}

}  // namespace amanuensis::pipeline
