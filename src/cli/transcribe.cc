#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/error.h"
#include "cli/batched_transcription.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/live.h"
#include "cli/progress_text.h"
#include "cli/transcribe_options.h"
#include "cli/transcription.h"
#include "pipeline/writers/output_file.h"

namespace amanuensis::cli {
namespace {

// What appears on standard output while a file is being transcribed.
enum class Live { kNothing, kTimedLines, kText };

Live choose_live(const TranscribeRequest& request, bool out_is_terminal) {
  if (!request.output_dir.empty()) return out_is_terminal && !request.quiet ? Live::kTimedLines : Live::kNothing;
  if (out_is_terminal && !request.format_given) return Live::kTimedLines;
  // A text file is its segments one after the other: it can be written as they come. Other formats need the whole.
  return request.formats.front()->name == "txt" ? Live::kText : Live::kNothing;
}

std::string written(const pipeline::WriterFormat& format, const pipeline::Transcript& transcript,
                    const pipeline::WriterOptions& options) {
  std::ostringstream text;
  format.write(transcript, options, text);
  return text.str();
}

// Writes what was asked for; returns the paths of files.
std::vector<std::string> deliver(Context& context, const TranscribeRequest& request, const std::string& file,
                                 const pipeline::Transcript& transcript, Live live) {
  std::vector<std::string> paths;
  if (!request.output_dir.empty()) {
    for (const pipeline::WriterFormat* format : request.formats) {
      const pipeline::OutputPlace place{request.output_dir, pipeline::output_stem(file)};
      paths.push_back(pipeline::write_output_file(transcript, *format, request.writer, place).string());
    }
  } else if (live == Live::kNothing) {
    std::string text = written(*request.formats.front(), transcript, request.writer);
    if (!text.ends_with('\n')) text += '\n';  // several JSON results: one a line
    context.terminal.out(text);
  }
  return paths;
}

// What all files of a call share.
struct Tools {
  const Engine& engine;
  const VoiceActivity* voice;  // null: everything is transcribed
  pipeline::Engine* batched;   // null: one file after the other, window after window
};

pipeline::BatchedOptions batched_options(const TranscribeRequest& request) {
  pipeline::BatchedOptions options;
  options.transcribe = request.options;
  options.vad_filter = request.vad.filter;
  const double batched_silence_ms = options.segmenter.speech.min_silence_duration_ms;
  options.segmenter.speech = request.vad.speech;
  if (!request.vad.min_silence_given) options.segmenter.speech.min_silence_duration_ms = batched_silence_ms;
  options.multilingual = request.multilingual;
  return options;
}

// `batched`: the file's transcription if it is under way already.
void transcribe_one(Context& context, const Tools& tools, const TranscribeRequest& request, const std::string& file,
                    BatchedTranscription* batched) {
  Terminal& terminal = context.terminal;
  const Live live = choose_live(request, terminal.out_is_terminal());
  if (live == Live::kTimedLines && request.files.size() > 1) terminal.message(fmt::format("== {}", file));

  TranscriptionOptions options{.file = file, .transcribe = request.options, .show_progress = !request.quiet};
  options.vad = &request.vad;
  options.voice = tools.voice;
  options.on_segment = [&](const pipeline::Segment& segment) {
    if (live == Live::kTimedLines) terminal.out(timed_line(segment));
    if (live == Live::kText) {
      pipeline::Transcript piece;
      piece.segments = {segment};
      terminal.out(written(*request.formats.front(), piece, request.writer));
    }
  };
  if (request.verbose) {
    options.on_language = [&](const std::string& language, double probability) {
      terminal.message(request.options.language
                           ? fmt::format("{}: language {}", file, language)
                           : fmt::format("{}: detected language {} ({:.0f} %)", file, language, probability * 100));
    };
  }
  const Transcription result =
      batched != nullptr ? batched->finish(options) : transcribe_file(context, tools.engine, options);
  if (!result.warning.empty()) terminal.message(fmt::format("amanuensis: warning: {}", result.warning));
  if (request.verbose && tools.voice != nullptr && batched == nullptr) {
    terminal.message(fmt::format("{}: {} of speech in {}, by {}", file, clock_text(result.speech_s),
                                 clock_text(result.audio_s), tools.voice->name()));
  }
  const std::vector<std::string> paths = deliver(context, request, file, result.transcript, live);
  if (request.verbose || (terminal.error_is_terminal() && !request.quiet)) {
    terminal.message(fmt::format("{}: {} of audio in {:.1f} s, {:.1f}x realtime, language {}{}{}", file,
                                 clock_text(result.audio_s), result.elapsed_s, result.realtime_factor(),
                                 result.transcript.language, paths.empty() ? "" : " -> ", fmt::join(paths, ", ")));
  }
}

// Now, rather than after an hour's transcription.
void make_output_folder(const std::string& folder) {
  if (folder.empty()) return;
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem || !std::filesystem::is_directory(folder)) {
    throw Error(ErrorCode::kIo, fmt::format("--output-dir '{}': cannot be made a folder: {}", folder,
                                            problem ? problem.message() : "a file of that name is there"));
  }
  if (access(folder.c_str(), W_OK) != 0) {
    throw Error(ErrorCode::kIo, fmt::format("--output-dir '{}': cannot be written: {}", folder,
                                            std::generic_category().message(errno)));
  }
}

int transcribe_all(Context& context, const Tools& tools, const TranscribeRequest& request) {
  // All are under way from the beginning; each is told about when the ones before it have ended.
  std::vector<std::unique_ptr<BatchedTranscription>> under_way(request.files.size());
  if (tools.batched != nullptr) {
    const pipeline::BatchedOptions options = batched_options(request);
    for (std::size_t i = 0; i < request.files.size(); ++i) {
      under_way[i] = std::make_unique<BatchedTranscription>(context, *tools.batched, request.files[i], options);
    }
  }
  std::size_t failed = 0;
  for (std::size_t i = 0; i < request.files.size(); ++i) {
    try {
      transcribe_one(context, tools, request, request.files[i], under_way[i].get());
    } catch (const Error& error) {
      context.terminal.clear_status();
      if (error.code() == ErrorCode::kCancelled || request.files.size() == 1) throw;
      context.terminal.message(fmt::format("amanuensis: {}", error.what()));
      ++failed;
    }
    under_way[i].reset();
  }
  return failed == 0 ? kExitOk : kExitSomeFailed;
}

// With --verbose what the NPU did; without, only that it failed and the CPU took over.
void report_npu(Context& context, const Engine& engine, const TranscribeRequest& request) {
  NpuDevice* npu = engine.npu();
  if (npu == nullptr || request.quiet) return;
  if (request.verbose) {
    std::istringstream lines(npu_report(*npu));
    for (std::string line; std::getline(lines, line);) context.terminal.message(line);
    return;
  }
  for (const device::npu::KernelStatus& kernel : npu->executor().status().kernels) {
    if (kernel.counters.failures == 0) continue;
    context.terminal.message(fmt::format("amanuensis: warning: NPU kernel {} failed {} times, the CPU took over: {}",
                                         kernel.name, kernel.counters.failures, kernel.reason));
  }
}

int run(Context& context, const TranscribeArguments& arguments) {
  const TranscribeRequest request = read_transcribe_request(arguments);
  make_output_folder(request.output_dir);
  const auto start = std::chrono::steady_clock::now();
  const Engine engine(context, request.engine);
  if (request.verbose) {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    context.terminal.message(
        fmt::format("model {} ({}), loaded in {:.1f} s", engine.path().string(), engine.description(), seconds));
  }
  if (request.live) return run_live(context, engine, request);
  // Named clips are transcribed as they are, as faster-whisper does.
  const bool filters = request.vad.filter && request.options.clip_timestamps == std::vector<double>{0.0};
  const auto voice = filters ? std::make_unique<VoiceActivity>(context, request.vad) : nullptr;
  std::unique_ptr<pipeline::Engine> batched;
  if (!request.sequential) {
    batched = make_batched_engine(engine, {.batch_size = request.batch_size,
                                           .detector = voice ? voice->factory() : pipeline::VoiceDetectorFactory()});
  }
  const int code = transcribe_all(context, {engine, voice.get(), batched.get()}, request);
  report_npu(context, engine, request);
  return code;
}

}  // namespace

Command add_transcribe_command(CLI::App& program) {
  auto arguments = std::make_shared<TranscribeArguments>();
  CLI::App* parser = program.add_subcommand("transcribe", "Turn recordings into text, with times");
  add_transcribe_options(*parser, *arguments);
  parser->footer(
      "Without --output-dir the result goes to standard output: timed lines on a terminal, the chosen format in a "
      "pipe\n"
      "or file. Options may be written with _ for -, and switches take True or False, as in OpenAI's whisper.\n\n"
      "Examples:\n"
      "  amanuensis transcribe --model small talk.mp3\n"
      "  amanuensis transcribe --model large-v3-turbo -l de -f srt,json -o subtitles *.mp4\n"
      "  arecord -q -f S16_LE -r 16000 -c 1 -t raw | amanuensis transcribe --live -");
  return {parser, [arguments](Context& context) { return run(context, *arguments); }};
}

}  // namespace amanuensis::cli
