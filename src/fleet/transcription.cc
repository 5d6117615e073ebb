#include "fleet/transcription.h"

#include <future>
#include <memory>
#include <utility>

#include "pipeline/diarize/with_speakers.h"

namespace amanuensis::fleet {

Transcribed transcribe(pipeline::Engine& engine, pipeline::EngineRequest request, const std::stop_token& stop,
                       const std::optional<Speakers>& speakers) {
  // The engine may hold on to the callback for longer than this call lasts.
  auto ended = std::make_shared<std::promise<pipeline::Transcript>>();
  std::future<pipeline::Transcript> result = ended->get_future();
  request.events.on_end = [ended](const pipeline::Transcript& transcript, const std::exception_ptr& error) {
    if (error) {
      ended->set_exception(error);
    } else {
      ended->set_value(transcript);
    }
  };
  // It puts itself between the engine and that callback.
  if (speakers) request = pipeline::with_speakers(std::move(request), *speakers->diarizer, speakers->options);
  const pipeline::Engine::Handle handle = engine.submit(std::move(request));
  const std::stop_callback cancel(stop, [&handle] { handle.cancel(); });
  Transcribed done{.transcript = result.get(), .warning = {}};
  handle.wait();  // the warning is there now
  done.warning = handle.warning();
  return done;
}

}  // namespace amanuensis::fleet
