// One recording through the engine, with what a person sees meanwhile: the progress bar. Used by `transcribe` and
// `demo`. Belongs to one thread.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "cli/context.h"
#include "cli/engine.h"
#include "cli/vad_options.h"
#include "pipeline/diarize/diarizer.h"
#include "pipeline/transcriber.h"
#include "pipeline/transcript.h"

namespace amanuensis::cli {

struct Transcription {
  pipeline::Transcript transcript;
  double audio_s = 0;
  double elapsed_s = 0;  // reading and transcribing, as measured
  double speech_s = 0;   // found by voice activity, when it was asked for
  std::string warning;   // what was wrong with the file; empty when nothing was

  double realtime_factor() const { return elapsed_s > 0 ? audio_s / elapsed_s : 0; }
};

struct TranscriptionOptions {
  std::string file;  // "-" is standard input
  const pipeline::TranscribeOptions& transcribe;
  bool show_progress = true;
  const VadRequest* vad = nullptr;  // with `voice`: its speech alone is transcribed
  const VoiceActivity* voice = nullptr;
  // Who finds out who speaks, and how; null: nobody.
  const pipeline::Diarizer* diarizer = nullptr;
  pipeline::DiarizeOptions diarize = {};
  std::function<void(const pipeline::Segment&)> on_segment = {};
  std::function<void(const std::string& language, double probability)> on_language = {};
};

// Throws as AudioReader and Transcriber do; a message about standard input calls it that.
Transcription transcribe_file(Context& context, const Engine& engine, const TranscriptionOptions& options);

// The status line of a running transcription, `columns` wide.
std::string transcription_progress(const std::string& file, const pipeline::Progress& progress, double elapsed_s,
                                   std::size_t columns);

// "[00:01.000 --> 00:04.500]  text" and a line's end; nothing for a segment without text.
std::string timed_line(const pipeline::Segment& segment);

}  // namespace amanuensis::cli
