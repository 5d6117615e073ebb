#include "fleet/job.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace amanuensis::fleet {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 5> kStatuses{"queued", "running", "done", "failed", "cancelled"};
// A text that is shown; a message that quotes a hostile file name shall not fill the table.
constexpr std::size_t kLongestText = 4000;

Json number_or_null(const std::optional<std::int64_t>& number) { return number ? Json(*number) : Json(nullptr); }

std::optional<std::int64_t> number_or_nothing(const Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end() || found->is_null()) return std::nullopt;
  return found->get<std::int64_t>();
}

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) { EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr); }
  void add(const void* bytes, std::size_t size) { EVP_DigestUpdate(context_.get(), bytes, size); }
  std::string hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    EVP_DigestFinal_ex(context_.get(), digest.data(), &size);
    std::string text;
    for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
    return text;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_;
};

Json ranges_json(const JobRanges& ranges) {
  return {{"count", ranges.count},
          {"done", ranges.done},
          {"planned", ranges.planned},
          {"audio_done_s", ranges.audio_done_s}};
}

void add_result(const Job& job, Json& json) {
  if (job.webhook_attempt > 0) json["webhook_attempt"] = job.webhook_attempt;
  if (job.webhook_next_ms) json["webhook_next_ms"] = *job.webhook_next_ms;
  if (job.ranges) json["ranges"] = ranges_json(*job.ranges);
  if (!job.worker.empty()) json["worker"] = job.worker;
  if (!job.failures.empty()) json["failures"] = job.failures;
  if (!job.result.empty()) json["result"] = job.result;
  if (!job.language.empty()) json["language"] = job.language;
  if (job.processing_s > 0) json["processing_s"] = job.processing_s;
  if (job.segments > 0) json["segments"] = job.segments;
  if (!job.warning.empty()) json["warning"] = job.warning.substr(0, kLongestText);
  if (!job.error.empty()) json["error"] = Json::parse(job.error, nullptr, /*allow_exceptions=*/false);
}

}  // namespace

std::string_view to_string(JobStatus status) { return kStatuses[static_cast<std::size_t>(status)]; }

std::optional<JobStatus> parse_job_status(std::string_view text) {
  const auto found = std::find(kStatuses.begin(), kStatuses.end(), text);
  if (found == kStatuses.end()) return std::nullopt;
  return static_cast<JobStatus>(found - kStatuses.begin());
}

std::string job_json(const Job& job) {
  Json json = {{"id", job.id},
               {"status", to_string(job.status)},
               {"priority", to_string(job.priority)},
               {"epoch", job.epoch},
               {"created_ms", job.created_ms},
               {"started_ms", number_or_null(job.started_ms)},
               {"ended_ms", number_or_null(job.ended_ms)},
               {"attempt", job.attempt},
               {"lost", job.lost},
               {"owner", job.owner},
               {"name", job.name},
               {"source", job.source},
               {"size_bytes", job.size_bytes},
               {"url", job.url},
               {"model", job.model},
               {"options", Json::parse(job.options, nullptr, /*allow_exceptions=*/false)},
               {"results", job.results},
               {"formats", job.formats},
               {"webhook_url", job.webhook_url},
               {"content_hash", job.content_hash},
               {"audio_s", job.audio_s},
               {"tells_segments", job.tells_segments}};
  add_result(job, json);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Job parse_job(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    Job job;
    job.id = json.at("id");
    job.status = parse_job_status(json.at("status").get<std::string>()).value_or(JobStatus::kFailed);
    job.priority = parse_priority(json.at("priority").get<std::string>()).value_or(Priority::kNormal);
    job.epoch = json.at("epoch");
    job.created_ms = json.at("created_ms");
    job.started_ms = number_or_nothing(json, "started_ms");
    job.ended_ms = number_or_nothing(json, "ended_ms");
    job.attempt = json.at("attempt");
    job.lost = json.at("lost");
    job.owner = json.at("owner");
    job.name = json.at("name");
    job.source = json.at("source");
    job.size_bytes = json.at("size_bytes");
    job.url = json.at("url");
    job.model = json.at("model");
    job.options = json.at("options").dump();
    job.results = json.at("results");
    job.formats = json.at("formats").get<std::vector<std::string>>();
    job.webhook_url = json.at("webhook_url");
    job.content_hash = json.at("content_hash");
    job.audio_s = json.at("audio_s");
    job.webhook_attempt = json.value("webhook_attempt", std::int64_t{0});
    job.webhook_next_ms = number_or_nothing(json, "webhook_next_ms");
    job.tells_segments = json.value("tells_segments", false);
    if (const auto found = json.find("ranges"); found != json.end()) {
      job.ranges = JobRanges{.count = found->at("count"),
                             .done = found->at("done"),
                             .planned = found->at("planned"),
                             .audio_done_s = found->at("audio_done_s")};
    }
    job.worker = json.value("worker", "");
    job.failures = json.value("failures", std::vector<std::string>());
    job.result = json.value("result", "");
    job.language = json.value("language", "");
    job.processing_s = json.value("processing_s", 0.0);
    job.segments = json.value("segments", std::int64_t{0});
    job.warning = json.value("warning", "");
    if (const auto found = json.find("error"); found != json.end()) job.error = found->dump();
    return job;
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorCode::kBadData, fmt::format("a job in the fleet's table cannot be read: {}", error.what()));
  }
}

void end_job(Job& job, JobStatus status) {
  job.status = status;
  job.ended_ms = unix_ms();
  if (job.webhook_url.empty()) return;
  job.webhook_attempt = 0;
  job.webhook_next_ms = job.ended_ms;
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 hash;
  hash.add(bytes.data(), bytes.size());
  return hash.hex();
}

std::string sha256_of_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(ErrorCode::kNotFound, fmt::format("{}: cannot be read; does it exist?", path));
  Sha256 hash;
  std::vector<char> piece(std::size_t{1} << 20);
  while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() > 0) {
    hash.add(piece.data(), static_cast<std::size_t>(in.gcount()));
  }
  if (in.bad()) throw Error(ErrorCode::kIo, fmt::format("{}: cannot be read to its end", path));
  return hash.hex();
}

std::string job_id(const std::string& recording, const std::string& model, const std::string& options) {
  return "job_" + sha256_hex(fmt::format("{}\n{}\n{}", recording, model, options)).substr(0, 32);
}

std::string result_key(const std::string& content_hash, const std::string& model, const std::string& options) {
  return fmt::format("{}/{}-{}", content_hash.substr(0, 2), content_hash,
                     sha256_hex(fmt::format("{}\n{}", model, options)).substr(0, 12));
}

std::string job_error(std::string_view code, std::string_view message) {
  const std::string_view type = code == "cancelled" ? "cancelled" : "transcription_error";
  const Json json = {
      {"error", {{"message", message.substr(0, kLongestText)}, {"type", type}, {"param", nullptr}, {"code", code}}}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string error_message(const Job& job) {
  const Json json = Json::parse(job.error, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("error")) return {};
  return json.at("error").value("message", "");
}

std::int64_t unix_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace amanuensis::fleet
