#include "server/live/live_passes.h"

#include <utility>
#include <vector>

#include "base/error.h"

namespace amanuensis::server {
namespace {

// People wait for live text; recordings can.
constexpr int kLivePriority = 1;

}  // namespace

pipeline::TranscribeFn LivePasses::function() {
  return [self = shared_from_this()](std::span<const float> samples, const pipeline::TranscribeOptions& options) {
    return self->transcribe(samples, options);
  };
}

void LivePasses::cancel() {
  const std::scoped_lock lock(mutex_);
  cancelled_ = true;
  if (running_) running_->cancel();
}

pipeline::Transcript LivePasses::transcribe(std::span<const float> samples,
                                            const pipeline::TranscribeOptions& options) {
  pipeline::EngineRequest request;
  request.audio = pipeline::sample_source(std::vector<float>(samples.begin(), samples.end()));
  request.options.transcribe = options;
  request.options.vad_filter = false;
  request.priority = kLivePriority;
  std::optional<pipeline::Engine::Handle> handle;
  {
    const std::scoped_lock lock(mutex_);
    if (cancelled_) throw Error(ErrorCode::kCancelled, "the conversation is over");
    running_ = lease_.model().engine().submit(std::move(request));
    handle = running_;
  }
  pipeline::Transcript transcript = handle->wait();
  const std::scoped_lock lock(mutex_);
  running_.reset();
  return transcript;
}

}  // namespace amanuensis::server
