#include "server/jobs/fleet_job_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "fleet/job_options.h"
#include "pipeline/transcript_json.h"

namespace amanuensis::server {
namespace {

constexpr std::chrono::seconds kFirstReading{60};
constexpr std::chrono::seconds kOwnChange{2};
constexpr std::chrono::seconds kOwnRemoval{10};
constexpr std::int64_t kLeaseMs = 60'000;
constexpr std::size_t kMostWebhooks = 16;
constexpr std::uint64_t kLargestResult = std::uint64_t{1} << 30;

// Both have the same states, with the same names.
WorkStatus status_of(fleet::JobStatus status) { return *parse_status(fleet::to_string(status)); }
fleet::JobStatus status_of(WorkStatus status) { return *fleet::parse_job_status(to_string(status)); }

fleet::Job job_of(const JobRecord& record, const std::string& store) {
  fleet::Job job;
  job.id = record.id;
  job.status = status_of(record.status);
  job.created_ms = record.created_ms;
  job.started_ms = record.started_ms;
  job.ended_ms = record.ended_ms;
  job.owner = record.owner;
  job.name = record.name;
  job.source = record.audio.empty() ? record.url : record.audio;
  job.size_bytes = record.size_bytes;
  job.url = record.url;
  job.model = record.model;
  job.options = record.options;
  job.results = store;
  job.webhook_url = record.webhook_url;
  job.tells_segments = true;
  return job;
}

// An address without what makes no difference.
std::string_view plain_address(std::string_view address) {
  if (address.starts_with("file://")) address.remove_prefix(7);
  while (address.size() > 1 && address.ends_with('/')) address.remove_suffix(1);
  return address;
}

}  // namespace

JobRecord record_of(const fleet::Job& job) {
  JobRecord record;
  record.id = job.id;
  record.status = status_of(job.status);
  record.created_ms = job.created_ms;
  record.started_ms = job.started_ms;
  record.ended_ms = job.ended_ms;
  // A worker that was lost is no new beginning for clients: the next one finds the same segments.
  record.attempt = job.epoch;
  record.owner = job.owner;
  record.name = job.name;
  record.audio = job.source == job.url ? "" : job.source;
  record.size_bytes = job.size_bytes;
  record.url = job.url;
  record.model = job.model;
  record.options = job.options;
  record.webhook_url = job.webhook_url;
  record.language = job.language;
  record.duration_s = job.audio_s;
  record.processing_s = job.processing_s;
  record.warning = job.warning;
  record.error = job.error;
  record.segments = job.segments;
  record.audio_done_s = job.ranges ? job.ranges->audio_done_s : 0;
  return record;
}

FleetJobStore::FleetJobStore(fleet::Fleet& fleet, FleetStoreOptions options)
    : fleet_(fleet), options_(std::move(options)), stores_(options_.storage) {
  stores_.open(options_.store);  // says now what is wrong with the address
  watch_ = fleet_.table().watch([this](const fleet::Table::Change& change) { hear(change); },
                                [this] {
                                  const std::scoped_lock lock(mutex_);
                                  complete_ = true;
                                  heard_.notify_all();
                                });
  std::unique_lock lock(mutex_);
  if (heard_.wait_for(lock, kFirstReading, [this] { return complete_; })) return;
  throw Error(ErrorCode::kNetwork, "NATS: the jobs of the fleet cannot be read; are its servers up?");
}

FleetJobStore::~FleetJobStore() { watch_.reset(); }

void FleetJobStore::hear(const fleet::Table::Change& change) {
  std::optional<fleet::Job> job;
  try {
    if (change.value) job = fleet::parse_job(*change.value);
  } catch (const Error&) {
    return;  // of another version
  }
  std::function<void(const JobRecord&)> call;
  JobRecord record;
  {
    const std::scoped_lock lock(mutex_);
    if (!job) {
      forget(change.key);
      if (const auto awaited = removals_.find(change.key); awaited != removals_.end()) ++awaited->second.heard;
    } else {
      record = record_of(*job);
      const auto before = known_.find(change.key);
      const bool was_over = before != known_.end() && is_over(before->second.record.status);
      forget(change.key);
      const std::string result = is_own(*job) ? job->result : "";
      known_[change.key] = {
          .revision = change.revision, .record = record, .webhook_next_ms = job->webhook_next_ms, .result = result};
      by_age_.insert({record.created_ms, change.key});
      if (!result.empty()) ++results_[result];
      if (is_over(record.status) && !was_over && complete_) call = on_over_;
    }
    heard_.notify_all();
  }
  if (call) call(record);
}

void FleetJobStore::forget(const std::string& id) {
  const auto known = known_.find(id);
  if (known == known_.end()) return;
  by_age_.erase({known->second.record.created_ms, id});
  const auto result = results_.find(known->second.result);
  if (result != results_.end() && --result->second == 0) results_.erase(result);
  known_.erase(known);
}

void FleetJobStore::on_over(std::function<void(const JobRecord&)> call) {
  const std::scoped_lock lock(mutex_);
  on_over_ = std::move(call);
}

bool FleetJobStore::wait_for(const std::string& id) {
  const auto entry = fleet_.table().get(id);
  std::unique_lock lock(mutex_);
  return heard_.wait_for(lock, kOwnChange, [&] {
    const auto known = known_.find(id);
    return entry ? known != known_.end() && known->second.revision >= entry->revision : known == known_.end();
  });
}

std::string FleetJobStore::audio_address(const std::string& name) const {
  return storage::join_address(options_.store, "audio/" + name);
}

void FleetJobStore::insert(const JobRecord& job) {
  fleet::Job submitted = job_of(job, options_.store);
  if (!fleet_.submit(submitted)) {
    throw Error(ErrorCode::kInvalidArgument, fmt::format("there is a job '{}' already", job.id));
  }
  wait_for(job.id);
}

std::optional<JobRecord> FleetJobStore::find(const std::string& id) {
  const auto job = fleet_.find(id);
  if (!job) return std::nullopt;
  return record_of(*job);
}

std::vector<JobRecord> FleetJobStore::list(const JobFilter& filter) {
  const std::scoped_lock lock(mutex_);
  auto place = by_age_.end();
  if (!filter.after.empty()) {
    const auto after = known_.find(filter.after);
    if (after == known_.end()) return {};
    place = by_age_.lower_bound({after->second.record.created_ms, filter.after});
  }
  std::vector<JobRecord> found;
  while (place != by_age_.begin() && found.size() < filter.limit) {
    const JobRecord& job = known_.at((--place)->second).record;
    const bool asked =
        (filter.statuses.empty() || std::ranges::find(filter.statuses, job.status) != filter.statuses.end()) &&
        (!filter.owner || job.owner == *filter.owner) &&
        (filter.search.empty() || job.name.find(filter.search) != std::string::npos);
    if (asked) found.push_back(job);
  }
  return found;
}

bool FleetJobStore::finish(const JobRecord& job, const std::optional<std::string>& transcript) {
  const std::string key = "jobs/" + job.id;
  if (transcript) stores_.open(options_.store)->write(key + ".json", *transcript);
  bool was_open = false;
  fleet_.update(job.id, [&](fleet::Job& each) {
    was_open = !fleet::is_over(each.status);
    if (!was_open) return false;
    fleet::end_job(each, status_of(job.status));
    each.ended_ms = job.ended_ms;
    if (each.webhook_next_ms) each.webhook_next_ms = job.ended_ms;
    if (transcript) each.result = key;
    each.language = job.language;
    each.audio_s = job.duration_s;
    each.processing_s = job.processing_s;
    each.warning = job.warning;
    each.error = job.error;
    each.segments = job.segments;
    return true;
  });
  if (was_open) wait_for(job.id);
  return was_open;
}

std::optional<std::string> FleetJobStore::transcript(const std::string& id) {
  const auto job = fleet_.find(id);
  if (!job || job->result.empty() || job->status != fleet::JobStatus::kDone) return std::nullopt;
  return stores_.open(job->results)->read(job->result + ".json", kLargestResult);
}

bool FleetJobStore::is_own(const fleet::Job& job) const {
  return plain_address(job.results) == plain_address(options_.store);
}

std::optional<JobRecord> FleetJobStore::known(const std::string& id) {
  const std::scoped_lock lock(mutex_);
  const auto found = known_.find(id);
  if (found == known_.end()) return std::nullopt;
  return found->second.record;
}

// What others have asked to be written elsewhere is theirs.
bool FleetJobStore::remove(const std::string& id) {
  const std::optional<fleet::Job> job = fleet_.find(id);
  const bool was_heard = wait_for(id);
  fleet_.remove(id);
  const bool is_heard = wait_for(id);
  if (!job) return false;
  if (is_own(*job)) {
    remove_parts(id);
    if (was_heard && is_heard && !job->result.empty()) remove_result(id, job->result);
  }
  return true;
}

// The table's changes come in one order: when this one is heard, those before it have been.
bool FleetJobStore::remove_and_hear(const std::string& id) {
  std::unique_lock lock(mutex_);
  ++removals_[id].waiting;
  const std::size_t before = removals_[id].heard;
  lock.unlock();
  bool removed = true;
  try {
    fleet_.table().remove(id);
  } catch (const Error&) {
    removed = false;
  }
  lock.lock();
  const bool heard = removed && heard_.wait_for(lock, kOwnRemoval, [&] { return removals_[id].heard > before; });
  if (--removals_[id].waiting == 0) removals_.erase(id);
  return heard;
}

bool FleetJobStore::is_result_wanted(const std::string& key) {
  const std::scoped_lock lock(mutex_);
  return results_.contains(key);
}

// Results belong to all jobs with the same content. A job may end with this one while it is removed: a worker looks
// after its end whether the result is there and writes it again, and a job that ended before that is heard of here.
void FleetJobStore::remove_result(const std::string& id, const std::string& key) {
  if (is_result_wanted(key)) return;
  const auto store = stores_.open(options_.store);
  std::map<std::string, std::string> removed;
  for (const std::string_view ending : {"json", "txt", "srt", "vtt", "tsv"}) {
    const std::string name = fmt::format("{}.{}", key, ending);
    if (!store->exists(name)) continue;
    removed[name] = store->read(name, kLargestResult);
    store->remove(name);
  }
  if (remove_and_hear(id) && !is_result_wanted(key)) return;
  for (const auto& [name, content] : removed) store->write_if_absent(name, content);
}

// Of a recording that was cut and whose job did not come to its end.
void FleetJobStore::remove_parts(const std::string& id) {
  const auto store = stores_.open(options_.store);
  std::vector<std::string> keys;
  store->list(fmt::format("parts/{}.", id), [&](const storage::ObjectInfo& part) {
    keys.push_back(part.key);
    return true;
  });
  for (const std::string& key : keys) store->remove(key);
}

bool FleetJobStore::cancel(const std::string& id) {
  const bool cancelled = fleet_.cancel(id);
  if (cancelled) wait_for(id);
  return cancelled;
}

std::vector<JobRecord> FleetJobStore::over_before(std::int64_t ended_ms) {
  const std::scoped_lock lock(mutex_);
  std::vector<JobRecord> found;
  for (const auto& [id, known] : known_) {
    if (known.record.ended_ms && *known.record.ended_ms < ended_ms) found.push_back(known.record);
  }
  return found;
}

std::int64_t FleetJobStore::count(WorkStatus status) {
  const std::scoped_lock lock(mutex_);
  return std::ranges::count_if(known_, [&](const auto& each) { return each.second.record.status == status; });
}

std::int64_t FleetJobStore::audio_bytes() {
  const std::scoped_lock lock(mutex_);
  std::int64_t sum = 0;
  // What was submitted by other ways lies where its owner has put it.
  for (const auto& [id, known] : known_) {
    if (known.record.audio.starts_with(audio_address(""))) sum += known.record.size_bytes;
  }
  return sum;
}

void FleetJobStore::change_webhook(const std::string& id, const std::function<void(fleet::Job&)>& change) {
  const auto job = fleet_.update(id, [&](fleet::Job& each) {
    if (!each.webhook_next_ms) return false;
    change(each);
    return true;
  });
  if (job) wait_for(id);
}

std::vector<WebhookDelivery> FleetJobStore::webhooks_due(std::int64_t now_ms) {
  std::vector<std::string> ids;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [id, known] : known_) {
      if (known.webhook_next_ms && *known.webhook_next_ms <= now_ms && ids.size() < kMostWebhooks) ids.push_back(id);
    }
  }
  std::vector<WebhookDelivery> due;
  for (const std::string& id : ids) {
    std::optional<WebhookDelivery> taken;
    const auto take = [&](fleet::Job& job) {
      taken.reset();
      if (!job.webhook_next_ms || *job.webhook_next_ms > now_ms) return false;  // another server has taken it
      taken = {.job_id = id, .url = job.webhook_url, .attempt = job.webhook_attempt, .next_ms = *job.webhook_next_ms};
      job.webhook_next_ms = now_ms + kLeaseMs;
      return true;
    };
    if (fleet_.update(id, take) && taken) {
      wait_for(id);
      due.push_back(*taken);
    }
  }
  return due;
}

std::optional<std::int64_t> FleetJobStore::next_webhook_ms(std::int64_t after_ms) {
  const std::scoped_lock lock(mutex_);
  std::optional<std::int64_t> next;
  for (const auto& [id, known] : known_) {
    if (known.webhook_next_ms && *known.webhook_next_ms > after_ms)
      next = std::min(next.value_or(*known.webhook_next_ms), *known.webhook_next_ms);
  }
  return next;
}

void FleetJobStore::retry_webhook(const std::string& job_id, std::int64_t next_ms) {
  change_webhook(job_id, [&](fleet::Job& job) {
    ++job.webhook_attempt;
    job.webhook_next_ms = next_ms;
  });
}

void FleetJobStore::end_webhook(const std::string& job_id) {
  change_webhook(job_id, [](fleet::Job& job) { job.webhook_next_ms.reset(); });
}

}  // namespace amanuensis::server
