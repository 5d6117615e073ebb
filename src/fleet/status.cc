#include "fleet/status.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "fleet/fleet.h"

namespace amanuensis::fleet {
namespace {

using Json = nlohmann::ordered_json;

// Some messages may be lost; a worker that says nothing for so long has gone.
constexpr std::chrono::seconds kForgottenAfter{10};
constexpr std::chrono::minutes kMarksKept{5};

}  // namespace

std::string status_json(const WorkerStatus& status) {
  Json active = Json::array();
  for (const ActiveWork& work : status.active) {
    active.push_back({{"job", work.job},
                      {"name", work.name},
                      {"part", work.part},
                      {"audio_done_s", work.audio_done_s},
                      {"audio_total_s", work.audio_total_s}});
  }
  const Json json = {{"worker", status.worker},
                     {"model", status.model},
                     {"state", status.state},
                     {"at_ms", status.at_ms},
                     {"uptime_s", status.uptime_s},
                     {"concurrency", status.concurrency},
                     {"jobs_done", status.jobs_done},
                     {"jobs_failed", status.jobs_failed},
                     {"attempts_failed", status.attempts_failed},
                     {"given_back", status.given_back},
                     {"ranges_done", status.ranges_done},
                     {"audio_done_s", status.audio_done_s},
                     {"busy_s", status.busy_s},
                     {"reconnects", status.reconnects},
                     {"active", std::move(active)}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

WorkerStatus parse_status(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    WorkerStatus status{.worker = json.at("worker"),
                        .model = json.at("model"),
                        .state = json.at("state"),
                        .at_ms = json.at("at_ms"),
                        .uptime_s = json.at("uptime_s"),
                        .concurrency = json.at("concurrency"),
                        .jobs_done = json.at("jobs_done"),
                        .jobs_failed = json.at("jobs_failed"),
                        .attempts_failed = json.at("attempts_failed"),
                        .given_back = json.at("given_back"),
                        .ranges_done = json.at("ranges_done"),
                        .audio_done_s = json.at("audio_done_s"),
                        .busy_s = json.at("busy_s"),
                        .reconnects = json.at("reconnects"),
                        .active = {}};
    for (const Json& work : json.at("active")) {
      status.active.push_back({.job = work.at("job"),
                               .name = work.at("name"),
                               .part = work.at("part"),
                               .audio_done_s = work.at("audio_done_s"),
                               .audio_total_s = work.at("audio_total_s")});
    }
    return status;
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorCode::kBadData, fmt::format("what a worker says cannot be read: {}", error.what()));
  }
}

FleetView::FleetView(Fleet& fleet)
    : subscription_(fleet.connection().subscribe(fleet.subject("worker.*"),
                                                 [this](const std::string&, std::string_view data) { hear(data); })) {}

FleetView::~FleetView() = default;

void FleetView::hear(std::string_view data) {
  WorkerStatus status;
  try {
    status = parse_status(data);
  } catch (const Error&) {
    return;  // of another version, or from somebody else
  }
  const std::scoped_lock lock(mutex_);
  const Clock::time_point now = Clock::now();
  Heard& heard = heard_[status.worker];
  // Less than before: another process of that name.
  if (status.audio_done_s < heard.status.audio_done_s) heard.marks.clear();
  heard.status = std::move(status);
  heard.marks.push_back({now, heard.status.audio_done_s});
  while (now - heard.marks.front().when > kMarksKept) heard.marks.pop_front();
}

std::vector<WorkerStatus> FleetView::workers() const {
  const std::scoped_lock lock(mutex_);
  std::vector<WorkerStatus> present;
  for (const auto& [name, heard] : heard_) {
    if (Clock::now() - heard.marks.back().when < kForgottenAfter) present.push_back(heard.status);
  }
  return present;
}

double FleetView::realtime_factor(std::chrono::seconds span) const {
  const std::scoped_lock lock(mutex_);
  const Clock::time_point now = Clock::now();
  double sum = 0;
  for (const auto& [name, heard] : heard_) {
    const Mark& last = heard.marks.back();
    if (now - last.when > kForgottenAfter) continue;
    const Mark* first = &last;
    for (auto mark = heard.marks.rbegin(); mark != heard.marks.rend() && now - mark->when <= span; ++mark)
      first = &*mark;
    const double elapsed_s = std::chrono::duration<double>(last.when - first->when).count();
    if (elapsed_s > 0) sum += (last.audio_done_s - first->audio_done_s) / elapsed_s;
  }
  return sum;
}

}  // namespace amanuensis::fleet
