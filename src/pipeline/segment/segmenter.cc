#include "pipeline/segment/segmenter.h"

#include <algorithm>
#include <deque>
#include <utility>

namespace amanuensis::pipeline {
namespace {

// Samples pushed at once: more would only make the network's batches larger than its caches.
constexpr std::size_t kPushSamples = std::size_t{256} * kVadFrameSamples;

}  // namespace

struct Segmenter::State {
  State(std::unique_ptr<VoiceDetector> voice_detector, const SegmenterOptions& options)
      : detector(std::move(voice_detector)),
        finder(options.speech),
        packer(options.window, loudness,
               {.on_piece = [this](const SpeechSpan& piece) { take_piece(piece); },
                .on_window = [this] { windows.push_back(std::exchange(current, {})); }}) {}

  void push(std::span<const float> samples) {
    loudness.push(samples);
    audio.insert(audio.end(), samples.begin(), samples.end());
    received += samples.size();
    if (detector) {
      probabilities.clear();
      detector->push(samples, probabilities);
      find_spans();
    } else {
      packer.add_open({0, received});
    }
    drop_audio();
  }

  void find_spans() {
    for (const float probability : probabilities) finder.push(probability);
    for (const SpeechSpan& span : finder.take_spans()) packer.add(span);
    if (const auto open = finder.open_span()) packer.add_open(*open);
  }

  void finish() {
    if (detector) {
      probabilities.clear();
      detector->finish(probabilities);
      find_spans();
      finder.finish(received);
      for (const SpeechSpan& span : finder.take_spans()) packer.add(span);
    } else {
      packer.add({0, received});
    }
    packer.finish();
    audio = {};
    first = received;
  }

  void take_piece(const SpeechSpan& piece) {
    current.window.pieces.push_back(piece);
    const auto begin = audio.begin() + static_cast<std::ptrdiff_t>(piece.start - first);
    current.samples.insert(current.samples.end(), begin, begin + static_cast<std::ptrdiff_t>(piece.size()));
    speech += piece.size();
  }

  // Forgets the audio that no coming piece can reach back to. Moves what is left only when that is the smaller part.
  void drop_audio() {
    const std::size_t needed = std::min(packer.next_piece_start(detector ? finder.settled_until() : 0), received);
    loudness.forget(needed);
    if (needed - first <= audio.size() / 2) return;
    audio.erase(audio.begin(), audio.begin() + static_cast<std::ptrdiff_t>(needed - first));
    first = needed;
  }

  std::unique_ptr<VoiceDetector> detector;  // absent: everything is speech
  SpeechSpanFinder finder;
  LoudnessProfile loudness;
  WindowPacker packer;
  std::vector<float> probabilities;
  std::vector<float> audio;  // from `first` on
  std::size_t first = 0;
  std::size_t received = 0;
  std::size_t speech = 0;
  SpeechWindow current;
  std::deque<SpeechWindow> windows;
};

Segmenter::Segmenter(std::unique_ptr<VoiceDetector> detector, const SegmenterOptions& options)
    : state_(std::make_unique<State>(std::move(detector), options)) {}
Segmenter::~Segmenter() = default;
Segmenter::Segmenter(Segmenter&&) noexcept = default;
Segmenter& Segmenter::operator=(Segmenter&&) noexcept = default;

void Segmenter::push(std::span<const float> samples) {
  while (!samples.empty()) {
    const std::size_t count = std::min(kPushSamples, samples.size());
    state_->push(samples.first(count));
    samples = samples.subspan(count);
  }
}

void Segmenter::finish() { state_->finish(); }

std::optional<SpeechWindow> Segmenter::take_window() {
  if (state_->windows.empty()) return std::nullopt;
  SpeechWindow window = std::move(state_->windows.front());
  state_->windows.pop_front();
  return window;
}

std::size_t Segmenter::samples() const { return state_->received; }

std::size_t Segmenter::speech_samples() const { return state_->speech; }

std::size_t Segmenter::held_samples() const {
  std::size_t held = state_->audio.size() + state_->current.samples.size();
  for (const SpeechWindow& window : state_->windows) held += window.samples.size();
  return held;
}

std::vector<SpeechSpan> detect_speech(VoiceDetector& detector, std::span<const float> samples,
                                      const SpeechOptions& options) {
  SpeechSpanFinder finder(options);
  std::vector<float> probabilities;
  const auto take = [&] {
    for (const float probability : probabilities) finder.push(probability);
    probabilities.clear();
  };
  for (std::size_t done = 0; done < samples.size(); done += kPushSamples) {
    detector.push(samples.subspan(done, std::min(kPushSamples, samples.size() - done)), probabilities);
    take();
  }
  detector.finish(probabilities);
  take();
  finder.finish(samples.size());
  return finder.take_spans();
}

std::vector<AudioWindow> make_windows(std::span<const SpeechSpan> spans, std::span<const float> samples,
                                      const WindowOptions& options) {
  LoudnessProfile loudness;
  loudness.push(samples);
  std::vector<AudioWindow> windows;
  AudioWindow current;
  WindowPacker packer(options, loudness,
                      {.on_piece = [&](const SpeechSpan& piece) { current.pieces.push_back(piece); },
                       .on_window = [&] { windows.push_back(std::exchange(current, {})); }});
  for (const SpeechSpan& span : spans) packer.add(span);
  packer.finish();
  return windows;
}

std::vector<float> window_audio(const AudioWindow& window, std::span<const float> samples) {
  std::vector<float> audio;
  audio.reserve(window.samples());
  for (const SpeechSpan& piece : window.pieces) {
    const std::span<const float> part = samples.subspan(piece.start, piece.size());
    audio.insert(audio.end(), part.begin(), part.end());
  }
  return audio;
}

}  // namespace amanuensis::pipeline
