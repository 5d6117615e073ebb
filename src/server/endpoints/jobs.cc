// POST, GET /v1/jobs; GET, DELETE /v1/jobs/{id}. Documented in docs/api/jobs.md.
#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "server/endpoints/endpoints.h"
#include "server/endpoints/job_endpoint.h"
#include "server/http/http_error.h"
#include "server/jobs/job_json.h"
#include "server/net/outbound.h"

namespace amanuensis::server {
namespace {

constexpr std::size_t kMostListed = 200;

std::size_t read_limit(const Request& request) {
  const std::string text = request.query_value("limit").value_or("50");
  std::size_t limit = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (problem != std::errc() || end != text.data() + text.size() || limit < 1 || limit > kMostListed) {
    throw bad_field("limit", fmt::format("limit '{}' is not a number from 1 to {}", text.substr(0, 60), kMostListed));
  }
  return limit;
}

std::vector<WorkStatus> read_statuses(const Request& request) {
  std::vector<WorkStatus> statuses;
  const std::string text = request.query_value("status").value_or("");
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view name = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    const auto status = parse_status(name);
    if (!status) {
      throw bad_field(
          "status", fmt::format("status '{}' is none of queued, running, done, failed, cancelled", name.substr(0, 60)));
    }
    statuses.push_back(*status);
  }
  return statuses;
}

}  // namespace

std::optional<std::string> visible_owner(const Service& service, const Request& request) {
  if (service.gate.keys().empty() || request.caller.admin) return std::nullopt;
  return request.caller.key_name;
}

Task<JobRecord> named_job(Service& service, const Request& request) {
  const auto named = request.path_values.find("id");
  const std::string id =
      named != request.path_values.end() ? named->second : request.path_values.find("job_id")->second;
  const std::optional<JobRecord> job = co_await service.jobs.find(id);
  const auto owner = visible_owner(service, request);
  if (!job || (owner && job->owner != *owner)) {
    throw HttpError({.status = 404,
                     .message = fmt::format("there is no job '{}' (any longer)", id.substr(0, 60)),
                     .code = "job_not_found",
                     .param = "id"});
  }
  co_return *job;
}

std::string present_job(const Service& service, const JobRecord& job) {
  return job_json(job, service.jobs.work_of(job.id).get(), service.queue.position(job.id));
}

Task<Response> create_job(Service& service, Request& request) {
  service.queue.check_room();
  const FormPlace place{.folder = service.upload_folder(), .file_fields = {"file", "audio"}, .durable = true};
  Form form = co_await receive_form(request, service.disk, place);
  JobRecord job;
  job.options = job_options_json(form);
  job.model = service.models.resolve(form.get("model").value_or(""));
  job.owner = request.caller.key_name;
  job.url = form.get("url").value_or("");
  job.webhook_url = form.get("webhook_url").value_or("");
  if (!job.webhook_url.empty()) check_url("webhook_url", job.webhook_url);
  if (form.file.has_value() == !job.url.empty()) {
    throw bad_field("file", "send the audio as 'file', or its address as 'url': one of the two", "missing_file");
  }
  if (form.file) {
    job.name = form.file->name();
  } else {
    job.name = check_url("url", job.url);
  }
  const JobRecord accepted = co_await service.jobs.create(std::move(job), std::move(form.file));
  Response response = json_response(present_job(service, accepted), 202);
  response.headers["location"] = "/v1/jobs/" + accepted.id;
  co_return response;
}

Task<Response> list_jobs(Service& service, Request& request) {
  JobFilter filter;
  filter.statuses = read_statuses(request);
  filter.owner = visible_owner(service, request);
  filter.search = request.query_value("search").value_or("");
  filter.after = request.query_value("after").value_or("");
  const std::size_t limit = read_limit(request);
  filter.limit = limit + 1;
  std::vector<JobRecord> jobs = co_await service.jobs.list(filter);
  const bool more = jobs.size() > limit;
  if (more) jobs.resize(limit);
  std::string data;
  for (const JobRecord& job : jobs) {
    if (!data.empty()) data += ',';
    data += present_job(service, job);
  }
  const std::string next = more ? fmt::format("\"{}\"", jobs.back().id) : "null";
  co_return json_response(fmt::format(R"({{"object":"list","data":[{}],"has_more":{},"next":{}}})", data, more, next));
}

Task<Response> get_job(Service& service, Request& request) {
  const JobRecord job = co_await named_job(service, request);
  co_return json_response(present_job(service, job));
}

Task<Response> delete_job(Service& service, Request& request) {
  const JobRecord job = co_await named_job(service, request);
  if (!is_over(job.status)) {
    co_await service.jobs.cancel(job.id);
    const JobRecord cancelled = co_await named_job(service, request);
    co_return json_response(present_job(service, cancelled));
  }
  co_await service.jobs.remove(job);
  const nlohmann::ordered_json json = {{"id", job.id}, {"object", "job"}, {"deleted", true}};
  co_return json_response(json.dump());
}

}  // namespace amanuensis::server
