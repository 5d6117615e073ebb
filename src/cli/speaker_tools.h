// The options of everything that tells speakers apart, and the diarizer they choose: the program's composition of voice
// activity, embedder and backend. SpeakerTools must outlive what its diarizer makes; the diarizer may be used from any
// thread.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <mutex>
#include <string>

#include "base/thread_pool.h"
#include "cli/context.h"
#include "cli/published_speakers.h"
#include "cli/vad_options.h"
#include "device/backend.h"
#include "pipeline/diarize/diarizer.h"

namespace amanuensis::cli {

struct SpeakerArguments {
  std::string num_speakers = "auto";
  std::string min_speakers = "None";
  std::string max_speakers = "None";
};

// Adds --num-speakers, --min-speakers and --max-speakers. `arguments` must live as long as the parser.
void add_speaker_options(CLI::App& parser, SpeakerArguments& arguments);

// Throws Error{kInvalidArgument} naming the option.
pipeline::DiarizeOptions read_speaker_options(const SpeakerArguments& arguments);

struct SpeakerToolsOptions {
  std::size_t threads = 0;  // 0: one per CPU this process may run on
  VadRequest vad = {};
};

class SpeakerTools {
 public:
  // Throws as VoiceActivity does.
  SpeakerTools(const Context& context, const SpeakerToolsOptions& options);
  ~SpeakerTools();

  const pipeline::Diarizer& diarizer() const { return *diarizer_; }
  // The enrolled voices that this diarizer can recognise; none without a data folder. Says once whom it cannot.
  std::vector<pipeline::KnownVoice> enrolled(const Context& context) const;

 private:
  ThreadPool pool_;
  std::unique_ptr<device::Backend> backend_;
  std::unique_ptr<PublishedSpeakers> published_;
  std::unique_ptr<VoiceActivity> voice_;  // null: the embedder finds speech itself
  mutable std::mutex voice_mutex_;        // all its detectors share one network
  std::unique_ptr<pipeline::Diarizer> diarizer_;
  mutable std::once_flag told_strangers_;
};

}  // namespace amanuensis::cli
