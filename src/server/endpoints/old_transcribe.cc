// POST /transcribe, as the old server had it. Documented in docs/api/transcribe.md.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "server/endpoints/endpoints.h"
#include "server/endpoints/old_api.h"
#include "server/endpoints/speaker_form.h"
#include "server/endpoints/transcription_form.h"
#include "server/http/http_error.h"
#include "server/http/random_id.h"
#include "server/net/outbound.h"
#include "server/transcript/transcript_json.h"

namespace amanuensis::server {
namespace {

using Json = nlohmann::ordered_json;

// Audio that cannot be read shows within this time, and is then told with a status of its own; after it the job is
// announced.
constexpr std::chrono::milliseconds kEarlyFailure{400};

enum class OldFormat { kJson, kText, kSrt, kVtt };

struct OldParams {
  std::string model;
  OldFormat format = OldFormat::kJson;
  std::optional<pipeline::DiarizeOptions> diarize;
  bool available = false;  // speakers can be told apart
  bool words = true;
  pipeline::BatchedOptions options;
};

OldFormat read_format(const Form& form) {
  const std::string asked = form.get("response_format").value_or("json");
  if (asked.empty() || asked == "json" || asked == "verbose_json") return OldFormat::kJson;
  if (asked == "text" || asked == "txt") return OldFormat::kText;
  if (asked == "srt") return OldFormat::kSrt;
  if (asked == "vtt") return OldFormat::kVtt;
  throw bad_field("response_format",
                  fmt::format("response_format '{}' is none of json, text, srt, vtt", asked.substr(0, 60)));
}

OldParams read_params(const Service& service, const Form& form) {
  OldParams params;
  params.options = default_options({.translate = false, .beam_size = service.options.beam_size});
  params.model = service.models.resolve(form.get("model").value_or(""));
  params.format = read_format(form);
  params.diarize = read_diarize_fields(form);
  params.available = service.models.host().diarizer() != nullptr;
  params.words = read_bool_field(form, "word_timestamps", true);
  params.options.vad_filter = read_bool_field(form, "vad_filter", read_bool_field(form, "enable_vad", true));
  params.options.transcribe.language = read_language_field(form);
  params.options.transcribe.initial_prompt = form.get("prompt").value_or(form.get("initial_prompt").value_or(""));
  params.options.transcribe.word_timestamps = params.words;
  set_temperature(params.options, read_number_field(form, "temperature", 0, 1).value_or(0));
  return params;
}

double thousandth(double value) { return std::round(value * 1000) / 1000; }

Json speakers_of(const pipeline::Transcript& transcript) {
  Json labels = Json::array();
  Json times = Json::object();
  for (const pipeline::TranscriptSpeaker& speaker : transcript.speakers) {
    labels.push_back(speaker.label);
    times[speaker.label] = thousandth(speaker.speaking_s);
  }
  return {{"count", transcript.speakers.size()}, {"labels", std::move(labels)}, {"speaking_time", std::move(times)}};
}

std::string result_json(const Service& service, const Work& work, const OldParams& params) {
  const pipeline::Transcript& transcript = work.transcript();
  Json segments = Json::array();
  for (const pipeline::Segment& segment : transcript.segments) {
    Json words = Json::array();
    for (const pipeline::Word& word : segment.words) {
      words.push_back({{"word", word.word},
                       {"start", thousandth(word.start_s)},
                       {"end", thousandth(word.end_s)},
                       {"probability", thousandth(word.probability)}});
      if (!word.speaker.empty()) words.back()["speaker"] = word.speaker;
    }
    segments.push_back({{"start", thousandth(segment.start_s)},
                        {"end", thousandth(segment.end_s)},
                        {"text", trimmed_text(segment.text)},
                        {"words", std::move(words)}});
    if (!segment.speaker.empty()) segments.back()["speaker"] = segment.speaker;
  }
  Json json = {{"text", trimmed_text(transcript.text)},
               {"segments", std::move(segments)},
               {"language", transcript.language},
               {"duration", thousandth(transcript.duration_s)},
               {"processing_time", thousandth(work.processing_s())},
               {"realtime_factor", thousandth(work.realtime_factor())},
               {"hardware", hardware_json(service)},
               {"npu_mel_time", 0.0},  // log-mel is computed by the CPU, whatever the device
               {"diarization_enabled", params.diarize && params.available},
               {"diarization_available", params.available},
               {"speakers", speakers_of(transcript)},
               {"vad_filter", params.options.vad_filter},
               {"job_id", work.id()}};
  if (params.diarize && !params.available) json["diarization_note"] = kNoDiarization;
  if (!work.warning().empty()) json["warning"] = work.warning();
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string result_text(const Service& service, const Work& work, const OldParams& params) {
  if (work.status() != WorkStatus::kDone) {
    Json json = Json::parse(error_json(work.error()));
    json["detail"] = work.error().message;
    json["job_id"] = work.id();
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  switch (params.format) {
    case OldFormat::kText:
      return std::string(trimmed_text(work.transcript().text)) + "\n";
    case OldFormat::kSrt:
      return written(work.transcript(), "srt");
    case OldFormat::kVtt:
      return written(work.transcript(), "vtt");
    case OldFormat::kJson:
      break;
  }
  return result_json(service, work, params);
}

std::string_view content_type(OldFormat format) {
  switch (format) {
    case OldFormat::kText:
      return "text/plain; charset=utf-8";
    case OldFormat::kSrt:
      return "application/x-subrip; charset=utf-8";
    case OldFormat::kVtt:
      return "text/vtt; charset=utf-8";
    case OldFormat::kJson:
      break;
  }
  return "application/json";
}

struct Ongoing {
  std::shared_ptr<Work> work;
  std::shared_ptr<UploadedFile> file;
  OldParams params;
};

Task<void> send_result(Service& service, Ongoing ongoing, Sink& sink) {
  co_await ongoing.work->wait_until_over();
  const std::string text = result_text(service, *ongoing.work, ongoing.params);
  co_await sink.write(text);
}

// Until something was transcribed, it is over, or it has taken long enough.
Task<void> wait_for_early_failure(std::shared_ptr<Work> work) {
  const auto events = work->subscribe();
  const Clock::time_point until = Clock::now() + kEarlyFailure;
  while (Clock::now() < until) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
    const WorkEvents::Wake wake = co_await events->wait(left + std::chrono::milliseconds(1));
    if (wake != WorkEvents::Wake::kItem) co_return;
    const WorkEventKind kind = events->take().kind;
    if (kind != WorkEventKind::kQueued && kind != WorkEventKind::kRunning) co_return;
  }
}

Task<std::shared_ptr<UploadedFile>> take_recording(Service& service, Form& form) {
  if (form.file) co_return std::make_shared<UploadedFile>(std::move(*form.file));
  const std::string url = form.get("url").value_or("");
  if (url.empty())
    throw bad_field("file", "the form has no file: send the audio as 'file' or 'audio', or its 'url'", "missing_file");
  check_url("url", url);
  const std::string stem = random_id("fetched_");
  const auto fetch = [&] { return service.fetch(url, service.upload_folder(), stem); };
  const Fetched fetched = co_await service.fetcher.run(fetch);
  auto file = std::make_shared<UploadedFile>(service.upload_folder() / fetched.file, fetched.name);
  file->size_bytes = fetched.size_bytes;
  co_return file;
}

}  // namespace

Task<Response> old_transcribe(Service& service, Request& request) {
  service.queue.check_room();
  const FormPlace place{.folder = service.upload_folder(), .file_fields = {"file", "audio"}};
  Form form = co_await receive_form(request, service.disk, place);
  Ongoing ongoing;
  ongoing.params = read_params(service, form);
  ongoing.file = co_await take_recording(service, form);
  WorkSpec spec{.id = random_id("job_"),
                .model = ongoing.params.model,
                .audio = ongoing.file->path(),
                .name = ongoing.file->name(),
                .options = ongoing.params.options,
                .diarize = ongoing.params.diarize,
                .priority = 0,
                .max_audio_s = service.options.max_audio_s};
  ongoing.work = service.queue.submit(std::move(spec));
  request.when_abandoned([work = ongoing.work] { work->cancel(); });
  co_await wait_for_early_failure(ongoing.work);
  if (ongoing.work->over() && ongoing.work->status() != WorkStatus::kDone) {
    ErrorBody error = ongoing.work->error();
    error.headers["x-job-id"] = ongoing.work->id();
    throw HttpError(error);
  }
  Response response;
  response.headers = {{"content-type", std::string(content_type(ongoing.params.format))},
                      {"x-job-id", ongoing.work->id()}};
  if (ongoing.work->over()) {
    response.body = result_text(service, *ongoing.work, ongoing.params);
  } else {
    response.stream = [&service, ongoing](Sink& sink) -> Task<void> { return send_result(service, ongoing, sink); };
  }
  co_return response;
}

}  // namespace amanuensis::server
