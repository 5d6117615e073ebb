#include "pipeline/writers/formats.h"
#include "pipeline/writers/python_text.h"
#include "pipeline/writers/subtitles.h"

namespace amanuensis::pipeline {

void write_txt(const Transcript& transcript, const WriterOptions& /*options*/, std::ostream& out) {
  for (const Segment& segment : transcript.segments) {
    out << speaker_prefix(segment.speaker) << python_strip(segment.text) << '\n';
  }
}

}  // namespace amanuensis::pipeline
