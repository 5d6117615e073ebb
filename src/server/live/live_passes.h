// Transcription passes of a live conversation through the engine that all requests share, ahead of recordings. Any
// thread.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <span>

#include "pipeline/engine.h"
#include "pipeline/live/live_transcriber.h"
#include "server/models/model_pool.h"

namespace amanuensis::server {

class LivePasses : public std::enable_shared_from_this<LivePasses> {
 public:
  explicit LivePasses(ModelLease lease) : lease_(std::move(lease)) {}

  // For a LiveTranscriber; its calls throw Error{kCancelled} once cancel() was called.
  pipeline::TranscribeFn function();
  std::unique_ptr<pipeline::VoiceDetector> make_detector() const { return lease_.model().make_detector(); }
  // Ends the pass that runs, and all that would follow.
  void cancel();

 private:
  pipeline::Transcript transcribe(std::span<const float> samples, const pipeline::TranscribeOptions& options);

  ModelLease lease_;
  std::mutex mutex_;
  std::optional<pipeline::Engine::Handle> running_;
  bool cancelled_ = false;
};

}  // namespace amanuensis::server
