// POST /v1/audio/transcriptions and /v1/audio/translations: OpenAI's calls. Documented in docs/api/transcriptions.md.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "server/endpoints/endpoints.h"
#include "server/endpoints/old_api.h"
#include "server/endpoints/transcription_form.h"
#include "server/http/events.h"
#include "server/http/http_error.h"
#include "server/http/random_id.h"
#include "server/transcript/transcript_json.h"

namespace amanuensis::server {
namespace {

constexpr std::chrono::seconds kPingEvery{15};

std::string dumped(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Response render(const pipeline::Transcript& transcript, const TranscriptionParams& params, bool translate) {
  switch (params.format) {
    case ReplyFormat::kJson:
      return json_response(openai_json(transcript, params.logprobs));
    case ReplyFormat::kText:
      return text_response(std::string(trimmed_text(transcript.text)) + "\n", "text/plain; charset=utf-8");
    case ReplyFormat::kSrt:
      return text_response(written(transcript, "srt"), "application/x-subrip; charset=utf-8");
    case ReplyFormat::kVtt:
      return text_response(written(transcript, "vtt"), "text/vtt; charset=utf-8");
    case ReplyFormat::kDiarizedJson:
      return json_response(openai_diarized_json(transcript));
    case ReplyFormat::kVerboseJson:
      break;
  }
  return json_response(openai_verbose_json(
      transcript,
      {.segments = params.segments, .words = params.words, .task = translate ? "translate" : "transcribe"}));
}

std::string delta_event(const pipeline::Segment& segment, bool first, bool logprobs) {
  nlohmann::ordered_json json = {{"type", "transcript.text.delta"},
                                 {"delta", first ? std::string(trimmed_text(segment.text)) : segment.text}};
  if (logprobs) json["logprobs"] = nlohmann::ordered_json::parse(openai_logprobs(segment));
  return event_text({.data = dumped(json)});
}

std::string done_event(const pipeline::Transcript& transcript, bool logprobs) {
  nlohmann::ordered_json json = nlohmann::ordered_json::parse(openai_json(transcript, logprobs));
  nlohmann::ordered_json typed = {{"type", "transcript.text.done"}};
  typed.update(json);
  return event_text({.data = dumped(typed)});
}

// Nobody can ask about this work by its name: it is not remembered.
class Forgotten {
 public:
  Forgotten(WorkQueue& queue, std::string id) : queue_(queue), id_(std::move(id)) {}
  ~Forgotten() { queue_.forget(id_); }
  Forgotten(const Forgotten&) = delete;
  Forgotten& operator=(const Forgotten&) = delete;

 private:
  WorkQueue& queue_;
  const std::string id_;
};

// What a request holds while it is worked on. The file goes when the last who needs it does.
struct Ongoing {
  std::shared_ptr<Work> work;
  std::shared_ptr<UploadedFile> file;
  std::shared_ptr<WorkEvents> events;
  std::shared_ptr<Forgotten> forgotten;
};

// The last event of a diarized stream.
std::string diarized_done_event(const pipeline::Transcript& transcript) {
  const nlohmann::ordered_json json = {
      {"type", "transcript.text.done"},
      {"text", trimmed_text(transcript.text)},
      {"usage", nlohmann::ordered_json::parse(openai_json(transcript, false))["usage"]}};
  return event_text({.data = dumped(json)});
}

struct StreamFormat {
  bool logprobs = false;
  bool diarized = false;
};

Task<void> stream_deltas(Ongoing ongoing, StreamFormat format, Sink& sink) {
  bool first = true;
  while (true) {
    const WorkEvents::Wake wake = co_await ongoing.events->wait(kPingEvery);
    if (wake == WorkEvents::Wake::kClosed) break;
    std::string text(kEventPing);
    if (wake == WorkEvents::Wake::kItem) {
      const WorkEvent event = ongoing.events->take();
      if (event.kind != WorkEventKind::kSegment) continue;
      text = format.diarized ? event_text({.data = openai_diarized_segment(*event.segment)})
                             : delta_event(*event.segment, std::exchange(first, false), format.logprobs);
    }
    const bool written = co_await sink.write(text);
    if (!written) co_return;
  }
  if (ongoing.work->status() == WorkStatus::kDone) {
    // A variable of its own: GCC 12 destroys a choice of temporaries in an awaited call twice.
    const std::string last = format.diarized ? diarized_done_event(ongoing.work->transcript())
                                             : done_event(ongoing.work->transcript(), format.logprobs);
    co_await sink.write(last);
  } else {
    co_await sink.write(event_text({.data = error_json(ongoing.work->error()), .name = "error"}));
  }
}

// Waits until something was said, so that what fails before can still be told with a status of its own.
Task<Response> begin_stream(Ongoing ongoing, StreamFormat format) {
  ongoing.events = ongoing.work->subscribe();
  const auto seen = ongoing.work->subscribe();
  while (true) {
    const WorkEvents::Wake wake = co_await seen->wait(kPingEvery);
    if (wake == WorkEvents::Wake::kClosed) break;
    if (wake == WorkEvents::Wake::kItem && seen->take().kind == WorkEventKind::kSegment) break;
  }
  if (ongoing.work->over() && ongoing.work->status() != WorkStatus::kDone) throw HttpError(ongoing.work->error());
  co_return event_response(
      [ongoing, format](Sink& sink) -> Task<void> { return stream_deltas(ongoing, format, sink); });
}

// The voices of the known speakers; 400 where speakers cannot be told apart.
Task<void> learn_references(Service& service, TranscriptionParams& params) {
  if (!params.diarize) co_return;
  const pipeline::Diarizer* diarizer = service.models.host().diarizer();
  if (diarizer == nullptr) throw bad_field("response_format", kNoDiarization, "diarization_unavailable");
  if (params.references.empty()) co_return;
  const auto learn = [&] { return known_voices(*diarizer, params.references); };
  params.diarize->known = co_await service.disk.run(learn);
}

Task<Response> transcribe(Service& service, Request& request, bool translate) {
  service.queue.check_room();
  const FormPlace place{.folder = service.upload_folder()};
  Form form = co_await receive_form(request, service.disk, place);
  TranscriptionParams params =
      parse_transcription_form(form, {.translate = translate, .beam_size = service.options.beam_size});
  const std::string model = service.models.resolve(params.model);
  if (!form.file) throw bad_field("file", "the form has no file: send the audio as 'file'", "missing_file");

  co_await learn_references(service, params);

  Ongoing ongoing;
  ongoing.file = std::make_shared<UploadedFile>(std::move(*form.file));
  WorkSpec spec{.id = random_id("work_"),
                .model = model,
                .audio = ongoing.file->path(),
                .name = ongoing.file->name(),
                .options = params.options,
                .diarize = params.diarize,
                .priority = 0,
                .max_audio_s = service.options.max_audio_s};
  ongoing.work = service.queue.submit(std::move(spec));
  ongoing.forgotten = std::make_shared<Forgotten>(service.queue, ongoing.work->id());
  request.when_abandoned([work = ongoing.work] { work->cancel(); });
  if (params.stream) {
    const StreamFormat format{.logprobs = params.logprobs, .diarized = params.format == ReplyFormat::kDiarizedJson};
    Response streamed = co_await begin_stream(ongoing, format);
    co_return streamed;
  }
  co_await ongoing.work->wait_until_over();
  if (ongoing.work->status() != WorkStatus::kDone) throw HttpError(ongoing.work->error());
  co_return render(ongoing.work->transcript(), params, translate);
}

}  // namespace

Task<Response> create_transcription(Service& service, Request& request) { return transcribe(service, request, false); }
Task<Response> create_translation(Service& service, Request& request) { return transcribe(service, request, true); }

}  // namespace amanuensis::server
