#include "cli/vad_options.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <limits>
#include <optional>

#include "base/cpu_features.h"
#include "base/error.h"
#include "cli/option_values.h"
#include "device/cpu/cpu_backend.h"
#include "kernels/select.h"
#include "pipeline/segment/silero_detector.h"
#include "pipeline/segment/spectral_detector.h"

namespace amanuensis::cli {
namespace {

constexpr double kLongestMs = 86'400'000;  // a day

// Silero's weights on this machine; for `auto` none is as good as any.
std::optional<std::filesystem::path> find_weights(const Context& context, const VadRequest& request) {
  if (request.method == VadMethod::kBuiltin || request.method == VadMethod::kNone) return std::nullopt;
  try {
    return context.hub.resolve(request.model);
  } catch (const Error& error) {
    const bool is_default = request.model == VadArguments().vad_model;
    if (request.method == VadMethod::kAuto && is_default && error.code() == ErrorCode::kNotFound) return std::nullopt;
    if (!is_default || error.code() != ErrorCode::kNotFound) throw;
    throw Error(ErrorCode::kNotFound,
                "--vad-method 'silero': Silero's weights are not on this machine; `amanuensis models pull silero-vad` "
                "fetches them (about 1.2 MB), or use --vad-method builtin, which needs none");
  }
}

}  // namespace

void add_vad_options(CLI::App& parser, VadArguments& a) {
  const char* group = "Voice activity";
  const auto option = [&](const char* name, std::string& value, const char* type, const char* help) {
    parser.add_option(name, value, help)->type_name(type)->capture_default_str()->group(group);
  };
  parser.add_flag("--vad-filter", a.vad_filter, "Transcribe speech alone; times stay those of the file")->group(group);
  parser.add_flag_callback("--no-vad-filter", [&a] { a.vad_filter = false; })->group("");
  option("--vad-method", a.vad_method, "NAME", "auto, silero, builtin or none; auto: silero where it is installed");
  option("--vad-model", a.vad_model, "MODEL", "Silero's weights: a name, or a safetensors file");
  option("--vad-threshold", a.vad_threshold, "X", "Probability from which on it is speech");
  option("--vad-neg-threshold", a.vad_neg_threshold, "X",
         "Probability below which speech ends; None: 0.15 below --vad-threshold");
  option("--min-speech-duration-ms", a.min_speech_duration_ms, "N", "Speech that is not longer is left out");
  option("--max-speech-duration-s", a.max_speech_duration_s, "X",
         "Longer speech is cut in its last pause; None: never");
  option("--min-silence-duration-ms", a.min_silence_duration_ms, "N",
         "A pause this long ends speech; None: 2000, in batches 160");
  option("--speech-pad-ms", a.speech_pad_ms, "N", "Kept on both sides of speech");
}

VadRequest read_vad_request(const VadArguments& a) {
  constexpr std::array<std::string_view, 4> kMethods{"auto", "silero", "builtin", "none"};
  VadRequest request;
  const std::string method = read_choice({"--vad-method", a.vad_method}, kMethods);
  request.method = method == "silero"    ? VadMethod::kSilero
                   : method == "builtin" ? VadMethod::kBuiltin
                   : method == "none"    ? VadMethod::kNone
                                         : VadMethod::kAuto;
  if (a.vad_filter && request.method == VadMethod::kNone) {
    throw Error(ErrorCode::kInvalidArgument, "--vad-method 'none': leaves nothing to filter by; drop --vad-filter");
  }
  request.filter = a.vad_filter;
  request.model = a.vad_model;
  request.speech.threshold = read_number({"--vad-threshold", a.vad_threshold}, 0, 1);
  request.speech.neg_threshold = read_optional_number({"--vad-neg-threshold", a.vad_neg_threshold}, 0, 1);
  request.speech.min_speech_duration_ms =
      read_number({"--min-speech-duration-ms", a.min_speech_duration_ms}, 0, kLongestMs);
  request.speech.max_speech_duration_s =
      read_optional_number({"--max-speech-duration-s", a.max_speech_duration_s}, 0.1, kLongestMs)
          .value_or(std::numeric_limits<double>::infinity());
  const auto min_silence_ms =
      read_optional_number({"--min-silence-duration-ms", a.min_silence_duration_ms}, 0, kLongestMs);
  request.min_silence_given = min_silence_ms.has_value();
  request.speech.min_silence_duration_ms = min_silence_ms.value_or(request.speech.min_silence_duration_ms);
  request.speech.speech_pad_ms = read_number({"--speech-pad-ms", a.speech_pad_ms}, 0, kLongestMs);
  return request;
}

VoiceActivity::VoiceActivity(const Context& context, const VadRequest& request) {
  const auto weights = find_weights(context, request);
  if (!weights) return;
  backend_ =
      device::make_cpu_backend({.pool = pool_,
                                .kernels = kernels::select_kernels(detect_cpu_features(), context.environment.isa),
                                .compute_type = device::ComputeType::kFloat32});
  network_ = std::make_unique<model::SileroVad>(*weights, *backend_);
}

VoiceActivity::~VoiceActivity() = default;

pipeline::VoiceDetectorFactory VoiceActivity::factory() const {
  if (!network_) return [] { return pipeline::make_spectral_detector(); };
  return [this] { return pipeline::make_silero_detector(*network_); };
}

}  // namespace amanuensis::cli
