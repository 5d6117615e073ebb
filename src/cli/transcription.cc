#include "cli/transcription.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <utility>

#include "audio/decode.h"
#include "base/error.h"
#include "cli/progress_text.h"
#include "pipeline/diarize/speaker_words.h"
#include "pipeline/segment/segmenter.h"
#include "pipeline/segment/speech_transcript.h"
#include "pipeline/writers/subtitles.h"

namespace amanuensis::cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::string label_of(const std::string& file) {
  return file == "-" ? "stdin" : std::filesystem::path(file).filename().string();
}

std::vector<float> read_samples(Context& context, const TranscriptionOptions& options, std::string& warning) {
  if (options.file == "-" && isatty(STDIN_FILENO) == 1) {
    throw Error(ErrorCode::kInvalidArgument, "'-': standard input is a terminal; pipe a media file into it");
  }
  audio::AudioReader reader(options.file, context.stop);
  constexpr std::size_t kPieceSamples = std::size_t{60} * audio::kSampleRateHz;
  const double total_s = reader.info().duration_s.value_or(0);
  std::vector<float> samples;
  for (;;) {
    const std::size_t have = samples.size();
    samples.resize(have + kPieceSamples);
    const std::size_t got = reader.read(std::span(samples).subspan(have));
    samples.resize(have + got);
    if (got == 0) break;
    if (!options.show_progress) continue;
    context.terminal.status([&](std::size_t columns) {
      const double read_s = static_cast<double>(samples.size()) / audio::kSampleRateHz;
      const std::string facts = fmt::format("reading {}", clock_text(read_s));
      return bar_text({label_of(options.file), total_s > 0 ? read_s / total_s : 0, facts}, columns);
    });
  }
  warning = reader.warning();
  return samples;
}

}  // namespace

Transcription transcribe_file(Context& context, const Engine& engine, const TranscriptionOptions& options) {
  const Clock::time_point start = Clock::now();
  Transcription result;
  const std::vector<float> samples = read_samples(context, options, result.warning);
  result.audio_s = static_cast<double>(samples.size()) / audio::kSampleRateHz;

  pipeline::TranscribeEvents events;
  events.on_segment = options.on_segment;
  events.on_language = options.on_language;
  if (options.show_progress) {
    const auto show = [&context, file = options.file, start](const pipeline::Progress& progress) {
      context.terminal.status(
          [&](std::size_t columns) { return transcription_progress(file, progress, seconds_since(start), columns); });
    };
    show({0, result.audio_s});
    events.on_progress = show;
  }
  const pipeline::Transcriber transcriber(engine.model(), engine.tokenizer(), engine.generation(), engine.front_end());
  if (options.voice == nullptr) {
    result.transcript = transcriber.transcribe(samples, options.transcribe, events, context.stop);
  } else {
    const auto detector = options.voice->factory()();
    const std::vector<pipeline::SpeechSpan> spans = pipeline::detect_speech(*detector, samples, options.vad->speech);
    for (const pipeline::SpeechSpan& span : spans) {
      result.speech_s += static_cast<double>(span.size()) / audio::kSampleRateHz;
    }
    result.transcript =
        pipeline::transcribe_speech(transcriber, samples, spans, options.transcribe, events, context.stop);
  }
  if (options.diarizer != nullptr) {
    pipeline::assign_speakers(options.diarizer->diarize(samples, options.diarize, context.stop), result.transcript);
  }
  result.elapsed_s = seconds_since(start);
  context.terminal.clear_status();
  return result;
}

std::string transcription_progress(const std::string& file, const pipeline::Progress& progress, double elapsed_s,
                                   std::size_t columns) {
  const double speed = elapsed_s > 0 ? progress.audio_done_s / elapsed_s : 0;
  const double left_s = speed > 0 ? (progress.audio_total_s - progress.audio_done_s) / speed : -1;
  const std::string facts = fmt::format("{} / {}  {:.1f}x realtime  {} left", clock_text(progress.audio_done_s),
                                        clock_text(progress.audio_total_s), speed, clock_text(left_s));
  const double fraction = progress.audio_total_s > 0 ? progress.audio_done_s / progress.audio_total_s : 0;
  return bar_text({label_of(file), fraction, facts}, columns);
}

std::string timed_line(const pipeline::Segment& segment) {
  const auto time = [](double seconds) {
    return pipeline::format_timestamp(pipeline::to_milliseconds(seconds), false, '.');
  };
  std::string text = segment.text;
  text.erase(0, text.find_first_not_of(' '));
  if (text.empty()) return {};
  return fmt::format("[{} --> {}]  {}{}\n", time(segment.start_s), time(segment.end_s),
                     pipeline::speaker_prefix(segment.speaker), text);
}

}  // namespace amanuensis::cli
