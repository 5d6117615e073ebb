#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/error.h"
#include "cli/commands.h"
#include "cli/engine.h"
#include "cli/first_window.h"
#include "cli/option_values.h"

namespace amanuensis::cli {
namespace {

struct Arguments {
  std::string file;
  std::string output;
  std::string tokens;
  std::string threads = "0";
  EngineOptions engine;
};

int run(Context& context, const Arguments& arguments) {
  const std::vector<model::TokenId> tokens = read_token_list({"--tokens", arguments.tokens});
  if (tokens.empty() || std::find(tokens.begin(), tokens.end(), -1) != tokens.end()) {
    throw Error(
        ErrorCode::kInvalidArgument,
        fmt::format("--tokens '{}': must be token ids separated by commas, e.g. 50258,50259,50359", arguments.tokens));
  }
  EngineOptions engine_options = arguments.engine;
  engine_options.threads = read_count({"--threads", arguments.threads}, 0, 1024);
  const Engine engine(context, engine_options);
  const model::WhisperModel& model = engine.model();

  const WindowShape window{model.dims().n_mels, model.dims().window_frames()};
  const audio::LogMel mel = first_window(arguments.file, window, engine.kernels(), context.stop);
  const std::array<TensorView<const float>, 1> batch{mel.view()};
  model::DecoderSequence sequence = model.new_sequence(model.encode(batch).front());
  const std::array<std::size_t, 2> shape{tokens.size(), model.dims().n_vocab};
  AlignedBuffer<float> logits(shape[0] * shape[1]);
  const model::DecodeItem item{&sequence, tokens, logits.matrix(shape[0], shape[1])};
  model.decode({&item, 1});
  write_array(context.terminal, arguments.output, logits.span(), shape);
  return 0;
}

}  // namespace

Command add_logits_command(CLI::App& program) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* parser = program.add_subcommand("logits", "Write the decoder's logits for given tokens as a NumPy file");
  parser->add_option("FILE", arguments->file, "Media file, of which the first window is used; - is standard input")
      ->required();
  parser
      ->add_option("--tokens", arguments->tokens, "Decoder tokens, separated by commas; row i is what follows token i")
      ->required()
      ->type_name("IDS");
  parser
      ->add_option("-o,--output", arguments->output,
                   "NumPy file to write, float32 [tokens, vocabulary]; - is standard output")
      ->required()
      ->type_name("NPY");
  parser->add_option("-m,--model", arguments->engine.model, "Name, Hugging Face folder or ggml file [base]")
      ->type_name("MODEL");
  parser->add_option("--compute-type", arguments->engine.compute_type, "auto, float32, bfloat16 or int8")
      ->type_name("TYPE")
      ->capture_default_str();
  parser->add_option("--threads", arguments->threads, "Threads; 0: one per CPU")->type_name("N")->capture_default_str();
  parser->footer(
      "Examples:\n  amanuensis logits --model base talk.mp3 --tokens 50258,50259,50359 -o logits.npy\n"
      "  amanuensis logits --model ./whisper-tiny --compute-type int8 talk.mp3 --tokens 50258 -o int8.npy");
  return {parser, [arguments](Context& context) { return run(context, *arguments); }};
}

}  // namespace amanuensis::cli
