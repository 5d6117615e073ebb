#include "fleet/transcription.h"

#include <future>
#include <memory>
#include <utility>

namespace amanuensis::fleet {

Transcribed transcribe(pipeline::Engine& engine, pipeline::EngineRequest request, const std::stop_token& stop) {
  // The engine may hold on to the callback for longer than this call lasts.
  auto ended = std::make_shared<std::promise<pipeline::Transcript>>();
  std::future<pipeline::Transcript> result = ended->get_future();
  const auto told = std::move(request.events.on_end);
  request.events.on_end = [ended, told](const pipeline::Transcript& transcript, const std::exception_ptr& error) {
    if (told) told(transcript, error);
    if (error) {
      ended->set_exception(error);
    } else {
      ended->set_value(transcript);
    }
  };
  const pipeline::Engine::Handle handle = engine.submit(std::move(request));
  const std::stop_callback cancel(stop, [&handle] { handle.cancel(); });
  Transcribed done{.transcript = result.get(), .warning = {}};
  handle.wait();  // the warning is there now
  done.warning = handle.warning();
  return done;
}

}  // namespace amanuensis::fleet
