#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "audio/decode.h"
#include "base/error.h"
#include "cli/batched_transcription.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/live.h"
#include "cli/progress_text.h"
#include "cli/transcribe_options.h"
#include "cli/transcription.h"
#include "pipeline/diarize/channels.h"
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
  const VoiceActivity* voice;    // null: everything is transcribed
  pipeline::Engine* batched;     // null: one file after the other, window after window
  const SpeakerTools* speakers;  // null: who speaks is not asked
};

// A file's transcriptions under way: one, or one a channel.
using UnderWay = std::vector<std::unique_ptr<BatchedTranscription>>;

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

UnderWay begin_batched(Context& context, const Tools& tools, const TranscribeRequest& request,
                       const std::string& file) {
  const pipeline::BatchedOptions options = batched_options(request);
  BatchedInput input{.file = file, .options = options};
  if (tools.speakers != nullptr) input.diarizer = &tools.speakers->diarizer();
  UnderWay under_way;
  if (!request.diarize_channels) {
    input.diarize = request.diarize.value_or(pipeline::DiarizeOptions());
    if (tools.speakers != nullptr) input.diarize.known = tools.speakers->enrolled(context);
    under_way.push_back(std::make_unique<BatchedTranscription>(context, *tools.batched, input));
    return under_way;
  }
  if (file == "-") {
    throw Error(ErrorCode::kInvalidArgument, "'-': --diarize-channels reads a file once a channel; give a file's name");
  }
  const int channels = audio::AudioReader(file, context.stop).info().channels;
  input.diarize.num_speakers = 1;
  for (std::size_t i = 0; i < static_cast<std::size_t>(std::max(channels, 1)); ++i) {
    input.channel = i;
    under_way.push_back(std::make_unique<BatchedTranscription>(context, *tools.batched, input));
  }
  return under_way;
}

Transcription finish_batched(const UnderWay& under_way, const TranscriptionOptions& options, bool channels) {
  if (!channels) return under_way.front()->finish(options);
  Transcription result;
  std::vector<pipeline::Transcript> transcripts;
  for (const auto& channel : under_way) {
    Transcription part = channel->finish(options);
    transcripts.push_back(std::move(part.transcript));
    result.audio_s = part.audio_s;
    result.elapsed_s = std::max(result.elapsed_s, part.elapsed_s);
    result.warning = part.warning;
  }
  result.transcript = pipeline::join_transcripts(std::move(transcripts));
  return result;
}

// `batched`: the file's transcription if it is under way already; else empty.
void transcribe_one(Context& context, const Tools& tools, const TranscribeRequest& request, const std::string& file,
                    const UnderWay& batched) {
  Terminal& terminal = context.terminal;
  const Live live = choose_live(request, terminal.out_is_terminal());
  if (live == Live::kTimedLines && request.files.size() > 1) terminal.message(fmt::format("== {}", file));

  TranscriptionOptions options{.file = file, .transcribe = request.options, .show_progress = !request.quiet};
  options.vad = &request.vad;
  options.voice = tools.voice;
  if (tools.speakers != nullptr && batched.empty()) {
    options.diarizer = &tools.speakers->diarizer();
    options.diarize = request.diarize.value_or(pipeline::DiarizeOptions());
    options.diarize.known = tools.speakers->enrolled(context);
  }
  // Who speaks is known at the end alone.
  const bool tell_at_end = tools.speakers != nullptr && (request.diarize_channels || batched.empty());
  const auto tell = [&](const pipeline::Segment& segment) {
    if (live == Live::kTimedLines) terminal.out(timed_line(segment));
    if (live == Live::kText) {
      pipeline::Transcript piece;
      piece.segments = {segment};
      terminal.out(written(*request.formats.front(), piece, request.writer));
    }
  };
  if (!tell_at_end) options.on_segment = tell;
  if (request.verbose) {
    options.on_language = [&](const std::string& language, double probability) {
      terminal.message(request.options.language
                           ? fmt::format("{}: language {}", file, language)
                           : fmt::format("{}: detected language {} ({:.0f} %)", file, language, probability * 100));
    };
  }
  const Transcription result = batched.empty() ? transcribe_file(context, tools.engine, options)
                                               : finish_batched(batched, options, request.diarize_channels);
  if (tell_at_end) {
    for (const pipeline::Segment& segment : result.transcript.segments) tell(segment);
  }
  if (!result.warning.empty()) terminal.message(fmt::format("amanuensis: warning: {}", result.warning));
  if (request.verbose && tools.voice != nullptr && batched.empty()) {
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
  std::vector<UnderWay> under_way(request.files.size());
  if (tools.batched != nullptr) {
    for (std::size_t i = 0; i < request.files.size(); ++i) {
      under_way[i] = begin_batched(context, tools, request, request.files[i]);
    }
  }
  std::size_t failed = 0;
  for (std::size_t i = 0; i < request.files.size(); ++i) {
    try {
      transcribe_one(context, tools, request, request.files[i], under_way[i]);
    } catch (const Error& error) {
      context.terminal.clear_status();
      if (error.code() == ErrorCode::kCancelled || request.files.size() == 1) throw;
      context.terminal.message(fmt::format("amanuensis: {}", error.what()));
      ++failed;
    }
    under_way[i].clear();
  }
  return failed == 0 ? kExitOk : kExitSomeFailed;
}

// With --verbose what the NPU did; failures were told when they happened.
void report_npu(Context& context, const Engine& engine, const TranscribeRequest& request) {
  NpuDevice* npu = engine.npu();
  if (npu == nullptr || request.quiet || !request.verbose) return;
  std::istringstream lines(npu_report(*npu));
  for (std::string line; std::getline(lines, line);) context.terminal.message(line);
}

int run(Context& context, const TranscribeArguments& arguments) {
  const TranscribeRequest request = read_transcribe_request(arguments);
  make_output_folder(request.output_dir);
  const auto start = std::chrono::steady_clock::now();
  EngineOptions engine_options = request.engine;
  // Failures are told when they happen; the rest with --verbose.
  engine_options.on_npu_event = [&context, quiet = request.quiet, verbose = request.verbose](
                                    device::npu::EventLevel level, const std::string& text) {
    const bool warning = level == device::npu::EventLevel::kWarning;
    if (!quiet && (warning || verbose)) {
      context.terminal.message(fmt::format("amanuensis: {}{}", warning ? "warning: " : "", text));
    }
  };
  const Engine engine(context, engine_options);
  if (request.verbose) {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    context.terminal.message(
        fmt::format("model {} ({}), loaded in {:.1f} s", engine.path().string(), engine.description(), seconds));
  }
  if (request.live) return run_live(context, engine, request);
  // Named clips are transcribed as they are, as faster-whisper does.
  const bool filters = request.vad.filter && request.options.clip_timestamps == std::vector<double>{0.0};
  const auto voice = filters ? std::make_unique<VoiceActivity>(context, request.vad) : nullptr;
  const bool tells_speakers = request.diarize || request.diarize_channels;
  const auto speakers =
      tells_speakers ? std::make_unique<SpeakerTools>(context, SpeakerToolsOptions{.threads = 1, .vad = request.vad})
                     : nullptr;
  std::unique_ptr<pipeline::Engine> batched;
  if (!request.sequential) {
    batched = make_batched_engine(engine, {.batch_size = request.batch_size,
                                           .detector = voice ? voice->factory() : pipeline::VoiceDetectorFactory()});
  }
  const int code = transcribe_all(context, {engine, voice.get(), batched.get(), speakers.get()}, request);
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
