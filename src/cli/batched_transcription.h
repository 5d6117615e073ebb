// Recordings through one batched engine, several at once, while the terminal shows one after the other: what the engine
// says about a recording waits until its turn has come. Objects belong to one thread; the engine's threads only leave
// messages.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "cli/context.h"
#include "cli/engine.h"
#include "cli/transcription.h"
#include "pipeline/diarize/diarizer.h"
#include "pipeline/engine.h"

namespace amanuensis::cli {

struct BatchedSetup {
  std::size_t batch_size = 16;                        // windows decoded together
  pipeline::VoiceDetectorFactory detector = nullptr;  // absent: everything is taken for speech
};

// The engine that all recordings of one call go through; `engine` must outlive it.
std::unique_ptr<pipeline::Engine> make_batched_engine(const Engine& engine, const BatchedSetup& setup);

struct BatchedInput {
  std::string file;  // "-" is standard input
  const pipeline::BatchedOptions& options;
  std::optional<std::size_t> channel = std::nullopt;  // that alone, instead of a mix
  // Who finds out who speaks; null: nobody.
  const pipeline::Diarizer* diarizer = nullptr;
  pipeline::DiarizeOptions diarize = {};
};

class BatchedTranscription {
 public:
  // Submits the recording; the engine works on it from now on. Throws as pipeline::Engine::submit does, and
  // Error{kInvalidArgument} when the file is a terminal's standard input.
  BatchedTranscription(Context& context, pipeline::Engine& engine, const BatchedInput& input);
  // Cancels it unless it has ended.
  ~BatchedTranscription();
  BatchedTranscription(const BatchedTranscription&) = delete;
  BatchedTranscription& operator=(const BatchedTranscription&) = delete;

  // Tells what happens to the recording until it has ended. Throws what ended it, and Error{kCancelled} once the
  // context asks to stop.
  Transcription finish(const TranscriptionOptions& options);

 private:
  struct Messages;

  Context& context_;
  std::shared_ptr<Messages> messages_;  // the engine may outlive this object
  pipeline::Engine::Handle handle_;
};

}  // namespace amanuensis::cli
