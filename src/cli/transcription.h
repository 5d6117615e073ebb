// One recording through the engine, with what a person sees meanwhile: the progress bar. Used by `transcribe` and
// `demo`. Belongs to one thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/context.h"
#include "cli/engine.h"
#include "pipeline/transcriber.h"
#include "pipeline/transcript.h"

namespace amanuensis::cli {

struct Transcription {
  pipeline::Transcript transcript;
  double audio_s = 0;
  double elapsed_s = 0;  // reading and transcribing, as measured
  std::string warning;   // what was wrong with the file; empty when nothing was

  double realtime_factor() const { return elapsed_s > 0 ? audio_s / elapsed_s : 0; }
};

struct TranscriptionOptions {
  std::string file;  // "-" is standard input
  const pipeline::TranscribeOptions& transcribe;
  bool show_progress = true;
  std::function<void(const pipeline::Segment&)> on_segment = {};
  std::function<void(const std::string& language, double probability)> on_language = {};
};

// Throws as AudioReader and Transcriber do; a message about standard input calls it that.
Transcription transcribe_file(Context& context, const Engine& engine, const TranscriptionOptions& options);

// "[00:01.000 --> 00:04.500]  text" and a line's end; nothing for a segment without text.
std::string timed_line(const pipeline::Segment& segment);

}  // namespace amanuensis::cli
