// GET /ws/transcribe: speech as it is spoken, over a WebSocket. Documented in docs/api/live.md.
#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "pipeline/live/live_transcriber.h"
#include "pipeline/live/pcm_input.h"
#include "server/endpoints/endpoints.h"
#include "server/endpoints/transcription_form.h"
#include "server/http/http_error.h"
#include "server/live/live_passes.h"
#include "server/live/turns.h"
#include "server/transcript/transcript_json.h"

namespace amanuensis::server {
namespace {

using Json = nlohmann::ordered_json;

struct Captions {
  std::string model;
  double rate_hz = 16000;
  pipeline::PcmEncoding encoding = pipeline::PcmEncoding::kS16le;
  bool voice_activity = true;
  pipeline::TranscribeOptions transcribe;
};

Captions read_captions(const Service& service, const Request& request) {
  Form form;
  for (const auto& [name, value] : request.query) form.fields[name].push_back(value);
  Captions captions;
  captions.model = service.models.resolve(form.get("model").value_or(""));
  captions.rate_hz =
      read_number_field(form, "sample_rate", pipeline::PcmInput::kLowestRateHz, pipeline::PcmInput::kHighestRateHz)
          .value_or(captions.rate_hz);
  const std::string encoding = form.get("encoding").value_or("pcm16");
  if (encoding == "mulaw") {
    captions.encoding = pipeline::PcmEncoding::kMuLaw;
  } else if (encoding == "alaw") {
    captions.encoding = pipeline::PcmEncoding::kALaw;
  } else if (encoding != "pcm16") {
    throw bad_field("encoding", fmt::format("encoding '{}' is none of pcm16, mulaw, alaw", encoding.substr(0, 60)));
  }
  captions.voice_activity = read_bool_field(form, "vad", true);
  captions.transcribe = default_options({.translate = false, .beam_size = service.options.beam_size}).transcribe;
  captions.transcribe.language = read_language_field(form);
  captions.transcribe.initial_prompt = form.get("prompt").value_or("");
  captions.transcribe.word_timestamps = read_bool_field(form, "word_timestamps", false);
  return captions;
}

std::string dumped(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string partial_message(const pipeline::LivePartial& partial) {
  return dumped({{"type", "partial"},
                 {"text", partial.text},
                 {"stable_bytes", partial.agreed_bytes},
                 {"start", partial.start_s},
                 {"end", partial.end_s}});
}

std::string final_message(const pipeline::LiveWindow& window, const std::string& language) {
  Json segments = Json::array();
  for (const pipeline::Segment& segment : window.segments) segments.push_back(Json::parse(segment_json(segment)));
  return dumped({{"type", "final"},
                 {"text", window.text},
                 {"start", window.start_s},
                 {"end", window.end_s},
                 {"language", language},
                 {"segments", std::move(segments)}});
}

std::string error_message(const std::exception_ptr& error) {
  Json json = Json::parse(error_json(describe(error)));
  Json message = {{"type", "error"}};
  message.update(json);
  return dumped(message);
}

// What the loop's thread and the passes share. `socket` is used on the loop's thread alone and is null when the
// conversation is over.
struct Conversation {
  explicit Conversation(Loop& to) : loop(to) {}
  Loop& loop;
  WebSocket* socket = nullptr;
  bool done = false;
  bool winding_up = false;  // the server is stopping: no more is listened to
  std::shared_ptr<LivePasses> passes;
  std::unique_ptr<pipeline::LiveTranscriber> live;  // of the passes' turns
  std::unique_ptr<pipeline::PcmInput> input;        // likewise

  void send(const std::shared_ptr<Conversation>& self, std::string text, bool last = false) {
    loop.post([self, text = std::move(text), last] {
      if (self->socket == nullptr) return;
      self->socket->send(text);
      if (!last) return;
      self->done = true;
      if (self->winding_up) {
        self->socket->close(Conversations::kGoingAway, Conversations::kReason);
      } else {
        self->socket->close(1000, {});
      }
    });
  }
};

using Shared = std::shared_ptr<Conversation>;

// Runs one piece of a conversation's work; what goes wrong ends it.
template <typename Work>
void guarded(const Shared& talk, const Work& work) {
  try {
    work();
  } catch (...) {
    talk->send(talk, error_message(std::current_exception()), /*last=*/true);
  }
}

void prepare(const Shared& talk, const Captions& captions) {
  // The events are called by passes, while the conversation exists.
  Conversation* raw = talk.get();
  const std::weak_ptr<Conversation> weak = talk;
  talk->input = std::make_unique<pipeline::PcmInput>(captions.encoding, captions.rate_hz);
  talk->live = std::make_unique<pipeline::LiveTranscriber>(
      talk->passes->function(), pipeline::LiveOptions{.transcribe = captions.transcribe},
      pipeline::LiveEvents{.on_partial =
                               [weak](const pipeline::LivePartial& partial) {
                                 if (const Shared self = weak.lock()) self->send(self, partial_message(partial));
                               },
                           .on_committed =
                               [weak, raw](const pipeline::LiveWindow& window) {
                                 if (const Shared self = weak.lock()) {
                                   self->send(self, final_message(window, raw->live->transcript().language));
                                 }
                               }},
      captions.voice_activity ? talk->passes->make_detector() : nullptr);
}

void finish(const Shared& talk, bool last) {
  if (!talk->live) return;  // it could not begin; the client has been told
  guarded(talk, [&] {
    talk->live->push(talk->input->finish());
    talk->live->finish();
    if (!last) return;
    const pipeline::Transcript& all = talk->live->transcript();
    talk->send(talk,
               dumped({{"type", "done"},
                       {"text", trimmed_text(all.text)},
                       {"language", all.language},
                       {"duration", all.duration_s}}),
               /*last=*/true);
  });
}

// What a text message asks for.
void take_text(const Shared& talk, Turns& turns, const std::string& text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const std::string type = json.is_object() && json.contains("type") && json["type"].is_string()
                               ? json["type"].get<std::string>()
                               : std::string();
  if (type == "end") {
    turns.add([talk] { finish(talk, /*last=*/true); });
    return;
  }
  if (type == "flush") {
    turns.add([talk] { finish(talk, /*last=*/false); });
    return;
  }
  talk->socket->send(error_message(
      std::make_exception_ptr(HttpError({.status = 400,
                                         .message = R"(a text message is {"type": "end"} or {"type": "flush"})",
                                         .code = "bad_message"}))));
}

Task<void> converse(Service& service, Captions captions, Shared talk, WebSocket& socket) {
  talk->socket = &socket;
  const auto turns = std::make_shared<Turns>(service.live);
  turns->add([talk, captions] { guarded(talk, [&] { prepare(talk, captions); }); });
  const Conversations::Entry entry = service.conversations.add([talk, turns] {
    talk->winding_up = true;
    turns->add([talk] { finish(talk, /*last=*/true); });
  });
  socket.send(dumped({{"type", "ready"}, {"model", captions.model}, {"sample_rate", captions.rate_hz}}));
  while (!talk->done) {
    std::optional<WebSocketMessage> message = co_await socket.read();
    if (!message) break;
    if (talk->winding_up) continue;
    if (message->is_text) {
      take_text(talk, *turns, message->data);
      continue;
    }
    turns->add_sound(std::move(message->data), [talk](const std::string& sound) {
      guarded(talk, [&] {
        if (talk->live) talk->live->push(talk->input->push(sound));
      });
    });
    while (turns->full() && !talk->done) co_await sleep_for(service.loop, std::chrono::milliseconds(20));
  }
  talk->socket = nullptr;
  turns->clear();
  talk->passes->cancel();
}

}  // namespace

Task<Response> live_captions(Service& service, Request& request) {
  const Captions captions = read_captions(service, request);
  ModelLease lease = co_await service.models.acquire_for_client(captions.model);
  const auto talk = std::make_shared<Conversation>(service.loop);
  talk->passes = std::make_shared<LivePasses>(std::move(lease));
  Response response;
  response.websocket = [&service, captions, talk](WebSocket& socket) -> Task<void> {
    return converse(service, captions, talk, socket);
  };
  co_return response;
}

}  // namespace amanuensis::server
