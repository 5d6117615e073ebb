#include "server/jobs/job_json.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace amanuensis::server {
namespace {

using Json = nlohmann::ordered_json;

double thousandth(double value) { return std::round(value * 1000) / 1000; }
Json seconds(std::int64_t ms) { return static_cast<double>(ms) / 1000; }
Json seconds(const std::optional<std::int64_t>& ms) { return ms ? seconds(*ms) : Json(nullptr); }
Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }
Json parsed(const std::string& text) { return Json::parse(text, nullptr, /*allow_exceptions=*/false); }

Json audio_progress(double done_s, double total_s) {
  const double fraction = total_s > 0 ? std::clamp(done_s / total_s, 0.0, 1.0) : 0;
  return {{"audio_done", thousandth(done_s)}, {"audio_total", thousandth(total_s)}, {"fraction", thousandth(fraction)}};
}

double ratio(double audio_s, double elapsed_s) { return elapsed_s > 0 ? thousandth(audio_s / elapsed_s) : 0; }

}  // namespace

std::string job_json(const JobRecord& job, const Work* work, std::optional<std::size_t> position) {
  WorkStatus status = job.status;
  double done_s = is_over(job.status) ? job.duration_s : job.audio_done_s;
  double total_s = job.duration_s;
  double elapsed_s = job.processing_s;
  std::string language = job.language;
  std::optional<std::int64_t> started_ms = job.started_ms;
  if (work != nullptr && !is_over(job.status)) {
    // What is over is over once it is on disk.
    status = work->status() == WorkStatus::kQueued ? WorkStatus::kQueued : WorkStatus::kRunning;
    done_s = work->progress().audio_done_s;
    total_s = work->progress().audio_total_s;
    elapsed_s = work->processing_s();
    language = work->language();
    if (!started_ms && status == WorkStatus::kRunning) {
      started_ms = std::chrono::duration_cast<std::chrono::milliseconds>(work->created().time_since_epoch()).count() +
                   static_cast<std::int64_t>(work->waited_s() * 1000);
    }
  }
  Json error = nullptr;
  if (!job.error.empty()) error = parsed(job.error).value("error", Json(nullptr));
  const Json json = {{"id", job.id},
                     {"object", "job"},
                     {"status", to_string(status)},
                     {"name", job.name},
                     {"size_bytes", job.size_bytes},
                     {"model", job.model},
                     {"created_at", seconds(job.created_ms)},
                     {"started_at", seconds(started_ms)},
                     {"ended_at", seconds(job.ended_ms)},
                     {"attempt", job.attempt},
                     {"queue_position", position && status == WorkStatus::kQueued ? Json(*position) : Json(nullptr)},
                     {"progress", audio_progress(done_s, total_s)},
                     {"realtime_factor", ratio(done_s, elapsed_s)},
                     {"processing_time", thousandth(elapsed_s)},
                     {"language", text_or_null(language)},
                     {"duration", job.status == WorkStatus::kDone ? Json(thousandth(job.duration_s)) : Json(nullptr)},
                     {"options", parsed(job.options)},
                     {"url", text_or_null(job.url)},
                     {"audio_available", !job.audio.empty()},
                     {"warning", text_or_null(job.warning)},
                     {"error", error}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string progress_json(const Work& work) {
  Json json = audio_progress(work.progress().audio_done_s, work.progress().audio_total_s);
  json["realtime_factor"] = thousandth(work.realtime_factor());
  json["processing_time"] = thousandth(work.processing_s());
  json["language"] = text_or_null(work.language());
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace amanuensis::server
