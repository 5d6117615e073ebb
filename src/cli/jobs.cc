// amanuensis jobs list | watch | cancel | retry | stats: the jobs of a fleet.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/fleet_options.h"
#include "cli/fleet_watch.h"
#include "cli/option_values.h"
#include "cli/progress_text.h"
#include "fleet/nats/stream.h"
#include "fleet/status.h"

namespace amanuensis::cli {
namespace {

using Json = nlohmann::ordered_json;

// Workers tell about themselves once a second.
constexpr std::chrono::milliseconds kListen{2500};

struct Arguments {
  FleetArguments fleet;
  std::vector<std::string> ids;
  std::string status;
  std::string search;
  std::string limit = "50";
  bool json = false;
  bool all = false;
  bool failed = false;
  bool lost = false;
};

std::vector<fleet::JobStatus> read_statuses(const std::string& text) {
  std::vector<fleet::JobStatus> statuses;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find(',', start), text.size());
    const auto status = fleet::parse_job_status(text.substr(start, end - start));
    if (!status) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("--status '{}': is none of queued, running, done, failed, cancelled",
                              text.substr(start, end - start)));
    }
    statuses.push_back(*status);
    start = end + 1;
  }
  return statuses;
}

std::string line_of(const fleet::Job& job) {
  std::string line = fmt::format("{}  {:<9}  {:>8}  {}", job.id, fleet::to_string(job.status),
                                 job.audio_s > 0 ? clock_text(job.audio_s) : "", job.name);
  if (job.status == fleet::JobStatus::kFailed) line += fmt::format("  ({})", fleet::error_message(job));
  if (job.ranges && job.ranges->count > 0) {
    line += fmt::format("  ({} of {} ranges)", std::ranges::count(job.ranges->done, '1'), job.ranges->count);
  }
  return line + "\n";
}

int list(Context& context, const Arguments& arguments) {
  const std::vector<fleet::JobStatus> statuses = read_statuses(arguments.status);
  const std::uint64_t limit = read_count({"--limit", arguments.limit}, 0, 1'000'000'000);
  fleet::Fleet fleet(read_fleet_options(arguments.fleet, "jobs"));
  std::vector<fleet::Job> jobs;
  fleet.each([&](const fleet::Job& job) {
    const bool asked = (statuses.empty() || std::ranges::find(statuses, job.status) != statuses.end()) &&
                       (arguments.search.empty() || job.name.find(arguments.search) != std::string::npos ||
                        job.source.find(arguments.search) != std::string::npos);
    if (asked) jobs.push_back(job);
  });
  std::ranges::sort(jobs, std::ranges::greater(),
                    [](const fleet::Job& job) { return std::pair(job.created_ms, job.id); });
  const std::size_t found = jobs.size();
  if (limit > 0 && jobs.size() > limit) jobs.resize(limit);
  for (const fleet::Job& job : jobs) {
    context.terminal.out(arguments.json ? fleet::job_json(job) + "\n" : line_of(job));
  }
  if (found > jobs.size()) {
    context.terminal.message(fmt::format("{} more; --limit 0 shows all", found - jobs.size()));
  }
  return kExitOk;
}

int watch(Context& context, const Arguments& arguments) {
  fleet::Fleet fleet(read_fleet_options(arguments.fleet, "jobs"));
  return watch_jobs(context, fleet, arguments.ids) > 0 ? kExitSomeFailed : kExitOk;
}

// Does something to each job that is named, or to all in a state.
int change(Context& context, const Arguments& arguments, bool retry) {
  if (retry && arguments.lost) {
    fleet::Fleet fleet(read_fleet_options(arguments.fleet, "jobs"));
    context.terminal.message(fmt::format("{} queued again", fleet.requeue_lost()));
    return kExitOk;
  }
  const bool everything = retry ? arguments.failed : arguments.all;
  if (arguments.ids.empty() && !everything) {
    throw Error(ErrorCode::kInvalidArgument, retry ? "name jobs, or all that failed with --failed"
                                                   : "name jobs, or all that are queued or running with --all");
  }
  fleet::Fleet fleet(read_fleet_options(arguments.fleet, "jobs"));
  std::vector<std::string> ids = arguments.ids;
  if (everything) {
    fleet.each([&](const fleet::Job& job) {
      if (retry ? job.status == fleet::JobStatus::kFailed : !fleet::is_over(job.status)) ids.push_back(job.id);
    });
  }
  std::size_t changed = 0;
  for (const std::string& id : ids) {
    if (context.stop.stop_requested()) throw Error(ErrorCode::kCancelled, "interrupted");
    if (retry ? fleet.retry(id) : fleet.cancel(id)) {
      ++changed;
      continue;
    }
    const auto job = fleet.find(id);
    if (everything) continue;  // it has changed by itself
    context.terminal.message(job ? fmt::format("amanuensis: {}: is {}", id, fleet::to_string(job->status))
                                 : fmt::format("amanuensis: {}: there is no such job", id));
  }
  context.terminal.message(fmt::format("{} {}", changed, retry ? "begin again" : "cancelled"));
  return changed == ids.size() || everything ? kExitOk : kExitSomeFailed;
}

struct Summary {
  std::array<std::size_t, 5> jobs{};
  std::array<double, 5> audio_s{};
  double processing_s = 0;
  std::array<fleet::QueueDepth, fleet::kPriorities.size()> depth{};
  std::uint64_t dead_letters = 0;
  std::vector<fleet::WorkerStatus> workers;
  double realtime = 0;
};

Summary read_summary(fleet::Fleet& fleet) {
  const fleet::FleetView view(fleet);
  const auto until = std::chrono::steady_clock::now() + kListen;
  Summary summary;
  fleet.each([&](const fleet::Job& job) {
    const auto place = static_cast<std::size_t>(job.status);
    ++summary.jobs[place];
    summary.audio_s[place] += job.audio_s;
    summary.processing_s += job.processing_s;
  });
  for (const fleet::Priority priority : fleet::kPriorities) {
    summary.depth[static_cast<std::size_t>(priority)] = fleet.work().depth(priority);
  }
  summary.dead_letters = fleet::count_messages(fleet.connection(), fleet.settings().stream + "-dead");
  std::this_thread::sleep_until(until);
  summary.workers = view.workers();
  summary.realtime = view.realtime_factor();
  return summary;
}

std::string summary_json(const Summary& summary) {
  Json jobs = Json::object();
  Json audio = Json::object();
  for (std::size_t i = 0; i < summary.jobs.size(); ++i) {
    const std::string name(fleet::to_string(static_cast<fleet::JobStatus>(i)));
    jobs[name] = summary.jobs[i];
    audio[name] = summary.audio_s[i];
  }
  Json queue = Json::object();
  for (const fleet::Priority priority : fleet::kPriorities) {
    const fleet::QueueDepth& depth = summary.depth[static_cast<std::size_t>(priority)];
    queue[std::string(fleet::to_string(priority))] = {{"waiting", depth.waiting}, {"handed_out", depth.handed_out}};
  }
  Json workers = Json::array();
  for (const fleet::WorkerStatus& worker : summary.workers) workers.push_back(Json::parse(fleet::status_json(worker)));
  const Json json = {{"jobs", jobs},
                     {"audio_s", audio},
                     {"processing_s", summary.processing_s},
                     {"queue", queue},
                     {"dead_letters", summary.dead_letters},
                     {"realtime_factor", summary.realtime},
                     {"workers", workers}};
  return json.dump(2) + "\n";
}

std::string summary_text(const Summary& summary) {
  std::string text = "Jobs\n";
  for (std::size_t i = 0; i < summary.jobs.size(); ++i) {
    text += fmt::format("  {:<10}{:>10}  {:>14} of audio\n", fleet::to_string(static_cast<fleet::JobStatus>(i)),
                        summary.jobs[i], clock_text(summary.audio_s[i]));
  }
  text += "Queue\n";
  for (const fleet::Priority priority : fleet::kPriorities) {
    const fleet::QueueDepth& depth = summary.depth[static_cast<std::size_t>(priority)];
    text += fmt::format("  {:<10}{:>10} waiting, {} handed out\n", fleet::to_string(priority), depth.waiting,
                        depth.handed_out);
  }
  text += fmt::format("Dead letters {:>9}  (`amanuensis jobs list --status failed` says why)\n", summary.dead_letters);
  text += fmt::format("Workers {:>14}  {:.1f}x realtime\n", summary.workers.size(), summary.realtime);
  for (const fleet::WorkerStatus& worker : summary.workers) {
    text += fmt::format("  {:<32} {:<9} {}/{}  {} done, {} failed, {} of audio in {}\n", worker.worker, worker.state,
                        worker.active.size(), worker.concurrency, worker.jobs_done, worker.jobs_failed,
                        clock_text(worker.audio_done_s), clock_text(worker.busy_s));
  }
  return text;
}

int stats(Context& context, const Arguments& arguments) {
  fleet::Fleet fleet(read_fleet_options(arguments.fleet, "jobs"));
  const Summary summary = read_summary(fleet);
  context.terminal.out(arguments.json ? summary_json(summary) : summary_text(summary));
  return kExitOk;
}

struct Subcommand {
  CLI::App* parser;
  // Its own: variables of the environment are read for every command.
  std::shared_ptr<Arguments> arguments;
  std::function<int(Context&, const Arguments&)> run;
};

Subcommand add_command(CLI::App& parser, const char* name, const char* help,
                       std::function<int(Context&, const Arguments&)> run) {
  Subcommand command{parser.add_subcommand(name, help), std::make_shared<Arguments>(), std::move(run)};
  add_fleet_options(*command.parser, command.arguments->fleet);
  command.parser->group("Commands");
  return command;
}

Subcommand add_list(CLI::App& parser) {
  Subcommand command = add_command(parser, "list", "Show jobs, newest first", list);
  Arguments& a = *command.arguments;
  command.parser->add_option("--status", a.status, "Of these states alone, with commas")->type_name("NAMES");
  command.parser->add_option("--search", a.search, "With this in name or source")->type_name("TEXT");
  command.parser->add_option("--limit", a.limit, "So many; 0: all")->type_name("N")->capture_default_str();
  command.parser->add_flag("--json", a.json, "Everything about each, one JSON object a line");
  return command;
}

Subcommand add_watch(CLI::App& parser) {
  Subcommand command = add_command(parser, "watch", "Show progress until nothing is queued or running any more", watch);
  command.parser->add_option("JOB", command.arguments->ids, "These jobs alone")->type_name("");
  return command;
}

Subcommand add_cancel(CLI::App& parser) {
  Subcommand command = add_command(
      parser, "cancel", "Cancel jobs that are queued or running",
      [](Context& context, const Arguments& arguments) { return change(context, arguments, /*retry=*/false); });
  command.parser->add_option("JOB", command.arguments->ids, "Jobs")->type_name("");
  command.parser->add_flag("--all", command.arguments->all, "All that are queued or running");
  return command;
}

Subcommand add_retry(CLI::App& parser) {
  Subcommand command = add_command(
      parser, "retry", "Begin jobs again that failed or were cancelled",
      [](Context& context, const Arguments& arguments) { return change(context, arguments, /*retry=*/true); });
  command.parser->add_option("JOB", command.arguments->ids, "Jobs")->type_name("");
  command.parser->add_flag("--failed", command.arguments->failed, "All that failed");
  command.parser->add_flag("--lost", command.arguments->lost,
                           "All that are queued although the work queue does not know them: its stream was lost");
  return command;
}

Subcommand add_stats(CLI::App& parser) {
  Subcommand command = add_command(parser, "stats", "Count jobs, queue and workers", stats);
  command.parser->add_flag("--json", command.arguments->json, "As JSON");
  return command;
}

}  // namespace

Command add_jobs_command(CLI::App& program) {
  CLI::App* parser = program.add_subcommand("jobs", "Look after the jobs of a fleet");
  parser->require_subcommand(1);
  const std::vector<Subcommand> commands{add_list(*parser), add_watch(*parser), add_cancel(*parser), add_retry(*parser),
                                         add_stats(*parser)};
  parser->footer(
      "Examples:\n  amanuensis jobs watch\n  amanuensis jobs list --status failed\n"
      "  amanuensis jobs retry --failed\n  amanuensis jobs stats --json");
  return {parser, [commands](Context& context) {
            for (const Subcommand& command : commands) {
              if (command.parser->parsed()) return command.run(context, *command.arguments);
            }
            throw Error(ErrorCode::kInternal, "no command was run");
          }};
}

}  // namespace amanuensis::cli
