#include <array>
#include <memory>
#include <string>

#include "base/cpu_features.h"
#include "cli/commands.h"
#include "cli/first_window.h"
#include "cli/option_values.h"

namespace amanuensis::cli {
namespace {

struct Arguments {
  std::string file;
  std::string output;
  std::string n_mels = "80";
};

constexpr std::size_t kWindowFrames = 3000;

int run(Context& context, const Arguments& arguments) {
  constexpr std::array<std::string_view, 2> kBands{"80", "128"};
  const std::size_t n_mels = std::stoul(read_choice({"--n-mels", arguments.n_mels}, kBands));
  const kernels::KernelTable kernels = kernels::select_kernels(detect_cpu_features(), context.environment.isa);
  const audio::LogMel mel = first_window(arguments.file, {n_mels, kWindowFrames}, kernels, context.stop);
  const std::array<std::size_t, 2> shape{mel.n_mels, mel.frames};
  write_array(context.terminal, arguments.output, mel.values.span(), shape);
  return 0;
}

}  // namespace

Command add_features_command(CLI::App& program) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* parser =
      program.add_subcommand("features", "Write the log-mel spectrogram of the first 30 s as a NumPy file");
  parser->add_option("FILE", arguments->file, "Media file; - is standard input")->required();
  parser
      ->add_option("-o,--output", arguments->output, "NumPy file to write, float32 [bands, 3000]; - is standard output")
      ->required()
      ->type_name("NPY");
  parser->add_option("--n-mels", arguments->n_mels, "Mel bands: 80, or 128 as large-v3 uses")
      ->type_name("80|128")
      ->capture_default_str();
  parser->footer(
      "Examples:\n  amanuensis features talk.mp3 -o mel.npy\n"
      "  ffmpeg -i talk.mp4 -ss 60 -f wav - | amanuensis features - --n-mels 128 -o mel.npy");
  return {parser, [arguments](Context& context) { return run(context, *arguments); }};
}

}  // namespace amanuensis::cli
