// A transcript of speech alone, as faster-whisper's vad_filter makes it (1.2.1, transcribe.py): the spans are put one
// behind the other, transcribed as one recording, and the times led back to the original. Pure functions; any thread.
#pragma once

#include <span>
#include <stop_token>
#include <vector>

#include "pipeline/segment/audio_window.h"
#include "pipeline/transcriber.h"

namespace amanuensis::pipeline {

// A segment whose times are those of the window, with times (and seek) of the original audio. With words it lasts from
// its first word to its last, each of them in the piece its middle was said in; without, from where its start to where
// its end lies.
Segment original_segment(const AudioWindow& window, Segment segment);

// Transcribes the spans of `samples` alone. Segments, words, progress and duration are those of the original audio. No
// span at all gives a transcript without segments. Throws as Transcriber::transcribe does.
Transcript transcribe_speech(const Transcriber& transcriber, std::span<const float> samples,
                             const std::vector<SpeechSpan>& spans, const TranscribeOptions& options,
                             const TranscribeEvents& events, std::stop_token stop);

}  // namespace amanuensis::pipeline
