#include "pipeline/segment/speech_transcript.h"

#include <utility>

#include "audio/log_mel.h"
#include "model/whisper/constants.h"
#include "pipeline/segment/segmenter.h"

namespace amanuensis::pipeline {

Segment original_segment(const AudioWindow& window, Segment segment) {
  segment.seek = original_sample(window, segment.seek * audio::kHopSamples) / audio::kHopSamples;
  TimeRange range = original_segment(window, TimeRange{segment.start_s, segment.end_s});
  for (Word& word : segment.words) {
    const TimeRange said = original_word(window, {word.start_s, word.end_s});
    word.start_s = said.start_s;
    word.end_s = said.end_s;
  }
  if (!segment.words.empty()) range = {segment.words.front().start_s, segment.words.back().end_s};
  segment.start_s = range.start_s;
  segment.end_s = range.end_s;
  return segment;
}

Transcript transcribe_speech(const Transcriber& transcriber, std::span<const float> samples,
                             const std::vector<SpeechSpan>& spans, const TranscribeOptions& options,
                             const TranscribeEvents& events, std::stop_token stop) {
  const AudioWindow speech{spans};
  const double duration_s = static_cast<double>(samples.size()) / static_cast<double>(model::kSampleRateHz);
  TranscribeEvents restored = events;
  if (events.on_segment) {
    restored.on_segment = [&](const Segment& segment) { events.on_segment(original_segment(speech, segment)); };
  }
  if (events.on_progress) {
    restored.on_progress = [&](const Progress& progress) {
      const bool is_over = progress.audio_done_s >= progress.audio_total_s;
      events.on_progress({is_over ? duration_s : original_time_s(speech, progress.audio_done_s), duration_s});
    };
  }
  Transcript transcript = transcriber.transcribe(window_audio(speech, samples), options, restored, std::move(stop));
  for (Segment& segment : transcript.segments) segment = original_segment(speech, std::move(segment));
  transcript.duration_s = duration_s;
  return transcript;
}

}  // namespace amanuensis::pipeline
