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
CLI::Option* add_switch(CLI::App& parser, const Switch& option, bool& value) {
  parser.add_flag_callback(fmt::format("--no-{}", option.name), [&value] { value = false; })->group("");
  return parser.add_flag(fmt::format("--{}", option.name), value, option.help)->group(option.group);
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
  parser.add_option("--device", a.device, "auto, cpu, npu, or npu-sim: a simulated NPU; see `amanuensis devices`")
      ->type_name("DEVICE")
      ->capture_default_str()
      ->group(group);
  parser.add_option("--batch-size", a.batch_size, "Windows decoded together, of all files; more need more memory")
      ->type_name("N")
      ->capture_default_str()
      ->group(group);
  add_switch(parser,
             {"sequential", "OpenAI's algorithm: windows one after the other, each with the text before it", group},
             a.sequential);
}

void add_live_options(CLI::App& parser, TranscribeArguments& a) {
  const char* group = "Live";
  parser
      .add_flag("--live", a.live, "Transcribe speech as it is spoken: raw mono samples at 16 kHz from standard input")
      ->group(group);
  parser.add_option("--live-format", a.live_format, "Of the samples: s16le or f32le")
      ->type_name("TYPE")
      ->capture_default_str()
      ->group(group);
}

void add_content_options(CLI::App& parser, TranscribeArguments& a) {
  const char* group = "What is said";
  parser.add_option("-l,--language", a.language, "Code or English name; auto: detected from the first 30 s")
      ->type_name("LANG")
      ->capture_default_str()
      ->group(group);
  add_switch(parser, {"multilingual", "Detect the language of every window; not with --sequential", group},
             a.multilingual);
  parser.add_option("--task", a.task, "transcribe, or translate into English")
      ->type_name("TASK")
      ->capture_default_str()
      ->group(group);
  parser
      .add_option("--initial-prompt", a.initial_prompt, "Text to take for what was said before: names, spelling, style")
      ->type_name("WORDS")
      ->group(group);
  add_switch(
      parser,
      {"carry-initial-prompt", "With --sequential: the initial prompt before every window, not only the first", group},
      a.carry_initial_prompt);
  parser.add_option("--hotwords", a.hotwords, "Words to make likelier, in every window")
      ->type_name("WORDS")
      ->group(group);
  add_switch(
      parser,
      {"condition-on-previous-text", "Give each window the text before it; implies --sequential [True there]", group},
      a.condition_on_previous_text)
      ->each([&a](const std::string&) { a.condition_given = true; });
  parser
      .add_option("--clip-timestamps", a.clip_timestamps,
                  "Parts to transcribe, seconds: start,end,start,end,...; implies --sequential")
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
  option("--repetition-penalty", a.repetition_penalty, "X", "Tokens said before are made less likely; 1: not at all",
         search);
  option("--no-repeat-ngram-size", a.no_repeat_ngram_size, "N",
         "No run of N tokens comes twice in a window; 0: any may", search);
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

void add_word_options(CLI::App& parser, TranscribeArguments& a) {
  const char* group = "Words";
  add_switch(parser, {"word-timestamps", "Find when each word is said", group}, a.word_timestamps);
  parser.add_option("--prepend-punctuations", a.prepend_punctuations, "Marks that belong to the word after them")
      ->type_name("MARKS")
      ->capture_default_str()
      ->group(group);
  parser.add_option("--append-punctuations", a.append_punctuations, "Marks that belong to the word before them")
      ->type_name("MARKS")
      ->capture_default_str()
      ->group(group);
  parser
      .add_option("--hallucination-silence-threshold", a.hallucination_silence_threshold,
                  "Skip silence longer than this (seconds) before words that look made up; None: never")
      ->type_name("X")
      ->capture_default_str()
      ->group(group);
  add_switch(parser, {"highlight-words", "Underline each word in srt and vtt as it is said", group}, a.highlight_words);
  parser.add_option("--max-words-per-line", a.max_words_per_line, "Words a caption of srt and vtt")
      ->type_name("N")
      ->capture_default_str()
      ->group(group);
}

void add_diarize_options(CLI::App& parser, TranscribeArguments& a) {
  const char* group = "Speakers";
  add_switch(parser, {"diarize", "Say who speaks, on every word and segment", group}, a.diarize);
  add_switch(parser, {"diarize-channels", "One speaker a channel: each is transcribed by itself", group},
             a.diarize_channels);
  add_speaker_options(parser, a.speakers);
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
  decoding.repetition_penalty = read_number({"--repetition-penalty", a.repetition_penalty}, 0.01, 100);
  decoding.no_repeat_ngram_size = read_count({"--no-repeat-ngram-size", a.no_repeat_ngram_size}, 0, 1000);
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

void read_live(const TranscribeArguments& a, TranscribeRequest& request) {
  constexpr std::array<std::string_view, 2> kFormats{"s16le", "f32le"};
  request.live = a.live;
  request.live_format =
      read_choice({"--live-format", a.live_format}, kFormats) == "f32le" ? PcmFormat::kF32le : PcmFormat::kS16le;
  if (a.live && (a.files.size() != 1 || a.files.front() != "-")) {
    throw usage("--live: hears standard input alone; give - as the only FILE");
  }
  if (a.live && a.clip_timestamps != "0") throw usage("--clip-timestamps: has no meaning with --live");
}

void read_speakers(const TranscribeArguments& a, TranscribeRequest& request) {
  const pipeline::DiarizeOptions options = read_speaker_options(a.speakers);
  const bool counted = options.num_speakers || options.min_speakers || options.max_speakers;
  if (counted && !a.diarize) throw usage("--num-speakers, --min-speakers, --max-speakers: need --diarize");
  if (a.diarize && a.diarize_channels) throw usage("--diarize-channels: does without --diarize; give one of the two");
  if ((a.diarize || a.diarize_channels) && a.live) throw usage("--diarize: has no meaning with --live");
  if (a.diarize) {
    request.diarize = options;
    request.options.word_timestamps = true;
  }
  request.diarize_channels = a.diarize_channels;
  if (!a.diarize_channels) return;
  if (request.sequential) {
    throw usage("--diarize-channels: channels are transcribed together; drop what makes windows follow each other");
  }
  // What is silence in one channel is somebody's speech in another: it must not be decoded.
  request.vad.filter = true;
  if (request.vad.method == VadMethod::kNone) request.vad.method = VadMethod::kAuto;
  request.options.word_timestamps = true;
}

void read_words(const TranscribeArguments& a, TranscribeRequest& request) {
  request.options.word_timestamps = a.word_timestamps;
  request.options.words = {a.prepend_punctuations, a.append_punctuations};
  request.options.hallucination_silence_threshold_s =
      read_optional_number({"--hallucination-silence-threshold", a.hallucination_silence_threshold}, 0, kAnyNumber);
  request.writer.highlight_words = a.highlight_words;
  request.writer.max_words_per_line = read_optional_count({"--max-words-per-line", a.max_words_per_line}, 1, 100'000);
  if (a.word_timestamps) return;
  const auto refuse = [](const char* name) {
    throw usage(fmt::format("{}: has no effect without --word-timestamps; add it", name));
  };
  if (request.options.hallucination_silence_threshold_s) refuse("--hallucination-silence-threshold");
  if (request.writer.highlight_words) refuse("--highlight-words");
  if (request.writer.max_words_per_line) refuse("--max-words-per-line");
}

// How windows follow each other. Options that look at earlier text or name times have a meaning only where they do so
// one after the other.
void read_order(const TranscribeArguments& a, TranscribeRequest& request) {
  const char* implied_by = a.sequential                                        ? "--sequential"
                           : a.live                                            ? "--live"
                           : a.condition_given && a.condition_on_previous_text ? "--condition-on-previous-text"
                           : a.carry_initial_prompt                            ? "--carry-initial-prompt"
                           : a.clip_timestamps != "0"                          ? "--clip-timestamps"
                           : request.options.hallucination_silence_threshold_s ? "--hallucination-silence-threshold"
                                                                               : nullptr;
  request.sequential = implied_by != nullptr;
  request.batch_size = read_count({"--batch-size", a.batch_size}, 1, 256);
  request.multilingual = a.multilingual;
  if (request.multilingual && request.sequential) {
    throw usage(fmt::format("--multilingual: windows are decoded one after the other, in one language, because of {}",
                            implied_by));
  }
  if (request.multilingual && request.options.language) {
    throw usage(fmt::format("--multilingual: detects the language that --language '{}' names; give one of the two",
                            a.language));
  }
}

// Two inputs that would be written to one file; a folder that is meant for standard output.
void check_destinations(const TranscribeRequest& request) {
  if (request.output_dir == "-") {
    throw usage("--output-dir '-': is for folders; without it the result goes to standard output");
  }
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
  add_live_options(parser, arguments);
  add_content_options(parser, arguments);
  add_vad_options(parser, arguments.vad);
  add_decoding_options(parser, arguments);
  add_word_options(parser, arguments);
  add_diarize_options(parser, arguments);
  add_output_options(parser, arguments);
}

TranscribeRequest read_transcribe_request(const TranscribeArguments& arguments) {
  TranscribeRequest request;
  request.files = arguments.files;
  request.engine = {arguments.model, arguments.compute_type, read_count({"--threads", arguments.threads}, 0, 1024),
                    arguments.device};
  read_device(arguments.device);               // refused now, as the compute type
  check_compute_type(arguments.compute_type);  // refused now rather than after the model is found

  request.vad = read_vad_request(arguments.vad);
  read_decoding(arguments, request.options);
  request.options.language = read_language({"--language", arguments.language});
  request.options.initial_prompt = arguments.initial_prompt;
  request.options.carry_initial_prompt = arguments.carry_initial_prompt;
  request.options.hotwords = arguments.hotwords;
  request.options.condition_on_previous_text = arguments.condition_on_previous_text;
  request.options.clip_timestamps = read_clips({"--clip-timestamps", arguments.clip_timestamps});

  read_live(arguments, request);
  read_words(arguments, request);
  read_order(arguments, request);
  read_speakers(arguments, request);
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
