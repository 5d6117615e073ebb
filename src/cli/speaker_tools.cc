#include "cli/speaker_tools.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/cpu_features.h"
#include "cli/option_values.h"
#include "cli/speaker_store.h"
#include "device/cpu/cpu_backend.h"
#include "kernels/select.h"
#include "pipeline/diarize/builtin_embedder.h"

namespace amanuensis::cli {
namespace {

std::optional<std::size_t> read_speakers(const char* name, const std::string& text) {
  if (text == "auto") return std::nullopt;
  return read_optional_count({name, text}, 1, pipeline::kMaxSpeakers);
}

// Calls of detectors that share a network take turns.
class LockedDetector final : public pipeline::VoiceDetector {
 public:
  LockedDetector(std::unique_ptr<pipeline::VoiceDetector> detector, std::mutex& mutex)
      : detector_(std::move(detector)), mutex_(mutex) {}
  std::string_view name() const override { return detector_->name(); }
  void push(std::span<const float> samples, std::vector<float>& probabilities) override {
    const std::scoped_lock lock(mutex_);
    detector_->push(samples, probabilities);
  }
  void finish(std::vector<float>& probabilities) override {
    const std::scoped_lock lock(mutex_);
    detector_->finish(probabilities);
  }

 private:
  std::unique_ptr<pipeline::VoiceDetector> detector_;
  std::mutex& mutex_;
};

}  // namespace

void add_speaker_options(CLI::App& parser, SpeakerArguments& arguments) {
  const char* group = "Speakers";
  const auto add = [&](const char* name, std::string& value, const char* help) {
    parser.add_option(name, value, help)->group(group)->type_name("N")->capture_default_str();
  };
  add("--num-speakers", arguments.num_speakers, "How many speak, when that is known");
  add("--min-speakers", arguments.min_speakers, "At least so many speak");
  add("--max-speakers", arguments.max_speakers, "At most so many speak");
}

pipeline::DiarizeOptions read_speaker_options(const SpeakerArguments& arguments) {
  pipeline::DiarizeOptions options;
  options.num_speakers = read_speakers("--num-speakers", arguments.num_speakers);
  options.min_speakers = read_speakers("--min-speakers", arguments.min_speakers);
  options.max_speakers = read_speakers("--max-speakers", arguments.max_speakers);
  check_diarize_options(options);
  return options;
}

SpeakerTools::SpeakerTools(const Context& context, const SpeakerToolsOptions& options)
    : pool_(ThreadPoolOptions{.threads = options.threads}) {
  backend_ =
      device::make_cpu_backend({.pool = pool_,
                                .kernels = kernels::select_kernels(detect_cpu_features(), context.environment.isa),
                                .compute_type = device::ComputeType::kFloat32});
  pipeline::DiarizerParts parts;
  published_ = std::make_unique<PublishedSpeakers>(context, options.threads);
  parts.segmenter = published_->networks().segmenter;
  parts.embedder = published_->networks().embedder;
  if (!parts.embedder) parts.embedder = pipeline::make_builtin_embedder(*backend_);
  if (options.vad.method != VadMethod::kNone) voice_ = std::make_unique<VoiceActivity>(context, options.vad);
  // The built-in detector is made for transcription, which may hear too much; the embedder's own ear is better.
  const bool has_ear = parts.segmenter != nullptr || parts.embedder->traits().knows_activity;
  if (voice_ && (voice_->name() == "silero" || options.vad.method == VadMethod::kBuiltin || !has_ear)) {
    parts.detector = [this] { return std::make_unique<LockedDetector>(voice_->factory()(), voice_mutex_); };
  }
  diarizer_ = std::make_unique<pipeline::Diarizer>(std::move(parts));
}

SpeakerTools::~SpeakerTools() = default;

std::vector<pipeline::KnownVoice> SpeakerTools::enrolled(const Context& context) const {
  if (context.environment.data_dir.empty()) return {};
  const SpeakerStore store(context.environment.data_dir);
  const std::string& kin = diarizer_->embedder().traits().kin;
  std::vector<std::string> strangers;
  for (const StoredVoice& voice : store.all()) {
    if (voice.kin != kin) strangers.push_back(voice.known.name);
  }
  if (!strangers.empty()) {
    std::call_once(told_strangers_, [&] {
      context.terminal.message(fmt::format(
          "amanuensis: warning: {}: enrolled with another speaker network than the one in use ({}) and not recognised; "
          "`amanuensis speakers enroll` them again",
          fmt::join(strangers, ", "), kin));
    });
  }
  return store.of_kin(kin);
}

}  // namespace amanuensis::cli
