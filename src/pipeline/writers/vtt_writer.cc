#include "pipeline/writers/formats.h"
#include "pipeline/writers/subtitles.h"

namespace amanuensis::pipeline {

void write_vtt(const Transcript& transcript, const WriterOptions& options, std::ostream& out) {
  out << "WEBVTT\n\n";
  for (const Cue& cue : make_cues(transcript, options)) {
    out << format_timestamp(cue.start_ms, false, '.') << " --> " << format_timestamp(cue.end_ms, false, '.') << '\n'
        << cue.text << "\n\n";
  }
}

}  // namespace amanuensis::pipeline
