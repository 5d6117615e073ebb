#include "cli/transcribe_options.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <limits>
#include <map>

#include "base/error.h"
#include "cli/option_values.h"
#include "pipeline/writers/output_file.h"

namespace amanuensis::cli {
namespace {

constexpr double kAnyNumber = std::numeric_limits<double>::max();
constexpr double kLowestNumber = std::numeric_limits<double>::lowest();

Error usage(const std::string& message) { return {ErrorCode::kInvalidArgument, message}; }

struct Switch {
  const char* name;
  const char* help;
  const char* group;
};

// --NAME, --NAME True, --NAME False, and --no-NAME, which the help leaves out.
void add_switch(CLI::App& parser, const Switch& option, bool& value) {
  parser.add_flag(fmt::format("--{}", option.name), value, option.help)->group(option.group);
  parser.add_flag_callback(fmt::format("--no-{}", option.name), [&value] { value = false; })->group("");
}

void add_model_options(CLI::App& parser, TranscribeArguments& a) {
  const char* group = "Model";
  parser.add_option("-m,--model", a.model, "Name, Hugging Face folder or ggml file [base]; see `amanuensis models`")
      ->type_name("MODEL")
      ->group(group);
  parser.add_option("--compute-type", a.compute_type, "auto, float32, bfloat16 or int8")
      ->type_name("TYPE")
      ->capture_default_str()
      ->group(group);
  parser.add_option("--threads", a.threads, "Threads; 0: one per CPU")
      ->type_name("N")
      ->capture_default_str()
      ->group(group);
}

void add_content_options(CLI::App& parser, TranscribeArguments& a) {
  const char* group = "What is said";
  parser.add_option("-l,--language", a.language, "Code or English name; auto: detected from the first 30 s")
      ->type_name("LANG")
      ->capture_default_str()
      ->group(group);
  parser.add_option("--task", a.task, "transcribe, or translate into English")
      ->type_name("TASK")
      ->capture_default_str()
      ->group(group);
  parser
      .add_option("--initial-prompt", a.initial_prompt, "Text to take for what was said before: names, spelling, style")
      ->type_name("WORDS")
      ->group(group);
  add_switch(parser, {"carry-initial-prompt", "Keep the initial prompt before every window, not only the first", group},
             a.carry_initial_prompt);
  parser.add_option("--hotwords", a.hotwords, "Words to make likelier, in every window")
      ->type_name("WORDS")
      ->group(group);
  add_switch(
      parser,
      {"condition-on-previous-text", "Give each window the text before it [True]; False stops repetition loops", group},
      a.condition_on_previous_text);
  parser.add_option("--clip-timestamps", a.clip_timestamps, "Parts to transcribe, seconds: start,end,start,end,...")
      ->type_name("LIST")
      ->capture_default_str()
      ->group(group);
}

void add_decoding_options(CLI::App& parser, TranscribeArguments& a) {
  const auto option = [&](const char* name, std::string& value, const char* type, const char* help, const char* group) {
    parser.add_option(name, value, help)->type_name(type)->capture_default_str()->group(group);
  };
  const char* search = "Decoding";
  option("--beam-size", a.beam_size, "N", "Beams at temperature 0; 1 is greedy", search);
  option("--best-of", a.best_of, "N", "Samples at higher temperatures, of which the best is kept", search);
  option("--patience", a.patience, "X", "Beam search goes on for beams * X candidates; None: 1", search);
  option("--length-penalty", a.length_penalty, "X", "Exponent, 0 to 1, for ranking by length; None: plain length",
         search);
  option("--suppress-tokens", a.suppress_tokens, "IDS", "Never produced; -1: symbols that are not speech", search);
  option("--temperature", a.temperature, "X", "Randomness of the first try; 0 is none", search);
  option("--seed", a.seed, "N", "Of the sampler at temperatures above 0", search);

  const char* fallback = "Fallback: when a window is tried again, or taken for silence";
  option("--temperature-increment-on-fallback", a.temperature_increment_on_fallback, "X",
         "Warmer for each new try, up to 1; None or 0: one try", fallback);
  option("--compression-ratio-threshold", a.compression_ratio_threshold, "X",
         "Text that compresses better is a repetition loop; None: any", fallback);
  option("--logprob-threshold", a.logprob_threshold, "X", "A lower mean log-probability is a failure; None: any",
         fallback);
  option("--no-speech-threshold", a.no_speech_threshold, "X", "Likelier silence than this is skipped; None: never",
         fallback);
}

void add_output_options(CLI::App& parser, TranscribeArguments& a) {
  const char* group = "Output";
  parser
      .add_option("-f,--output-format", a.output_format, "txt, srt, vtt, tsv, json or all; several with commas [txt]")
      ->type_name("LIST")
      ->group(group);
  parser.add_option("-o,--output-dir", a.output_dir, "Write NAME.FORMAT there [standard output]")
      ->type_name("DIR")
      ->group(group);
  parser.add_option("--max-line-width", a.max_line_width, "Characters a line of srt and vtt")
      ->type_name("N")
      ->capture_default_str()
      ->group(group);
  parser.add_option("--max-line-count", a.max_line_count, "Lines a caption of srt and vtt; needs --max-line-width")
      ->type_name("N")
      ->capture_default_str()
      ->group(group);
  parser.add_flag("--verbose", a.verbose, "Say on standard error what is loaded, detected and measured")->group(group);
  parser.add_flag("-q,--quiet", a.quiet, "No progress bar, no summary; errors and warnings only")->group(group);
}

void read_decoding(const TranscribeArguments& a, pipeline::TranscribeOptions& options) {
  decoding::DecodingOptions& decoding = options.decoding;
  constexpr std::array<std::string_view, 2> kTasks{"transcribe", "translate"};
  decoding.task =
      read_choice({"--task", a.task}, kTasks) == "translate" ? decoding::Task::kTranslate : decoding::Task::kTranscribe;
  decoding.beam_size = read_optional_count({"--beam-size", a.beam_size}, 1, 100).value_or(1);
  decoding.best_of = read_optional_count({"--best-of", a.best_of}, 1, 100).value_or(1);
  const auto patience = read_optional_number({"--patience", a.patience}, 0.01, 100);
  if (patience && decoding.beam_size == 1) {
    throw usage(
        fmt::format("--patience '{}': has no meaning without beam search; give --beam-size 2 or more", a.patience));
  }
  decoding.patience = patience.value_or(1.0);
  decoding.length_penalty = read_optional_number({"--length-penalty", a.length_penalty}, 0, 1);
  decoding.suppress_tokens = read_token_list({"--suppress-tokens", a.suppress_tokens});
  decoding.seed = read_count({"--seed", a.seed}, 0, std::numeric_limits<std::int64_t>::max());

  const double temperature = read_number({"--temperature", a.temperature}, 0, 10);
  const auto increment =
      read_optional_number({"--temperature-increment-on-fallback", a.temperature_increment_on_fallback}, 0, 10);
  if (increment && *increment > 0 && *increment < 0.01) {
    throw usage(fmt::format("--temperature-increment-on-fallback '{}': must be 0, or at least 0.01",
                            a.temperature_increment_on_fallback));
  }
  options.fallback.temperatures = temperature_ladder(temperature, increment);
  options.fallback.compression_ratio_threshold =
      read_optional_number({"--compression-ratio-threshold", a.compression_ratio_threshold}, 0, kAnyNumber);
  options.fallback.logprob_threshold =
      read_optional_number({"--logprob-threshold", a.logprob_threshold}, kLowestNumber, kAnyNumber);
  options.fallback.no_speech_threshold = read_optional_number({"--no-speech-threshold", a.no_speech_threshold}, 0, 1);
}

// Two inputs that would be written to one file.
void check_destinations(const TranscribeRequest& request) {
  std::map<std::string, std::string> taken;
  for (const std::string& file : request.files) {
    const auto [other, is_new] = taken.emplace(pipeline::output_stem(file), file);
    if (is_new) continue;
    throw usage(fmt::format(
        "'{}' and '{}' would both be written to '{}'; transcribe them into different folders", other->second, file,
        (std::filesystem::path(request.output_dir) / fmt::format("{}.{}", other->first, request.formats.front()->name))
            .string()));
  }
}

void check_standard_output(const TranscribeRequest& request) {
  if (request.formats.size() > 1) {
    throw usage("--output-format: standard output takes one format; add --output-dir to write several");
  }
  const std::string_view format = request.formats.front()->name;
  if (request.files.size() > 1 && format != "txt" && format != "json") {
    throw usage(
        fmt::format("--output-format '{}': standard output takes one file's {}; add --output-dir to write several",
                    format, format));
  }
}

}  // namespace

void add_transcribe_options(CLI::App& parser, TranscribeArguments& arguments) {
  parser.add_option("FILE", arguments.files, "Audio or video files of any format; - is standard input")->required();
  add_model_options(parser, arguments);
  add_content_options(parser, arguments);
  add_decoding_options(parser, arguments);
  add_output_options(parser, arguments);
}

TranscribeRequest read_transcribe_request(const TranscribeArguments& arguments) {
  TranscribeRequest request;
  request.files = arguments.files;
  request.engine = {arguments.model, arguments.compute_type, read_count({"--threads", arguments.threads}, 0, 1024)};
  check_compute_type(arguments.compute_type);  // refused now rather than after the model is found

  read_decoding(arguments, request.options);
  request.options.language = read_language({"--language", arguments.language});
  request.options.initial_prompt = arguments.initial_prompt;
  request.options.carry_initial_prompt = arguments.carry_initial_prompt;
  request.options.hotwords = arguments.hotwords;
  request.options.condition_on_previous_text = arguments.condition_on_previous_text;
  request.options.clip_timestamps = read_clips({"--clip-timestamps", arguments.clip_timestamps});

  request.format_given = !arguments.output_format.empty();
  const std::string formats = request.format_given ? arguments.output_format : "txt";
  for (const std::string& name : read_formats({"--output-format", formats})) {
    request.formats.push_back(pipeline::find_writer_format(name));
  }
  request.output_dir = arguments.output_dir;
  request.writer.max_line_width = read_optional_count({"--max-line-width", arguments.max_line_width}, 1, 100'000);
  request.writer.max_line_count = read_optional_count({"--max-line-count", arguments.max_line_count}, 1, 1000);
  if (request.writer.max_line_count && !request.writer.max_line_width) {
    throw usage(fmt::format("--max-line-count '{}': has no effect without --max-line-width", arguments.max_line_count));
  }
  request.verbose = arguments.verbose;
  request.quiet = arguments.quiet;
  if (request.verbose && request.quiet) throw usage("--verbose and --quiet exclude each other");
  if (request.output_dir.empty()) {
    check_standard_output(request);
  } else {
    check_destinations(request);
  }
  return request;
}

}  // namespace amanuensis::cli
