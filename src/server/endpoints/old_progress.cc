// GET /progress/{job_id} and /progress/{job_id}/stream, as the old server had them. Documented in docs/api/progress.md.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "server/endpoints/endpoints.h"
#include "server/endpoints/job_endpoint.h"
#include "server/http/events.h"
#include "server/http/http_error.h"

namespace amanuensis::server {
namespace {

using Json = nlohmann::ordered_json;

std::string progress_of(const Service& service, const Work& work) {
  const pipeline::Progress progress = work.progress();
  const bool done = work.status() == WorkStatus::kDone;
  const double fraction = done ? 1 : progress.audio_total_s > 0 ? progress.audio_done_s / progress.audio_total_s : 0;
  const auto position = service.queue.position(work.id());
  Json json = {{"job_id", work.id()},
               {"status", to_string(work.status())},
               {"progress", std::round(fraction * 1000) / 10},  // percent
               {"audio_done", progress.audio_done_s},
               {"audio_total", progress.audio_total_s},
               {"realtime_factor", work.realtime_factor()},
               {"processing_time", work.processing_s()},
               {"queue_position", position ? Json(*position) : Json(nullptr)},
               {"language", work.language().empty() ? Json(nullptr) : Json(work.language())}};
  if (work.over() && !done) json["error"] = work.error().message;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string progress_of(const JobRecord& job) {
  const bool done = job.status == WorkStatus::kDone;
  Json json = {{"job_id", job.id},
               {"status", to_string(job.status)},
               {"progress", done ? 100.0 : 0.0},
               {"audio_done", job.duration_s},
               {"audio_total", job.duration_s},
               {"realtime_factor", job.processing_s > 0 ? job.duration_s / job.processing_s : 0},
               {"processing_time", job.processing_s},
               {"queue_position", nullptr},
               {"language", job.language.empty() ? Json(nullptr) : Json(job.language)}};
  if (!job.error.empty()) json["error"] = Json::parse(job.error)["error"]["message"];
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Task<void> stream_progress(Service& service, std::shared_ptr<Work> work, Sink& sink) {
  const auto events = work->subscribe();
  while (true) {
    const WorkEvents::Wake wake = co_await events->wait(std::chrono::seconds(15));
    if (wake == WorkEvents::Wake::kClosed) co_return;
    while (!events->empty()) events->take();
    const std::string text = event_text({.data = progress_of(service, *work)});
    const bool written = co_await sink.write(text);
    if (!written) co_return;
  }
}

}  // namespace

Task<Response> old_progress(Service& service, Request& request) {
  const std::shared_ptr<Work> work = service.queue.find(request.path_values["job_id"]);
  if (work) co_return json_response(progress_of(service, *work));
  const JobRecord job = co_await named_job(service, request);
  co_return json_response(progress_of(job));
}

Task<Response> old_progress_stream(Service& service, Request& request) {
  const std::shared_ptr<Work> work = service.queue.find(request.path_values["job_id"]);
  if (work) {
    co_return event_response(
        [&service, work](Sink& sink) -> Task<void> { return stream_progress(service, work, sink); });
  }
  const JobRecord job = co_await named_job(service, request);
  Response response = event_response(nullptr);
  response.body = event_text({.data = progress_of(job)});
  co_return response;
}

}  // namespace amanuensis::server
