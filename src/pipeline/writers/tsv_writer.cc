#include <fmt/format.h>

#include "pipeline/writers/formats.h"
#include "pipeline/writers/python_text.h"
#include "pipeline/writers/subtitles.h"

namespace amanuensis::pipeline {

void write_tsv(const Transcript& transcript, const WriterOptions& /*options*/, std::ostream& out) {
  const bool speakers = !transcript.diarization_model.empty();
  out << (speakers ? "start\tend\tspeaker\ttext\n" : "start\tend\ttext\n");
  for (const Segment& segment : transcript.segments) {
    out << fmt::format("{}\t{}\t", to_milliseconds(segment.start_s), to_milliseconds(segment.end_s))
        << (speakers ? replace_all(segment.speaker, "\t", " ") + "\t" : "")
        << replace_all(python_strip(segment.text), "\t", " ") << '\n';
  }
}

}  // namespace amanuensis::pipeline
