// amanuensis submit: recordings become jobs of a fleet.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/engine.h"
#include "cli/exit_code.h"
#include "cli/fleet_options.h"
#include "cli/fleet_watch.h"
#include "cli/option_values.h"
#include "cli/progress_text.h"
#include "cli/speaker_tools.h"
#include "fleet/inputs.h"
#include "fleet/job_options.h"
#include "fleet/submission.h"

namespace amanuensis::cli {
namespace {

struct Arguments {
  FleetArguments fleet;
  std::vector<std::string> inputs;
  std::string manifest;
  std::string results;
  std::string upload;
  std::string formats;
  std::string priority = "normal";
  std::string model = std::string(kDefaultModel);
  std::string language = "auto";
  std::string task = "transcribe";
  std::string initial_prompt;
  std::string temperature = "0";
  std::string beam_size = "1";
  bool no_word_timestamps = false;
  bool vad_filter = false;
  bool diarize = false;
  SpeakerArguments speakers;
  bool wait = false;
  bool json = false;
  bool quiet = false;
  bool allow_private_urls = false;
};

fleet::JobOptions read_job(const Arguments& a) {
  constexpr std::array<std::string_view, 2> kTasks{"transcribe", "translate"};
  fleet::JobOptions options;
  options.language = read_language({"--language", a.language});
  options.translate = read_choice({"--task", a.task}, kTasks) == "translate";
  options.prompt = a.initial_prompt;
  options.temperature = read_number({"--temperature", a.temperature}, 0, 1);
  options.beam_size = read_count({"--beam-size", a.beam_size}, 1, 100);
  options.word_timestamps = !a.no_word_timestamps;
  options.vad_filter = a.vad_filter;
  if (a.diarize) options.diarize = read_speaker_options(a.speakers);
  return options;
}

fleet::SubmissionOptions read_submission(const Arguments& a, const Context& context) {
  constexpr std::array<std::string_view, 3> kPriorities{"high", "normal", "low"};
  fleet::SubmissionOptions options;
  options.model = a.model;
  options.options = fleet::options_json(read_job(a));
  options.priority = *fleet::parse_priority(read_choice({"--priority", a.priority}, kPriorities));
  if (!a.formats.empty()) options.formats = read_formats({"--output-format", a.formats});
  if (a.results.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "--results: name a folder that all workers see, or s3://bucket/prefix: that is where transcripts go");
  }
  options.results = fleet::absolute_address(a.results);
  if (!a.upload.empty()) options.upload = fleet::absolute_address(a.upload);
  options.storage = fleet_storage(context, a.allow_private_urls);
  return options;
}

std::vector<std::string> all_inputs(const Arguments& a) {
  std::vector<std::string> inputs = a.inputs;
  if (!a.manifest.empty()) {
    std::vector<std::string> more;
    if (a.manifest == "-") {
      more = fleet::read_manifest(std::cin, ".");
    } else {
      std::ifstream in(a.manifest);
      if (!in) throw Error(ErrorCode::kNotFound, fmt::format("--manifest '{}': cannot be read", a.manifest));
      more = fleet::read_manifest(in, std::filesystem::absolute(a.manifest).parent_path().string());
    }
    inputs.insert(inputs.end(), more.begin(), more.end());
  }
  if (inputs.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "name what is to be transcribed: files, folders, s3://..., https://...");
  }
  return inputs;
}

int run(Context& context, const Arguments& arguments) {
  const fleet::SubmissionOptions options = read_submission(arguments, context);
  const std::vector<std::string> inputs = all_inputs(arguments);
  fleet::Fleet fleet(read_fleet_options(arguments.fleet, "submit"));
  fleet::Submission submission(fleet, options);
  std::vector<std::string> ids;
  std::size_t failed = 0;
  const auto submit_one = [&](const fleet::Input& input) {
    if (context.stop.stop_requested()) throw Error(ErrorCode::kCancelled, "interrupted");
    try {
      const fleet::Submitted done = submission.submit(input, context.stop);
      ids.push_back(done.job.id);
      if (arguments.json) {
        const nlohmann::ordered_json json = {{"id", done.job.id},
                                             {"new", done.is_new},
                                             {"status", fleet::to_string(done.job.status)},
                                             {"source", done.job.source}};
        context.terminal.out(json.dump() + "\n");
      } else if (!arguments.quiet && !arguments.wait) {
        context.terminal.out(fmt::format("{}  {:<9}  {}\n", done.job.id,
                                         done.is_new ? "new" : fleet::to_string(done.job.status), input.name));
      }
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kCancelled || error.code() == ErrorCode::kNetwork) throw;
      ++failed;
      context.terminal.message(fmt::format("amanuensis: {}", error.what()));
    }
    context.terminal.status([&](std::size_t) {
      return fmt::format("{} submitted, {} of them new, {}", ids.size(), submission.new_jobs(),
                         size_text(submission.read_bytes()));
    });
  };
  for (const std::string& input : inputs) {
    try {
      fleet::expand_input(input, submission.stores(), submit_one, context.stop);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kNotFound && error.code() != ErrorCode::kInvalidArgument) throw;
      ++failed;
      context.terminal.message(fmt::format("amanuensis: {}", error.what()));
    }
  }
  context.terminal.clear_status();
  if (!arguments.quiet) {
    context.terminal.message(fmt::format("{} jobs, {} of them new{}", ids.size(), submission.new_jobs(),
                                         submission.new_jobs() < ids.size() ? "; the others were known" : ""));
  }
  std::size_t not_done = 0;
  if (arguments.wait && !ids.empty()) not_done = watch_jobs(context, fleet, ids);
  return failed + not_done > 0 ? kExitSomeFailed : kExitOk;
}

void add_options(CLI::App& parser, Arguments& a) {
  parser.add_option("INPUT", a.inputs, "Files, folders, patterns, s3://bucket/prefix, https://...")->type_name("");
  const auto add = [&](const char* names, std::string& value, const char* type, const char* help) {
    return parser.add_option(names, value, help)->type_name(type)->capture_default_str();
  };
  add("--manifest", a.manifest, "FILE", "A list of inputs, one a line; - is standard input");
  add("--results", a.results, "ADDRESS", "Where transcripts go: a folder all workers see, or s3://bucket/prefix")
      ->envname(option_variable("results"));
  add("--upload", a.upload, "ADDRESS", "Copy files of this machine there first, where workers can read them");
  add("--output-format", a.formats, "LIST", "Besides the full JSON: txt, srt, vtt, tsv");
  add("--priority", a.priority, "NAME", "high, normal or low");
  parser.add_flag("--wait", a.wait, "Show progress until these jobs are over; fails when one has");
  parser.add_flag("--json", a.json, "One JSON object a job");
  parser.add_flag("-q,--quiet", a.quiet, "Say nothing but what is wrong");
  const char* how = "How they are transcribed";
  add("-m,--model", a.model, "MODEL", "As the workers know it")->group(how)->envname(option_variable("model"));
  add("-l,--language", a.language, "LANGUAGE", "Code or English name; auto: detected")->group(how);
  add("--task", a.task, "TASK", "transcribe, or translate (to English)")->group(how);
  add("--initial-prompt", a.initial_prompt, "TEXT", "Names and words to expect")->group(how);
  add("--temperature", a.temperature, "T", "0: the usual ladder")->group(how);
  add("--beam-size", a.beam_size, "N", "Beams at temperature 0; 1 is greedy")->group(how);
  parser.add_flag("--no-word-timestamps", a.no_word_timestamps, "No times of words")->group(how);
  parser.add_flag("--vad-filter", a.vad_filter, "Leave out what is not speech")->group(how);
  parser.add_flag("--diarize", a.diarize, "Tell who speaks")->group(how);
  add_speaker_options(parser, a.speakers);
  add_private_urls_option(parser, a.allow_private_urls);
  add_fleet_options(parser, a.fleet);
}

}  // namespace

Command add_submit_command(CLI::App& program) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* parser = program.add_subcommand("submit", "Give recordings to a fleet");
  add_options(*parser, *arguments);
  parser->footer(
      "One job a recording. The same recording with the same options is one job, however often it is submitted.\n"
      "Transcripts are named by the recording's SHA-256; `amanuensis jobs list --json` says which is whose.\n\n"
      "Examples:\n"
      "  amanuensis submit calls/ --results /shared/transcripts --output-format txt,srt --wait\n"
      "  amanuensis submit s3://archive/2024/ --results s3://transcripts/2024 --model base --priority low\n"
      "  find /shared -name '*.opus' | amanuensis submit --manifest - --results /shared/transcripts");
  return {parser, [arguments](Context& context) { return run(context, *arguments); }};
}

}  // namespace amanuensis::cli
