// The options of `amanuensis transcribe`: as text, as the command line gives them, and as what they mean.
#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "cli/engine.h"
#include "cli/live_input.h"
#include "cli/speaker_tools.h"
#include "cli/vad_options.h"
#include "pipeline/transcriber.h"
#include "pipeline/writers/writers.h"

namespace amanuensis::cli {

// Defaults as openai's whisper has them, in the same words.
struct TranscribeArguments {
  std::vector<std::string> files;
  std::string model;
  std::string compute_type = "auto";
  std::string threads = "0";
  std::string device = "auto";
  std::string log_mel = "auto";
  std::string npu_fault;
  bool sequential = false;
  std::string batch_size = "16";
  bool multilingual = false;

  bool live = false;
  std::string live_format = "s16le";

  std::string language = "auto";
  std::string task = "transcribe";
  std::string initial_prompt;
  bool carry_initial_prompt = false;
  std::string hotwords;
  bool condition_on_previous_text = true;
  bool condition_given = false;
  std::string clip_timestamps = "0";

  std::string temperature = "0";
  std::string temperature_increment_on_fallback = "0.2";
  std::string beam_size = "5";
  std::string best_of = "5";
  std::string patience = "None";
  std::string length_penalty = "None";
  std::string suppress_tokens = "-1";
  std::string seed = "0";
  std::string repetition_penalty = "1";
  std::string no_repeat_ngram_size = "0";
  std::string compression_ratio_threshold = "2.4";
  std::string logprob_threshold = "-1.0";
  std::string no_speech_threshold = "0.6";

  VadArguments vad;

  bool diarize = false;
  bool diarize_channels = false;
  SpeakerArguments speakers;

  bool word_timestamps = false;
  std::string prepend_punctuations = pipeline::WordTimeOptions{}.prepend_punctuations;
  std::string append_punctuations = pipeline::WordTimeOptions{}.append_punctuations;
  std::string hallucination_silence_threshold = "None";
  bool highlight_words = false;
  std::string max_words_per_line = "None";

  std::string output_format;  // empty: not given
  std::string output_dir;     // empty: standard output
  std::string max_line_width = "None";
  std::string max_line_count = "None";
  bool verbose = false;
  bool quiet = false;
};

struct TranscribeRequest {
  std::vector<std::string> files;
  bool live = false;  // speech from standard input, while it is spoken
  PcmFormat live_format = PcmFormat::kS16le;
  EngineOptions engine;
  pipeline::TranscribeOptions options;
  // OpenAI's algorithm, window after window; otherwise windows are decoded together.
  bool sequential = false;
  std::size_t batch_size = 16;
  bool multilingual = false;
  VadRequest vad;
  // Who speaks; absent: that is not asked.
  std::optional<pipeline::DiarizeOptions> diarize;
  bool diarize_channels = false;  // one speaker a channel
  pipeline::WriterOptions writer;
  std::vector<const pipeline::WriterFormat*> formats;  // at least one
  bool format_given = false;
  std::string output_dir;  // empty: standard output
  bool verbose = false;
  bool quiet = false;
};

// Adds the options, in groups, to the parser. `arguments` must live as long as the parser.
void add_transcribe_options(CLI::App& parser, TranscribeArguments& arguments);

// Checks every value and that they fit together. Throws Error{kInvalidArgument} naming the option.
TranscribeRequest read_transcribe_request(const TranscribeArguments& arguments);

}  // namespace amanuensis::cli
