#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/cpu_features.h"
#include "base/error.h"
#include "cli/bench/model_bench.h"
#include "cli/bench/model_report.h"
#include "cli/bench/options.h"
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
  std::string compute_type = "auto";
  std::string threads = "0";
  std::string batches = "1,4,16";
  std::string steps = "32";
  std::string seconds = "1";
  std::string seed = "0";
  std::string chart;
  bool json = false;
};

// Reads the checkpoint, or makes one up, and packs it. Making one up is not loading, and not timed.
std::unique_ptr<model::WhisperModel> load_model(const Context& context, const Arguments& arguments,
                                                const std::optional<model::PublishedSize>& random,
                                                device::Backend& backend, ModelReport& report) {
  std::optional<model::Checkpoint> checkpoint;
  Clock::time_point start = Clock::now();
  if (random) {
    checkpoint = model::random_checkpoint(random->dims, {.seed = read_count({"--seed", arguments.seed}, 0, UINT64_MAX),
                                                         .storage = model::StorageType::kBF16});
    report.model = fmt::format("random {}", random->name);
    start = Clock::now();
  } else {
    const std::filesystem::path path = find_model(context.hub, arguments.model);
    report.model = path.string();
    checkpoint = model::open_checkpoint(path);
  }
  auto model = std::make_unique<model::WhisperModel>(*checkpoint, backend);
  report.load_ms = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  checkpoint.reset();
  report.rss_mb = resident_mb();
  return model;
}

int run(Context& context, const Arguments& arguments) {
  if (!arguments.random.empty() && !arguments.model.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "--model and --random exclude each other: give one");
  }
  std::optional<model::PublishedSize> random;
  if (!arguments.random.empty()) random = read_published_size({"--random", arguments.random});
  ModelBenchOptions options;
  options.batches = read_counts({"--batches", arguments.batches}, 1, 1024);
  options.steps = read_count({"--steps", arguments.steps}, 1, 100000);
  options.seconds = read_number({"--seconds", arguments.seconds}, 0.0, 600.0);
  const auto threads = static_cast<std::size_t>(read_count({"--threads", arguments.threads}, 0, 1024));
  check_compute_type(arguments.compute_type);
  require_writable({"--chart", arguments.chart});

  Terminal& terminal = context.terminal;
  const auto show = [&](const std::string& part) {
    terminal.status([&](std::size_t) { return fmt::format("bench model: {}", part); });
  };
  const kernels::KernelTable kernels = kernels::select_kernels(detect_cpu_features(), context.environment.isa);
  ThreadPool pool(threads);
  const device::ComputeType type = read_compute_type(arguments.compute_type, kernels);
  const auto backend = device::make_cpu_backend({.pool = pool, .kernels = kernels, .compute_type = type});
  ModelReport report;
  report.machine = describe_machine();
  report.isa = kernels.isa;
  report.compute_type = device::to_string(backend->compute_type());
  report.threads = pool.threads();
  report.steps = options.steps;
  show("loading");
  const auto model = load_model(context, arguments, random, *backend, report);
  report.times = bench_model(*model, *backend, options, show, context.stop);
  show("ceilings");
  report.ceilings = measure_ceilings(kernels.isa, pool, report.machine.last_cache_bytes);
  terminal.clear_status();

  if (!arguments.chart.empty()) write_chart(arguments.chart, model_chart(report));
  terminal.out(arguments.json ? json_of(report) : text_of(report));
  return 0;
}

}  // namespace

Command add_bench_model_command(CLI::App& bench) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* parser =
      bench.add_subcommand("model", "A model's parts: loading, encoder, prompt, decoding steps of several sequences");
  const auto option = [&](const std::string& names, std::string& value, const std::string& help, const char* type) {
    parser->add_option(names, value, help)->type_name(type)->capture_default_str();
  };
  option("-m,--model", arguments->model, "Name, Hugging Face folder or ggml file [base]", "MODEL");
  option("--random", arguments->random,
         "Made-up weights of a published size: tiny, base, small, medium, large-v3, turbo, ...", "SIZE");
  option("--compute-type", arguments->compute_type, "auto, float32, bfloat16 or int8", "TYPE");
  option("--threads", arguments->threads, "Threads; 0: one per CPU", "N");
  option("--batches", arguments->batches, "Sequences that a decoding step advances at once", "LIST");
  option("--steps", arguments->steps, "Decoding steps in a row", "N");
  option("--seconds", arguments->seconds, "Time for each part", "S");
  option("--seed", arguments->seed, "Of the made-up weights", "N");
  parser->add_flag("--json", arguments->json, "One JSON object instead of text");
  option("--chart", arguments->chart, "Draw the results, as SVG", "FILE");
  parser->footer(
      "Times are the best of the calls that fit into --seconds. Sequences decoded at once have windows of their own, "
      "so\n"
      "their keys and values are read from memory as those of different recordings are. `load` is opening the file "
      "and\n"
      "packing the weights; with --random, packing alone.\n\n"
      "Examples:\n  amanuensis bench model --random base --compute-type int8 --threads 2\n"
      "  amanuensis bench model --model ./whisper-small --json --chart small.svg");
  return {parser, [arguments](Context& context) { return run(context, *arguments); }};
}

}  // namespace amanuensis::cli
