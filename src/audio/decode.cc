#include "audio/decode.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "audio/byte_source.h"
#include "audio/media_input.h"
#include "audio/mono_resampler.h"
#include "base/error.h"

namespace amanuensis::audio {
namespace {

// Headers round, and encoders pad: less than this is no missing audio.
constexpr double kToleratedMissingS = 0.5;
constexpr double kToleratedMissingShare = 0.02;

[[noreturn]] void throw_cancelled(const std::string& name) {
  throw Error(ErrorCode::kCancelled, fmt::format("{}: reading it was cancelled", name));
}

}  // namespace

struct AudioReader::State {
  State(std::unique_ptr<ByteSource> source, const std::string& url, const std::string& name,
        std::optional<std::size_t> channel = std::nullopt)
      : input(std::move(source), url, name), resampler(name, channel), info(input.info()) {}

  // Decodes until there are samples to give; false at the end.
  bool refill();
  void note_what_was_wrong();

  MediaInput input;
  MonoResampler resampler;
  MediaInfo info;
  std::vector<float> pending;  // decoded and not given yet: [pending_done, end)
  std::size_t pending_done = 0;
  double decoded_s = 0;
  bool any_sample = false;
  bool ended = false;
  std::string warning;
  std::stop_token stop;
};

bool AudioReader::State::refill() {
  pending.clear();
  pending_done = 0;
  while (pending.empty() && !ended) {
    const AVFrame* frame = input.next_frame();
    if (stop.stop_requested()) throw_cancelled(input.name());
    if (frame == nullptr) {
      resampler.finish(pending);
      ended = true;
      any_sample = any_sample || !pending.empty();
      note_what_was_wrong();
      break;
    }
    if (info.sample_rate_hz <= 0) info.sample_rate_hz = frame->sample_rate;
    if (info.channels <= 0) info.channels = frame->ch_layout.nb_channels;
    resampler.push(*frame, pending);
    if (frame->sample_rate > 0) decoded_s += static_cast<double>(frame->nb_samples) / frame->sample_rate;
    any_sample = any_sample || !pending.empty();
  }
  return !pending.empty();
}

void AudioReader::State::note_what_was_wrong() {
  const std::string& name = input.name();
  const int damaged = input.damaged_packets();
  const double promised_s = input.promised_duration_s().value_or(0);
  if (!any_sample) {
    // Headers alone, of a recording without a single sample, are a valid file.
    const bool has_header = info.sample_rate_hz > 0 && info.channels > 0;
    if (has_header && promised_s <= 0 && damaged == 0 && input.read_error().empty()) return;
    if (input.is_text()) throw Error(ErrorCode::kBadData, fmt::format("{}: is a text file, not a media file", name));
    throw Error(ErrorCode::kBadData, fmt::format("{}: no audio could be decoded from its {} track{}", name, info.codec,
                                                 input.messages().suffix()));
  }
  std::vector<std::string> parts;
  if (promised_s - decoded_s > std::max(kToleratedMissingS, promised_s * kToleratedMissingShare)) {
    parts.push_back(
        fmt::format("it ends after {:.1f} s although its header says {:.1f} s: truncated?", decoded_s, promised_s));
  }
  if (input.missing_bytes() > 0) {
    parts.push_back(fmt::format("{} bytes that its header announces are missing: truncated?", input.missing_bytes()));
  }
  if (damaged > 0) parts.push_back(fmt::format("{} damaged packet{} skipped", damaged, damaged == 1 ? "" : "s"));
  if (!input.read_error().empty()) {
    parts.push_back(fmt::format("reading stopped after {:.1f} s: {}", decoded_s, input.read_error()));
  }
  if (parts.empty() && input.messages().demuxer_errors > 0) {
    parts.push_back(fmt::format("damaged or truncated{}", input.messages().suffix()));
  }
  if (!parts.empty()) warning = fmt::format("{}: {}", name, fmt::join(parts, "; "));
}

AudioReader::AudioReader(const std::filesystem::path& path, std::stop_token stop, std::optional<std::size_t> channel) {
  const std::string name = display_name(path);
  try {
    state_ = std::make_unique<State>(open_byte_source(path, stop), path == "-" ? "" : path.string(), name, channel);
  } catch (const Error&) {
    // Whatever a source that stopped giving made of the file.
    if (stop.stop_requested()) throw_cancelled(name);
    throw;
  }
  state_->stop = std::move(stop);
}

AudioReader::AudioReader(std::unique_ptr<State> state) : state_(std::move(state)) {}

AudioReader AudioReader::from_memory(std::span<const std::byte> file, const std::string& name) {
  if (file.empty()) throw Error(ErrorCode::kBadData, fmt::format("{}: is empty (0 bytes)", name));
  return AudioReader(std::make_unique<State>(memory_byte_source(file), name, name));
}

AudioReader::~AudioReader() = default;
AudioReader::AudioReader(AudioReader&&) noexcept = default;
AudioReader& AudioReader::operator=(AudioReader&&) noexcept = default;

const MediaInfo& AudioReader::info() const { return state_->info; }
const std::string& AudioReader::warning() const { return state_->warning; }

std::size_t AudioReader::read(std::span<float> out) {
  State& state = *state_;
  std::size_t done = 0;
  while (done < out.size()) {
    if (state.pending_done == state.pending.size() && !state.refill()) break;
    const std::size_t count = std::min(out.size() - done, state.pending.size() - state.pending_done);
    std::copy_n(state.pending.begin() + static_cast<std::ptrdiff_t>(state.pending_done), count,
                out.begin() + static_cast<std::ptrdiff_t>(done));
    state.pending_done += count;
    done += count;
  }
  return done;
}

std::vector<float> read_all_audio(const std::filesystem::path& path) {
  AudioReader reader(path);
  constexpr std::size_t kPiece = static_cast<std::size_t>(kSampleRateHz) * 60;
  // A claim of the file's, so believed only up to a point.
  constexpr double kMostReservedS = 4 * 3600;
  std::vector<float> samples;
  const double expected_s = std::clamp(reader.info().duration_s.value_or(0), 0.0, kMostReservedS);
  samples.reserve(static_cast<std::size_t>(expected_s * kSampleRateHz) + kPiece);
  while (true) {
    const std::size_t before = samples.size();
    samples.resize(before + kPiece);
    const std::size_t count = reader.read(std::span(samples).subspan(before));
    samples.resize(before + count);
    if (count < kPiece) return samples;
  }
}

}  // namespace amanuensis::audio
