#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "audio/decode.h"
#include "base/error.h"
#include "base/whole_file.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/option_values.h"
#include "cli/speaker_tools.h"
#include "pipeline/diarize/channels.h"
#include "pipeline/diarize/diarization_files.h"
#include "pipeline/writers/output_file.h"

namespace amanuensis::cli {
namespace {

struct DiarizeArguments {
  std::vector<std::string> files;
  SpeakerArguments speakers;
  std::string output_format = "rttm";
  std::string output_dir;
  std::string threads = "0";
  std::string vad_method = "auto";
  bool channels = false;  // one speaker in each
};

std::string formatted(const std::string& format, const pipeline::Diarization& diarization, const std::string& file) {
  if (format == "json") return pipeline::diarization_json(diarization);
  if (format == "txt") return pipeline::diarization_text(diarization);
  return pipeline::diarization_rttm(diarization, pipeline::output_stem(file));
}

pipeline::Diarization diarize_channels(Context& context, const pipeline::Diarizer& diarizer, const std::string& file) {
  if (file == "-") {
    throw Error(ErrorCode::kInvalidArgument, "'-': --channels reads a file once a channel; give a file's name");
  }
  pipeline::DiarizeOptions alone;
  alone.num_speakers = 1;
  const int channels = std::max(1, audio::AudioReader(file, context.stop).info().channels);
  std::vector<pipeline::Diarization> found;
  std::vector<float> piece(std::size_t{10} * audio::kSampleRateHz);
  for (std::size_t i = 0; i < static_cast<std::size_t>(channels); ++i) {
    audio::AudioReader reader(file, context.stop, i);
    const auto session = diarizer.open(alone);
    while (const std::size_t got = reader.read(piece)) session->push(std::span(piece).first(got));
    found.push_back(session->finish(context.stop));
  }
  return pipeline::join_channels(found).diarization;
}

pipeline::Diarization diarize_file(Context& context, const pipeline::Diarizer& diarizer, const std::string& file,
                                   const pipeline::DiarizeOptions& options, bool channels) {
  audio::AudioReader reader(file, context.stop);
  if (channels) return diarize_channels(context, diarizer, file);
  const auto session = diarizer.open(options);
  std::vector<float> piece(std::size_t{10} * audio::kSampleRateHz);
  while (const std::size_t got = reader.read(piece)) session->push(std::span(piece).first(got));
  pipeline::Diarization result = session->finish(context.stop);
  if (!reader.warning().empty()) context.terminal.message(fmt::format("amanuensis: warning: {}", reader.warning()));
  return result;
}

void deliver(Context& context, const std::filesystem::path& folder, const std::string& name, const std::string& text) {
  if (folder.empty()) {
    context.terminal.out(text);
    return;
  }
  WholeFile file(folder / name);
  file.write(text);
  file.commit();
}

void make_folder(const std::string& folder) {
  if (folder.empty()) return;
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem) {
    throw Error(ErrorCode::kIo, fmt::format("--output-dir '{}': cannot be made: {}", folder, problem.message()));
  }
}

int run(Context& context, const DiarizeArguments& arguments) {
  constexpr std::array<std::string_view, 3> kFormats{"rttm", "json", "txt"};
  const std::string format = read_choice({"--output-format", arguments.output_format}, kFormats);
  pipeline::DiarizeOptions options = read_speaker_options(arguments.speakers);
  SpeakerToolsOptions tools_options;
  tools_options.threads = static_cast<std::size_t>(read_number({"--threads", arguments.threads}, 0, 1024));
  VadArguments vad;
  vad.vad_method = arguments.vad_method;
  tools_options.vad = read_vad_request(vad);
  const SpeakerTools tools(context, tools_options);
  options.known = tools.enrolled(context);
  if (arguments.output_dir == "-") {
    throw Error(ErrorCode::kInvalidArgument,
                "--output-dir '-': is for folders; without it the result goes to standard output");
  }
  make_folder(arguments.output_dir);
  std::size_t failed = 0;
  for (const std::string& file : arguments.files) {
    try {
      const std::string text =
          formatted(format, diarize_file(context, tools.diarizer(), file, options, arguments.channels), file);
      deliver(context, arguments.output_dir, pipeline::output_stem(file) + "." + format, text);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kCancelled || arguments.files.size() == 1) throw;
      context.terminal.message(fmt::format("amanuensis: {}", error.what()));
      ++failed;
    }
  }
  return failed == 0 ? kExitOk : kExitSomeFailed;
}

}  // namespace

Command add_diarize_command(CLI::App& program) {
  auto arguments = std::make_shared<DiarizeArguments>();
  CLI::App* parser = program.add_subcommand("diarize", "Find out who speaks when");
  parser->add_option("files", arguments->files, "Audio or video files; - is standard input")->required();
  add_speaker_options(*parser, arguments->speakers);
  parser->add_option("-f,--output-format", arguments->output_format, "rttm, json or txt (default: rttm)");
  parser->add_option("-o,--output-dir", arguments->output_dir, "Folder for the results; absent: standard output");
  parser->add_flag("--channels", arguments->channels, "One speaker a channel: no voices are compared");
  parser->add_option("--threads", arguments->threads, "Threads that compute (default: one for each CPU)");
  parser->add_option("--vad-method", arguments->vad_method,
                     "Who finds speech: auto (silero where its weights are), silero, builtin");
  return {parser, [arguments](Context& context) { return run(context, *arguments); }};
}

}  // namespace amanuensis::cli
