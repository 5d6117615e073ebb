#include "cli/live.h"

#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <sstream>
#include <string>
#include <string_view>

#include "base/error.h"
#include "cli/exit_code.h"
#include "cli/live_input.h"
#include "cli/progress_text.h"
#include "cli/transcription.h"
#include "cli/vad_options.h"
#include "model/tokenizer/utf8.h"
#include "pipeline/live/live_transcriber.h"
#include "pipeline/transcriber.h"
#include "pipeline/writers/output_file.h"

namespace amanuensis::cli {
namespace {

std::string written(const pipeline::WriterFormat& format, const pipeline::Transcript& transcript,
                    const pipeline::WriterOptions& options) {
  std::ostringstream text;
  format.write(transcript, options, text);
  return text.str();
}

// The end of a line that is too long: what is being said is there.
std::string_view last_characters(std::string_view text, std::size_t count) {
  for (std::size_t length = model::count_utf8(text); length > count; --length) {
    text.remove_prefix(model::read_utf8(text).size_bytes);
  }
  return text;
}

std::string partial_line(const pipeline::LivePartial& partial, std::size_t columns) {
  const std::string clock = clock_text(partial.end_s);
  const std::size_t room = columns > clock.size() + 6 ? columns - clock.size() - 6 : 1;
  const std::string_view text = partial.text;
  return fmt::format("{}  ...{}", clock, last_characters(text, room));
}

// What goes to standard output while people speak: lines of text in a pipe, lines with times on a terminal.
class LiveOutput {
 public:
  LiveOutput(Terminal& terminal, const TranscribeRequest& request) : terminal_(terminal), request_(request) {
    const bool to_files = !request.output_dir.empty();
    const bool chosen_format = request.format_given && !to_files;
    timed_ = terminal.out_is_terminal() && !chosen_format && !(to_files && request.quiet);
    text_ = !timed_ && !to_files && request.formats.front()->name == "txt";
  }

  void partial(const pipeline::LivePartial& partial) {
    if (request_.quiet) return;
    terminal_.status([&partial](std::size_t columns) { return partial_line(partial, columns); });
  }

  void committed(const pipeline::LiveWindow& window) {
    terminal_.clear_status();
    for (const pipeline::Segment& segment : window.segments) {
      if (timed_) terminal_.out(timed_line(segment));
      if (!text_) continue;
      pipeline::Transcript piece;
      piece.segments = {segment};
      terminal_.out(written(*request_.formats.front(), piece, request_.writer));
    }
  }

  // The formats that need the whole.
  void finish(const pipeline::Transcript& transcript) {
    terminal_.clear_status();
    for (const pipeline::WriterFormat* format : request_.formats) {
      if (!request_.output_dir.empty()) {
        const pipeline::OutputPlace place{request_.output_dir, pipeline::output_stem("-")};
        pipeline::write_output_file(transcript, *format, request_.writer, place);
      } else if (!timed_ && !text_) {
        std::string text = written(*format, transcript, request_.writer);
        if (!text.ends_with('\n')) text += '\n';
        terminal_.out(text);
      }
    }
  }

 private:
  Terminal& terminal_;
  const TranscribeRequest& request_;
  bool timed_ = false;
  bool text_ = false;
};

}  // namespace

int run_live(Context& context, const Engine& engine, const TranscribeRequest& request) {
  if (isatty(STDIN_FILENO) == 1) {
    throw Error(ErrorCode::kInvalidArgument,
                "--live: standard input is a terminal; pipe 16-bit mono samples at 16 kHz into it, as from "
                "`ffmpeg -i INPUT -f s16le -ac 1 -ar 16000 -`");
  }
  const pipeline::Transcriber transcriber(engine.model(), engine.tokenizer(), engine.generation(), engine.front_end());
  const auto transcribe = [&](std::span<const float> samples, const pipeline::TranscribeOptions& options) {
    return transcriber.transcribe(samples, options, {}, context.stop);
  };
  LiveOutput output(context.terminal, request);
  // Silence is not worth a pass, and what is made up in it is not worth reading.
  const bool hears_silence = request.vad.method == VadMethod::kNone;
  const auto voice = hears_silence ? nullptr : std::make_unique<VoiceActivity>(context, request.vad);
  pipeline::LiveTranscriber live(
      transcribe, {.transcribe = request.options, .speech_threshold = request.vad.speech.threshold},
      {.on_partial = [&output](const pipeline::LivePartial& partial) { output.partial(partial); },
       .on_committed = [&output](const pipeline::LiveWindow& window) { output.committed(window); }},
      voice ? voice->factory()() : nullptr);
  LiveInput input(STDIN_FILENO, request.live_format, context.stop);
  while (const auto samples = input.take()) live.push(*samples);
  if (context.stop.stop_requested()) throw Error(ErrorCode::kCancelled, "interrupted");
  live.finish();
  output.finish(live.transcript());
  return kExitOk;
}

}  // namespace amanuensis::cli
