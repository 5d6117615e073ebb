// The voice activity options of `amanuensis transcribe`, named as faster-whisper names them, and the detector they
// choose. A VoiceActivity belongs to one thread at a time, with all detectors it makes.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "base/thread_pool.h"
#include "cli/context.h"
#include "device/backend.h"
#include "model/vad/silero_vad.h"
#include "pipeline/segment/speech_spans.h"
#include "pipeline/segment/voice_detector.h"

namespace amanuensis::cli {

struct VadArguments {
  bool vad_filter = false;
  std::string vad_method = "auto";
  std::string vad_model = "silero-vad";
  std::string vad_threshold = "0.5";
  std::string vad_neg_threshold = "None";
  std::string min_speech_duration_ms = "0";
  std::string max_speech_duration_s = "None";
  std::string min_silence_duration_ms = "None";
  std::string speech_pad_ms = "400";
};

enum class VadMethod { kAuto, kSilero, kBuiltin, kNone };

struct VadRequest {
  bool filter = false;  // transcribe speech alone
  VadMethod method = VadMethod::kAuto;
  std::string model;  // Silero's weights: a name or a path
  pipeline::SpeechOptions speech;
  // Otherwise it is the sequential algorithm's, and batches may use their own.
  bool min_silence_given = false;
};

// Adds the options to the parser. `arguments` must live as long as the parser.
void add_vad_options(CLI::App& parser, VadArguments& arguments);

// Throws Error{kInvalidArgument} naming the option.
VadRequest read_vad_request(const VadArguments& arguments);

class VoiceActivity {
 public:
  // Reads Silero's weights for method silero, and for auto where they are on this machine. Throws Error{kNotFound} with
  // the command that fetches them, or as model::SileroVad does.
  VoiceActivity(const Context& context, const VadRequest& request);
  ~VoiceActivity();

  // "silero" or "builtin".
  std::string name() const { return network_ ? "silero" : "builtin"; }
  // Makes the detector of one recording; the network they share must outlive them.
  pipeline::VoiceDetectorFactory factory() const;

 private:
  // Its own: the network is float32 whatever the speech model computes in, and too small for more than one thread.
  mutable ThreadPool pool_{1};
  std::unique_ptr<device::Backend> backend_;
  std::unique_ptr<model::SileroVad> network_;
};

}  // namespace amanuensis::cli
