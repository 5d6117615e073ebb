// GET /v1/realtime: the transcription part of OpenAI's Realtime protocol. Documented in docs/api/realtime.md.
#include <fmt/format.h>

#include <memory>

#include "server/endpoints/endpoints.h"
#include "server/http/http_error.h"
#include "server/live/realtime_session.h"

namespace amanuensis::server {
namespace {

Task<void> converse(Service& service, std::string model, std::shared_ptr<LivePasses> passes, WebSocket& socket) {
  const auto session = std::make_shared<RealtimeSession>(
      RealtimeSession::Parts{.loop = service.loop,
                             .worker = service.live,
                             .passes = std::move(passes),
                             .model = model,
                             .beam_size = service.options.beam_size,
                             .is_this_model =
                                 [&service, model](const std::string& name) {
                                   try {
                                     return service.models.resolve(name) == model;
                                   } catch (const HttpError&) {
                                     return false;
                                   }
                                 },
                             .send = [&socket](std::string text) { socket.send(std::move(text)); }});
  session->begin();
  const Conversations::Entry entry = service.conversations.add([session, &socket] {
    session->wind_up([&socket] { socket.close(Conversations::kGoingAway, Conversations::kReason); });
  });
  while (true) {
    const std::optional<WebSocketMessage> message = co_await socket.read();
    if (!message) break;
    session->handle(message->data);
    while (session->full()) co_await sleep_for(service.loop, std::chrono::milliseconds(20));
  }
  session->close();
}

}  // namespace

Task<Response> realtime(Service& service, Request& request) {
  const std::string intent = request.query_value("intent").value_or("transcription");
  if (intent != "transcription") {
    throw bad_field("intent", fmt::format("intent '{}' is not 'transcription'", intent.substr(0, 60)));
  }
  const std::string model = service.models.resolve(request.query_value("model").value_or(""));
  ModelLease lease = co_await service.models.acquire_for_client(model);
  const auto passes = std::make_shared<LivePasses>(std::move(lease));
  Response response;
  response.websocket = [&service, model, passes](WebSocket& socket) -> Task<void> {
    return converse(service, model, passes, socket);
  };
  co_return response;
}

}  // namespace amanuensis::server
