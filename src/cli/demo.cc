#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/engine.h"
#include "cli/progress_text.h"
#include "cli/transcription.h"
#include "pipeline/word_error_rate.h"

namespace amanuensis::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kShownEdits = 8;

// The bundled recordings that have their true text beside them.
std::vector<fs::path> recordings_of(const fs::path& model) {
  std::vector<fs::path> recordings;
  std::error_code problem;
  for (fs::directory_iterator entry(model / "recordings", problem); !problem && entry != fs::directory_iterator();
       entry.increment(problem)) {
    fs::path text = entry->path();
    if (entry->path().extension() == ".flac" && fs::exists(text.replace_extension(".txt"), problem)) {
      recordings.push_back(entry->path());
    }
  }
  std::sort(recordings.begin(), recordings.end());
  if (recordings.empty()) {
    throw Error(ErrorCode::kNotFound,
                fmt::format("{}: no recordings with their texts; is this the whole program?", model.string()));
  }
  return recordings;
}

std::string read_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string edits_text(const pipeline::WordErrors& errors) {
  std::string text;
  for (std::size_t i = 0; i < std::min(kShownEdits, errors.edits.size()); ++i) {
    const pipeline::WordEdit& edit = errors.edits[i];
    if (edit.said.empty()) {
      text += fmt::format("  heard '{}', which was not said\n", edit.heard);
    } else if (edit.heard.empty()) {
      text += fmt::format("  missed '{}'\n", edit.said);
    } else {
      text += fmt::format("  heard '{}' for '{}'\n", edit.heard, edit.said);
    }
  }
  if (errors.edits.size() > kShownEdits) text += fmt::format("  and {} more\n", errors.edits.size() - kShownEdits);
  return text;
}

int run(Context& context) {
  Terminal& terminal = context.terminal;
  const Engine engine(context, {.model = "demo"});
  terminal.out(fmt::format("model      {}\nruns on    {}\noptions    --beam-size 5\n", engine.path().string(),
                           engine.description()));
  for (const fs::path& recording : recordings_of(engine.path())) {
    terminal.out(fmt::format("recording  {}\n\n", recording.string()));
    pipeline::TranscribeOptions transcribe;
    transcribe.decoding.beam_size = 5;  // as `transcribe` does without options
    TranscriptionOptions options{.file = recording.string(), .transcribe = transcribe};
    options.on_segment = [&](const pipeline::Segment& segment) { terminal.out(timed_line(segment)); };
    const Transcription result = transcribe_file(context, engine, options);

    fs::path text = recording;
    const pipeline::WordErrors errors =
        pipeline::count_word_errors(read_text(text.replace_extension(".txt")), result.transcript.text);
    terminal.out(fmt::format("\nword error rate  {:.1f} % ({} of {} words) against {}\n{}", errors.rate() * 100,
                             errors.errors(), errors.words, text.string(), edits_text(errors)));
    terminal.out(fmt::format("speed            {:.1f}x realtime ({} of audio in {:.2f} s)\n\n",
                             result.realtime_factor(), clock_text(result.audio_s), result.elapsed_s));
  }
  return 0;
}

}  // namespace

Command add_demo_command(CLI::App& program) {
  CLI::App* parser =
      program.add_subcommand("demo", "Transcribe the bundled recordings with the bundled model, and measure it");
  parser->footer(
      "The bundled model knows only the kind of sentence it was trained on; see its MODEL_CARD.md.\n\n"
      "Examples:\n  amanuensis demo\n  AMANUENSIS_ISA=avx2 amanuensis demo");
  return {parser, [](Context& context) { return run(context); }};
}

}  // namespace amanuensis::cli
