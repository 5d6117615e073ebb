#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "base/cpu_features.h"
#include "base/error.h"
#include "cli/bench/machine.h"
#include "cli/bench/options.h"
#include "cli/bench/pipeline_bench.h"
#include "cli/bench_commands.h"
#include "cli/engine.h"
#include "device/cpu/cpu_backend.h"
#include "model/checkpoint/random_checkpoint.h"

namespace amanuensis::cli {
namespace {

using Clock = std::chrono::steady_clock;

struct Arguments {
  std::string model;
  std::string random;
  std::string audio;
  std::string audio_minutes = "10";
  std::string tokens = "100";
  std::string beam_size = "1";
  std::string requests = "1";
  std::string batch = "16";
  std::string compute_type = "auto";
  std::string threads = "0";
  bool word_timestamps = false;
  bool no_vad = false;
  bool json = false;
};

struct Report {
  Machine machine;
  std::string model;
  std::string compute_type;
  std::string isa;
  std::size_t threads = 1;
  double load_ms = 0;
  PipelineBenchOptions options;
  PipelineTimes times;

  double realtime_factor() const { return times.audio_s / times.elapsed_s; }
};

// A file that is deleted with the object.
class TemporaryFile {
 public:
  TemporaryFile() : path_(std::filesystem::temp_directory_path() / fmt::format("amanuensis-bench-{}.wav", getpid())) {}
  ~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::string text_of(const Report& report) {
  const PipelineTimes& times = report.times;
  const pipeline::EngineTimes& stages = times.stages;
  const std::size_t forced = report.options.tokens_per_window;
  std::string text =
      fmt::format("model      {}, {}, {} threads, {}\n", report.model, report.compute_type, report.threads, report.isa);
  text += fmt::format("work       {:.1f} min of audio, {} windows, {}, beam {}{}\n", times.audio_s / 60, times.windows,
                      forced > 0 ? fmt::format("{} tokens each", forced) : fmt::format("{} tokens", times.tokens),
                      report.options.beam_size, report.options.word_timestamps ? ", word times" : "");
  text += fmt::format("speed      {:.1f}x realtime ({:.2f} s, {:.2f} s of processor time), {:.0f} tokens/s\n",
                      report.realtime_factor(), times.elapsed_s, times.processor_s,
                      static_cast<double>(times.tokens) / times.elapsed_s);
  if (times.one_after_another_s > 0) {
    text +=
        fmt::format("requests   {} at once: {:.2f} times as fast as one after another ({:.2f} s)\n",
                    report.options.requests, times.one_after_another_s / times.elapsed_s, times.one_after_another_s);
  }
  text += fmt::format(
      "stages     decode {:.0f} ms, voice activity {:.0f} ms, log-mel {:.0f} ms, encoder {:.0f} ms, decoder {:.0f} ms, "
      "search {:.0f} ms, word times {:.0f} ms (they overlap)\n",
      1e3 * stages.decode_s, 1e3 * stages.vad_s, 1e3 * stages.mel_s, 1e3 * stages.batch.encoder_s,
      1e3 * stages.batch.decoder_s, 1e3 * stages.batch.choosing_s, 1e3 * stages.batch.finishing_s);
  return text + fmt::format("memory     {:.0f} MB resident\n", times.rss_mb);
}

std::string json_of(const Report& report) {
  const PipelineTimes& times = report.times;
  const pipeline::EngineTimes& stages = times.stages;
  nlohmann::ordered_json json;
  json["machine"] = to_json(report.machine);
  json["model"] = report.model;
  json["compute_type"] = report.compute_type;
  json["isa"] = report.isa;
  json["threads"] = report.threads;
  json["load_ms"] = report.load_ms;
  json["audio_s"] = times.audio_s;
  json["elapsed_s"] = times.elapsed_s;
  json["processor_s"] = times.processor_s;
  json["realtime_factor"] = report.realtime_factor();
  json["windows"] = times.windows;
  json["tokens"] = times.tokens;
  json["tokens_per_s"] = static_cast<double>(times.tokens) / times.elapsed_s;
  json["beam_size"] = report.options.beam_size;
  json["word_timestamps"] = report.options.word_timestamps;
  json["stages_ms"] = {{"decode", 1e3 * stages.decode_s},
                       {"vad", 1e3 * stages.vad_s},
                       {"mel", 1e3 * stages.mel_s},
                       {"encoder", 1e3 * stages.batch.encoder_s},
                       {"decoder", 1e3 * stages.batch.decoder_s},
                       {"search", 1e3 * stages.batch.choosing_s},
                       {"align", 1e3 * stages.batch.finishing_s}};
  json["rss_mb"] = times.rss_mb;
  json["peak_rss_mb"] = peak_resident_mb();
  json["requests"] = {{"count", report.options.requests}};
  if (times.one_after_another_s > 0) {
    json["requests"]["one_after_another_s"] = times.one_after_another_s;
    json["requests"]["speedup"] = times.one_after_another_s / times.elapsed_s;
  }
  return json.dump(2) + "\n";
}

PipelineBenchOptions read_options(const Arguments& arguments) {
  PipelineBenchOptions options;
  options.tokens_per_window = read_count({"--tokens-per-window", arguments.tokens}, 0, 10000);
  options.beam_size = read_count({"--beam-size", arguments.beam_size}, 1, 64);
  options.requests = read_count({"--requests", arguments.requests}, 1, 10000);
  options.max_windows = read_count({"--batch", arguments.batch}, 1, 256);
  options.word_timestamps = arguments.word_timestamps;
  options.vad = !arguments.no_vad;
  return options;
}

// Made-up weights need a made-up vocabulary.
model::Checkpoint checkpoint_of(const Context& context, const Arguments& arguments, std::string& name) {
  if (!arguments.random.empty()) {
    const model::PublishedSize size = read_published_size({"--random", arguments.random});
    name = fmt::format("random {}", size.name);
    return model::random_checkpoint(size.dims, {.storage = model::StorageType::kBF16, .with_vocabulary = true});
  }
  const std::filesystem::path path = find_model(context.hub, arguments.model);
  name = path.string();
  return model::open_checkpoint(path);
}

int run(Context& context, const Arguments& arguments) {
  if (!arguments.random.empty() && !arguments.model.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "--model and --random exclude each other: give one");
  }
  Report report;
  report.options = read_options(arguments);
  const double minutes = read_number({"--audio-minutes", arguments.audio_minutes}, 0.01, 600);
  const auto threads = static_cast<std::size_t>(read_count({"--threads", arguments.threads}, 0, 1024));
  const kernels::KernelTable kernels = kernels::select_kernels(detect_cpu_features(), context.environment.isa);
  const device::ComputeType type = read_compute_type(arguments.compute_type, kernels);
  ThreadPool pool(threads);
  const auto backend = device::make_cpu_backend({.pool = pool, .kernels = kernels, .compute_type = type});
  const Clock::time_point opened = Clock::now();
  std::optional<model::Checkpoint> checkpoint = checkpoint_of(context, arguments, report.model);
  const Clock::time_point start = arguments.random.empty() ? opened : Clock::now();  // making weights up is not loading
  const model::Tokenizer tokenizer(checkpoint->vocabulary);
  const model::GenerationSettings generation = checkpoint->generation;
  const model::WhisperModel model(*checkpoint, *backend);
  checkpoint.reset();
  report.load_ms = std::chrono::duration<double, std::milli>(Clock::now() - start).count();

  report.machine = describe_machine();
  report.compute_type = device::to_string(backend->compute_type());
  report.isa = kernels::to_string(kernels.isa);
  report.threads = pool.threads();
  TemporaryFile babble;
  const bool is_made_up = arguments.audio.empty();
  if (is_made_up) write_babble(babble.path(), 60 * minutes);
  report.times =
      bench_pipeline({model, tokenizer, generation}, {kernels, pool},
                     is_made_up ? babble.path() : std::filesystem::path(arguments.audio), report.options, context.stop);
  context.terminal.out(arguments.json ? json_of(report) : text_of(report));
  return 0;
}

}  // namespace

Command add_bench_pipeline_command(CLI::App& bench) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* parser = bench.add_subcommand("pipeline", "Whole transcriptions: media file in, transcript out");
  const auto option = [&](const std::string& names, std::string& value, const std::string& help, const char* type) {
    parser->add_option(names, value, help)->type_name(type)->capture_default_str();
  };
  option("-m,--model", arguments->model, "Name, Hugging Face folder or ggml file [base]", "MODEL");
  option("--random", arguments->random, "Made-up weights of a published size: tiny, base, small, medium, large-v3, ...",
         "SIZE");
  option("--audio", arguments->audio, "A recording; without one, noise that rises and falls like speech", "FILE");
  option("--audio-minutes", arguments->audio_minutes, "Minutes of made-up audio", "MIN");
  option("--tokens-per-window", arguments->tokens,
         "Tokens decoded for every window, whatever the model says; 0: as it says", "N");
  option("--beam-size", arguments->beam_size, "Beams; 1 is greedy", "N");
  parser->add_flag("--word-timestamps", arguments->word_timestamps, "When each word was said, too");
  option("--requests", arguments->requests, "Transcribe the audio so often: at once, then one after another", "N");
  option("--batch", arguments->batch, "Windows decoded at once", "N");
  option("--compute-type", arguments->compute_type, "auto, float32, bfloat16 or int8", "TYPE");
  option("--threads", arguments->threads, "Threads; 0: one per CPU", "N");
  parser->add_flag("--no-vad-filter", arguments->no_vad, "Leave voice activity detection out");
  parser->add_flag("--json", arguments->json, "One JSON object instead of text");
  parser->footer(
      "Every window is given exactly --tokens-per-window tokens, without time tokens and without fallback, so that\n"
      "made-up weights do the work of real ones. Voice activity detection runs, and its verdict is not heeded: all "
      "audio\n"
      "is decoded. With --tokens-per-window 0 decoding is a transcription's own, for comparisons with the server\n"
      "(bench/server/throughput.py). Loading the model is not part of the time; decoding the media file is.\n\n"
      "Examples:\n  amanuensis bench pipeline --random base --compute-type int8 --audio-minutes 10 --tokens-per-window "
      "100\n"
      "  amanuensis bench pipeline --random base --audio-minutes 0.5 --requests 32 --json");
  return {parser, [arguments](Context& context) { return run(context, *arguments); }};
}

}  // namespace amanuensis::cli
