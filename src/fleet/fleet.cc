#include "fleet/fleet.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/error.h"
#include "fleet/nats/stream.h"

namespace amanuensis::fleet {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLongestName = 40;
constexpr std::chrono::hours kEventsKept{24};
constexpr std::int64_t kMostEventBytes = std::int64_t{256} << 20;
// A job that was accepted a moment ago may be about to be begun.
constexpr std::int64_t kSettlingMs = 10'000;
// Far less than the time for which workers wait for a job whose work they have.
constexpr std::chrono::seconds kSoonEnough{5};
// Many changes at once to one job are ranges that end together.
constexpr int kMostTries = 200;

void check_stream_name(const std::string& name) {
  const bool fits = !name.empty() && name.size() <= kLongestName && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
  if (!fits) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("--stream '{}': must be 1 to {} letters, digits, '-' or '_'", name, kLongestName));
  }
}

constexpr std::string_view kind_name(WorkItem::Kind kind) {
  return kind == WorkItem::Kind::kJob ? "job" : kind == WorkItem::Kind::kRange ? "range" : "merge";
}

}  // namespace

std::string work_json(const WorkItem& item) {
  return Json{{"job", item.job}, {"epoch", item.epoch}, {"kind", kind_name(item.kind)}, {"range", item.range}}.dump();
}

WorkItem parse_work(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    const std::string kind = json.at("kind");
    return {.job = json.at("job"),
            .epoch = json.at("epoch"),
            .kind = kind == "range"   ? WorkItem::Kind::kRange
                    : kind == "merge" ? WorkItem::Kind::kMerge
                                      : WorkItem::Kind::kJob,
            .range = json.at("range")};
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorCode::kBadData, fmt::format("a message in the work queue cannot be read: {}", error.what()));
  }
}

std::string work_name(const WorkItem& item) {
  // With the epoch: what is left of an earlier one is not in the way.
  const std::string job = fmt::format("{}.{}", item.job, item.epoch);
  if (item.kind == WorkItem::Kind::kRange) return fmt::format("{}.r{}", job, item.range);
  return item.kind == WorkItem::Kind::kMerge ? job + ".merge" : job;
}

void check_settings(const FleetSettings& settings) {
  check_stream_name(settings.stream);
  check_settings(settings.nats);
}

Fleet::Fleet(const FleetSettings& settings) : settings_(settings) {
  check_settings(settings_);
  connection_ = std::make_unique<Connection>(settings_.nats);
  work_ = std::make_unique<WorkQueue>(
      *connection_,
      WorkQueueOptions{.name = settings_.stream, .replicas = settings_.replicas, .ack_wait = settings_.ack_wait});
  const int replicas = work_->replicas();
  ensure_stream(
      *connection_,
      {.name = settings_.stream + "-dead", .subjects = subject("dead.>"), .replicas = replicas, .max_per_subject = 1});
  ensure_stream(*connection_, {.name = settings_.stream + "-events",
                               .subjects = subject("events.>"),
                               .replicas = replicas,
                               .max_age = kEventsKept,
                               .max_bytes = kMostEventBytes});
  table_ =
      std::make_unique<Table>(*connection_, TableOptions{.bucket = settings_.stream + "-jobs", .replicas = replicas});
}

Fleet::~Fleet() = default;

std::string Fleet::subject(std::string_view rest) const { return fmt::format("{}.{}", settings_.stream, rest); }

// The work first, the job after it: should this process end in between, a worker finds work without a job and, after
// some time, drops it. The other way round a job would wait for ever.
bool Fleet::submit(Job& job) {
  if (const auto known = find(job.id)) {
    job = *known;
    return false;
  }
  job.status = JobStatus::kQueued;
  if (job.created_ms == 0) job.created_ms = unix_ms();
  const WorkItem item{.job = job.id, .epoch = job.epoch};
  const auto begun = std::chrono::steady_clock::now();
  queue(job, item);
  if (!table_->create(job.id, job_json(job))) {
    const auto known = find(job.id);
    if (!known) throw Error(ErrorCode::kNetwork, fmt::format("{}: was removed while it was submitted", job.id));
    job = *known;
    return false;
  }
  // It may have been dropped meanwhile.
  if (std::chrono::steady_clock::now() - begun > kSoonEnough) queue(job, item);
  tell_of_work();
  return true;
}

std::optional<Job> Fleet::find(const std::string& id) {
  const auto entry = table_->get(id);
  if (!entry) return std::nullopt;
  return parse_job(entry->value);
}

std::optional<Job> Fleet::update(const std::string& id, const std::function<bool(Job&)>& change) {
  for (int tries = 0; tries < kMostTries; ++tries) {
    const auto entry = table_->get(id);
    if (!entry) return std::nullopt;
    Job job = parse_job(entry->value);
    if (!change(job)) return job;
    if (table_->update(id, job_json(job), entry->revision)) return job;
  }
  throw Error(ErrorCode::kNetwork, fmt::format("{}: others change it all the time", id));
}

void Fleet::each(const std::function<void(const Job&)>& visit) {
  table_->each([&](const Table::Change& change) { visit(parse_job(*change.value)); });
}

void Fleet::take_out(const Job& job) {
  WorkItem item{.job = job.id, .epoch = job.epoch};
  work_->remove(job.priority, work_name(item));
  if (!job.ranges) return;
  item.kind = WorkItem::Kind::kMerge;
  work_->remove(job.priority, work_name(item));
  item.kind = WorkItem::Kind::kRange;
  for (; item.range < job.ranges->count; ++item.range) work_->remove(job.priority, work_name(item));
}

bool Fleet::cancel(const std::string& id) {
  bool cancelled = false;
  const std::optional<Job> job = update(id, [&](Job& each) {
    cancelled = !is_over(each.status);
    if (!cancelled) return false;
    end_job(each, JobStatus::kCancelled);
    each.error = job_error("cancelled", "the job was cancelled");
    return true;
  });
  if (!cancelled) return false;
  connection_->publish(subject("cancel"), id);
  take_out(*job);
  return true;
}

bool Fleet::retry(const std::string& id) {
  const auto may_retry = [](const Job& job) {
    return job.status == JobStatus::kFailed || job.status == JobStatus::kCancelled;
  };
  const std::optional<Job> ended = find(id);
  if (!ended || !may_retry(*ended)) return false;
  const std::int64_t epoch = ended->epoch + 1;
  queue(*ended, {.job = id, .epoch = epoch});  // first, as in submit()
  bool again = false;
  update(id, [&](Job& each) {
    again = may_retry(each) && each.epoch + 1 == epoch;
    if (!again) return false;
    each.status = JobStatus::kQueued;
    each.epoch = epoch;
    each.lost = 0;
    each.failures.clear();
    each.error.clear();
    each.ranges.reset();
    each.started_ms.reset();
    each.ended_ms.reset();
    each.webhook_next_ms.reset();
    return true;
  });
  if (!again) return false;
  tell_of_work();
  remove_last(*connection_, settings_.stream + "-dead", subject("dead." + id));
  return true;
}

void Fleet::remove(const std::string& id) {
  const std::optional<Job> job = find(id);
  if (job) take_out(*job);
  remove_last(*connection_, settings_.stream + "-dead", subject("dead." + id));
  table_->remove(id);
}

void Fleet::queue(const Job& job, const WorkItem& item) { work_->put(job.priority, work_name(item), work_json(item)); }

void Fleet::tell_of_work() {
  try {
    connection_->publish(subject("wake"), "");
  } catch (const Error&) {
    return;  // they ask again by themselves
  }
}

void Fleet::bury(const std::string& id, std::int64_t epoch, std::string_view code, const std::string& reason) {
  // The letter first: whoever dies in between leaves a job that is begun, and buried, again.
  const std::optional<Job> found = find(id);
  if (!found || is_over(found->status) || found->epoch != epoch) return;
  Json letter = {{"id", id},
                 {"name", found->name},
                 {"source", found->source},
                 {"code", code},
                 {"reason", reason},
                 {"failures", found->failures},
                 {"attempt", found->attempt},
                 {"worker", found->worker},
                 {"model", found->model},
                 {"at_ms", unix_ms()}};
  store(*connection_, subject("dead." + id), letter.dump(-1, ' ', false, Json::error_handler_t::replace),
        fmt::format("{}-{}", id, epoch));
  const std::optional<Job> job = update(id, [&](Job& each) {
    if (is_over(each.status) || each.epoch != epoch) return false;
    end_job(each, JobStatus::kFailed);
    each.error = job_error(code, reason);
    return true;
  });
  if (job && job->ranges) take_out(*job);
}

std::vector<std::string> Fleet::dead_letters() {
  std::vector<std::string> letters;
  read_stream(*connection_, subject("dead.>"),
              [&](const std::string&, std::string_view data) { letters.emplace_back(data); });
  return letters;
}

std::size_t Fleet::requeue_lost() {
  std::vector<Job> queued;
  const std::int64_t before_ms = unix_ms() - kSettlingMs;
  each([&](const Job& job) {
    if (job.status == JobStatus::kQueued && job.created_ms < before_ms) queued.push_back(job);
  });
  std::size_t lost = 0;
  for (const Job& job : queued) {
    if (work_->contains(job.priority, work_name({.job = job.id, .epoch = job.epoch}))) continue;
    // It may have been begun, or ended, since it was read.
    const std::optional<Job> now = find(job.id);
    if (!now || now->status != JobStatus::kQueued || now->epoch != job.epoch) continue;
    queue(job, {.job = job.id, .epoch = job.epoch});
    tell_of_work();
    ++lost;
  }
  return lost;
}

}  // namespace amanuensis::fleet
