// GET /v1/jobs/{id}/events: what happens to a job, as server-sent events. Documented in docs/api/jobs.md.
#include <fmt/format.h>

#include <charconv>

#include "server/endpoints/endpoints.h"
#include "server/endpoints/job_endpoint.h"
#include "server/http/events.h"
#include "server/jobs/job_json.h"
#include "server/transcript/transcript_json.h"

namespace amanuensis::server {
namespace {

constexpr std::chrono::seconds kPingEvery{15};

// "2-17" is the 17th event of the second attempt. What is no such thing, or of another attempt, is 0: everything.
std::uint64_t last_number(const Request& request, std::int64_t attempt) {
  std::string text(request.header("last-event-id"));
  if (text.empty()) text = request.query_value("last_event_id").value_or("");
  const std::size_t dash = text.find('-');
  if (dash == std::string::npos || text.substr(0, dash) != std::to_string(attempt)) return 0;
  std::uint64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data() + dash + 1, text.data() + text.size(), number);
  return problem == std::errc() && end == text.data() + text.size() ? number : 0;
}

std::string event_id(std::int64_t attempt, std::uint64_t number) { return fmt::format("{}-{}", attempt, number); }

// Of a job that is over and no longer in memory: the same events, with the same numbers, from what is on disk.
Task<void> replay(Service& service, JobRecord job, std::uint64_t after, Sink& sink) {
  const std::string object = present_job(service, job);
  const std::optional<std::string> stored = co_await service.jobs.transcript(job.id);
  std::uint64_t number = 0;
  std::string text;
  const auto add = [&](std::string_view name, std::string_view data) {
    if (++number > after) text += event_text({.data = data, .name = name, .id = event_id(job.attempt, number)});
  };
  add("queued", object);
  if (job.started_ms) add("running", object);
  if (stored) {
    for (const pipeline::Segment& segment : parse_full_json(*stored).segments) add("segment", segment_json(segment));
  }
  add(to_string(job.status), object);
  co_await sink.write(text);
}

// The last event says what is on disk: it waits for that.
Task<std::string> object_now(Service& service, JobRecord job, bool over) {
  JobRecord present = job;
  for (int tries = 0; tries < 200; ++tries) {
    const std::optional<JobRecord> found = co_await service.jobs.find(job.id);
    if (found) present = *found;
    if (!found || !over || is_over(present.status)) break;
    co_await sleep_for(service.loop, std::chrono::milliseconds(10));
  }
  co_return present_job(service, present);
}

Task<void> follow(Service& service, JobRecord job, std::shared_ptr<Work> work, std::uint64_t after, Sink& sink) {
  const auto events = work->subscribe(after);
  while (true) {
    const WorkEvents::Wake wake = co_await events->wait(kPingEvery);
    if (wake == WorkEvents::Wake::kClosed) co_return;
    std::string text(kEventPing);
    if (wake == WorkEvents::Wake::kItem) {
      const WorkEvent event = events->take();
      const std::string id = event.number > 0 ? event_id(job.attempt, event.number) : std::string();
      std::string data;
      if (event.kind == WorkEventKind::kProgress) {
        data = progress_json(*work);
      } else if (event.kind == WorkEventKind::kSegment) {
        data = segment_json(*event.segment);
      } else {
        const bool last = event.kind != WorkEventKind::kQueued && event.kind != WorkEventKind::kRunning;
        data = co_await object_now(service, job, last);
      }
      text = event_text({.data = data, .name = to_string(event.kind), .id = id});
    }
    const bool written = co_await sink.write(text);
    if (!written) co_return;
  }
}

// Of a job whose recording is being fetched: until it is in the queue.
Task<void> wait_and_follow(Service& service, JobRecord job, std::uint64_t after, Sink& sink) {
  int looks = 0;
  while (true) {
    const std::shared_ptr<Work> work = co_await service.jobs.follow(job);
    if (work) {
      co_await follow(service, job, work, after, sink);
      co_return;
    }
    const std::optional<JobRecord> found = co_await service.jobs.find(job.id);
    if (!found) co_return;
    if (is_over(found->status)) {
      co_await replay(service, *found, after, sink);
      co_return;
    }
    co_await sleep_for(service.loop, std::chrono::milliseconds(100));
    const std::string_view bytes = ++looks % 150 == 0 ? kEventPing : std::string_view();
    const bool written = co_await sink.write(bytes);
    if (!written) co_return;
  }
}

}  // namespace

Task<Response> get_job_events(Service& service, Request& request) {
  const JobRecord job = co_await named_job(service, request);
  const std::uint64_t after = last_number(request, job.attempt);
  co_return event_response([&service, job, after](Sink& sink) -> Task<void> {
    return is_over(job.status) ? replay(service, job, after, sink) : wait_and_follow(service, job, after, sink);
  });
}

}  // namespace amanuensis::server
