#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/cpu_features.h"
#include "base/error.h"
#include "cli/bench/kernel_bench.h"
#include "cli/bench/kernel_report.h"
#include "cli/bench/options.h"
#include "cli/bench_commands.h"

namespace amanuensis::cli {
namespace {

struct Arguments {
  std::string isa;
  std::string threads = "1,0";
  std::string kernels = "all";
  std::string sizes = "tiny,base,medium,large-v3";
  std::string types = "all";
  std::string rows = "1500,1,4,16";
  std::string seconds = "0.02";
  std::string chart;
  bool json = false;
  bool no_peers = false;
};

constexpr std::array<std::string_view, 8> kIsaNames = {"avx512",    "avx512_vnni",  "avx512f", "avx2",
                                                       "neon_bf16", "neon_dotprod", "neon",    "scalar"};

// Best first. Nothing asked for: AMANUENSIS_ISA, or the best there is.
std::vector<kernels::KernelTable> read_isas(const std::string& text, const std::string& environment) {
  const CpuFeatures cpu = detect_cpu_features();
  if (text.empty()) return {kernels::select_kernels(cpu, environment)};
  std::vector<kernels::KernelTable> tables;
  for (const std::string& name : read_choices({"--isa", text}, kIsaNames)) {
    try {
      tables.push_back(kernels::select_kernels(cpu, name));
    } catch (const Error& error) {
      if (text != "all" || error.code() != ErrorCode::kUnsupported) throw;
    }
  }
  return tables;
}

KernelBenchOptions read_options(const Arguments& arguments) {
  KernelBenchOptions options;
  options.kernels = read_choices({"--kernels", arguments.kernels}, kernel_names());
  options.sizes = read_published_sizes({"--sizes", arguments.sizes});
  options.types = read_compute_types({"--types", arguments.types});
  options.rows = read_counts({"--rows", arguments.rows}, 1, 100000);
  options.seconds = read_number({"--seconds", arguments.seconds}, 0.0, 60.0);
  return options;
}

int run(Context& context, const Arguments& arguments) {
  KernelBenchOptions options = read_options(arguments);
  const std::vector<std::size_t> threads = read_thread_counts({"--threads", arguments.threads});
  const std::vector<kernels::KernelTable> tables = read_isas(arguments.isa, context.environment.isa);
  require_writable({"--chart", arguments.chart});
  const Peers peers = arguments.no_peers ? Peers("not compared with other libraries (--no-peers)")
                                         : Peers::load(context.environment.program_dir);
  KernelReport report;
  report.machine = describe_machine();
  report.peers = peers.missing();
  options.out_of_cache_bytes = out_of_cache_bytes(report.machine.last_cache_bytes);
  Terminal& terminal = context.terminal;
  const auto print = [&](const std::string& text) {
    if (arguments.json) return;
    terminal.clear_status();
    terminal.out(text);
  };
  print(machine_text(report.machine));
  if (!peers.available()) print(fmt::format("peers      {}\n", peers.missing()));

  for (const kernels::KernelTable& table : tables) {
    for (const std::size_t count : threads) {
      ThreadPool pool(count);
      const auto isa = kernels::to_string(table.isa);
      terminal.status([&](std::size_t) { return fmt::format("{}, {} threads: ceilings", isa, count); });
      const Ceilings ceilings = measure_ceilings(table.isa, pool, report.machine.last_cache_bytes);
      report.ceilings.push_back({table.isa, ceilings});
      print(ceilings_text(table.isa, ceilings) + kernel_heading());
      // Other libraries choose the best instruction set themselves: they are compared with our best.
      const KernelBenchRun bench{.kernels = table,
                                 .ceilings = ceilings,
                                 .pool = pool,
                                 .peers = peers.available() && &table == tables.data() ? &peers : nullptr};
      bench_kernels(
          options, bench,
          [&](const KernelResult& result) {
            print(kernel_line(result));
            terminal.status([&](std::size_t) {
              return fmt::format("{}, {} threads: {} {} {}", isa, count, result.name, result.shape,
                                 device::to_string(result.type));
            });
            report.kernels.push_back(result);
          },
          context.stop);
    }
  }
  terminal.clear_status();
  if (!arguments.chart.empty()) write_chart(arguments.chart, kernel_chart(report));
  if (arguments.json) terminal.out(json_of(report));
  return 0;
}

}  // namespace

Command add_bench_kernels_command(CLI::App& bench) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* parser = bench.add_subcommand(
      "kernels", "Kernels at Whisper's shapes: shares of the machine's ceilings, beside other libraries");
  const auto option = [&](const std::string& names, std::string& value, const std::string& help, const char* type) {
    parser->add_option(names, value, help)->type_name(type)->capture_default_str();
  };
  option("--isa", arguments->isa,
         "Instruction sets by the names of AMANUENSIS_ISA, or all [AMANUENSIS_ISA, or the best there is]", "LIST");
  option("--threads", arguments->threads, "Numbers of threads; 0: one per CPU", "LIST");
  option("--kernels", arguments->kernels, fmt::format("{}, all", fmt::join(kernel_names(), ", ")), "LIST");
  option("--sizes", arguments->sizes, "Published sizes whose layers give the shapes", "LIST");
  option("--types", arguments->types, "float32, bfloat16, int8, all", "LIST");
  option("--rows", arguments->rows, "Rows of the products: many (an encoder's) or 1 to 16 (a decoder's)", "LIST");
  option("--seconds", arguments->seconds, "Length of a burst of calls; each kernel has two to eight", "S");
  parser->add_flag("--no-peers", arguments->no_peers, "Do not compare with oneDNN and OpenBLAS");
  parser->add_flag("--json", arguments->json, "One JSON object instead of the table");
  option("--chart", arguments->chart, "Draw the results, as SVG", "FILE");
  parser->footer(
      "Measures the ceilings first: peak multiply rates in registers and memory bandwidth, for each instruction set "
      "and\n"
      "number of threads. Products of many rows, attention and convolutions are given as a share of the multiply rate "
      "of\n"
      "their type; products of 1 to 16 rows and attention over cached keys as a share of the read bandwidth, with "
      "their\n"
      "operands out of cache; element-wise kernels as a share of the bandwidth of reading and writing.\n"
      "Ours take and give float32, so packing and quantising the rows is in their time; the others are given operands "
      "in\n"
      "their own type and layout. They are loaded from amanuensis_peers.so beside the program, which `make bench` "
      "builds.\n\n"
      "Examples:\n  amanuensis bench kernels\n"
      "  amanuensis bench kernels --kernels gemm --sizes base --types int8 --isa avx512,avx2\n"
      "  amanuensis bench kernels --json --chart kernels.svg > kernels.json");
  return {parser, [arguments](Context& context) { return run(context, *arguments); }};
}

}  // namespace amanuensis::cli
