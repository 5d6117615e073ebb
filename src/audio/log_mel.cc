#include "audio/log_mel.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>
#include <vector>

#include "base/cpu_features.h"

namespace amanuensis::audio {
namespace {

constexpr std::size_t kGroupFrames = kernels::kFrameLanes;
static_assert(kernels::kMelFrameLanes == kGroupFrames && kernels::kFftLength == kFftSamples);
constexpr std::size_t kHalfWindow = kFftSamples / 2;
constexpr std::size_t kGroupSamples = (kGroupFrames - 1) * kHopSamples + kFftSamples;
constexpr float kLowest = -std::numeric_limits<float>::infinity();

// Groups of 16 frames that a thread takes at a time.
constexpr std::size_t kTaskGroups = 16;

using Window = std::array<float, kFftSamples>;

Window hann_window() {
  Window window = {};
  for (std::size_t n = 0; n < window.size(); ++n) {
    const double turn = static_cast<double>(n) / static_cast<double>(kFftSamples);
    window[n] = static_cast<float>(0.5 - 0.5 * std::cos(2 * std::numbers::pi * turn));
  }
  return window;
}

// A signal of which the samples [first, first + samples.size()) are at hand; those after them, up to `total`, are zero.
struct Signal {
  std::span<const float> samples;
  std::size_t first = 0;
  std::size_t total = 0;

  // The sample at `index - kHalfWindow`, where the signal is mirrored at both of its ends.
  float padded(std::size_t index) const {
    std::size_t i = index < kHalfWindow ? kHalfWindow - index : index - kHalfWindow;
    if (i >= total) i = 2 * (total - 1) - i;
    return i - first < samples.size() ? samples[i - first] : 0.0F;
  }
};

// The part of the computation that every way of calling it shares.
class FrameComputer {
 public:
  FrameComputer(const MelFilters& filters, const kernels::KernelTable& kernels)
      : bands_(filters.bands()),
        power_spectrum_(kernels.power_spectrum->run),
        log_mel_bands_(kernels.log_mel_bands->run) {}

  // Raw log10 mel of frames [first_frame, first_frame + frames), frames <= 16, into out: [n_mels, frames]. Returns
  // their largest value.
  float compute(const Signal& signal, std::size_t first_frame, std::size_t frames, float* out,
                std::size_t out_stride) const noexcept {
    const std::size_t begin = first_frame * kHopSamples;  // shifted by half a window, as Signal::padded
    const std::size_t size = (frames - 1) * kHopSamples + kFftSamples;
    alignas(kBufferAlignmentBytes) std::array<float, kGroupSamples> scratch;
    const float* samples = scratch.data();
    if (begin >= signal.first + kHalfWindow && begin + size <= signal.first + signal.samples.size() + kHalfWindow) {
      samples = signal.samples.data() + (begin - kHalfWindow - signal.first);
    } else {
      for (std::size_t i = 0; i < size; ++i) scratch[i] = signal.padded(begin + i);
    }
    alignas(kBufferAlignmentBytes) std::array<float, kernels::kSpectrumBins * kGroupFrames> power;
    power_spectrum_(samples, kHopSamples, frames, window_.data(), power.data());
    return log_mel_bands_(power.data(), bands_, frames, out, out_stride);
  }

 private:
  Window window_ = hann_window();
  kernels::MelBands bands_;
  kernels::PowerSpectrumFn power_spectrum_;
  kernels::LogMelBandsFn log_mel_bands_;
};

void normalise(std::span<float> values, float largest) {
  const float floor = largest - 8.0F;
  for (float& value : values) value = (std::max(value, floor) + 4.0F) / 4.0F;
}

// parallel_for, or a plain loop where there is no pool.
template <typename Task>
void for_each_task(ThreadPool* pool, std::size_t tasks, const Task& task) {
  if (pool != nullptr) {
    pool->parallel_for(tasks, task);
  } else {
    for (std::size_t i = 0; i < tasks; ++i) task(i, 0);
  }
}

kernels::KernelTable best_kernels() { return kernels::select_kernels(detect_cpu_features()); }

// Both fill `mel` with raw log10 values and return the largest.
float bands_here(const Signal& signal, const MelFilters& filters, const LogMelOptions& options, LogMel& mel) {
  const FrameComputer computer(filters, options.kernels != nullptr ? *options.kernels : best_kernels());
  constexpr std::size_t kTaskFrames = kTaskGroups * kGroupFrames;
  std::vector<float> largest((mel.frames + kTaskFrames - 1) / kTaskFrames, kLowest);
  for_each_task(options.pool, largest.size(), [&](std::size_t task, std::size_t) {
    const std::size_t end = std::min(mel.frames, (task + 1) * kTaskFrames);
    for (std::size_t frame = task * kTaskFrames; frame < end; frame += kGroupFrames) {
      const std::size_t count = std::min(kGroupFrames, end - frame);
      const float value = computer.compute(signal, frame, count, mel.values.data() + frame, mel.frames);
      largest[task] = std::max(largest[task], value);
    }
  });
  return largest.empty() ? kLowest : *std::max_element(largest.begin(), largest.end());
}

float bands_elsewhere(const Signal& signal, const LogMelOptions& options, LogMel& mel) {
  const auto read = [&](std::size_t frame, std::span<float> samples) {
    for (std::size_t n = 0; n < samples.size(); ++n) samples[n] = signal.padded(frame * kHopSamples + n);
  };
  const float before = options.largest != nullptr ? *options.largest : kLowest;
  options.device->log_bands(read, before, mel.values.matrix(mel.n_mels, mel.frames));
  return mel.frames == 0 ? kLowest : *std::max_element(mel.values.span().begin(), mel.values.span().end());
}

}  // namespace

LogMel log_mel_spectrogram(std::span<const float> samples, std::size_t n_mels, std::size_t padding_samples) {
  return log_mel_spectrogram(samples, MelFilters(n_mels), {.padding_samples = padding_samples});
}

LogMel log_mel_spectrogram(std::span<const float> samples, const MelFilters& filters, const LogMelOptions& options) {
  Signal signal = {.samples = samples, .total = samples.size() + options.padding_samples};
  if (signal.total > 0) signal.total = std::max(signal.total, kHalfWindow + 1);
  LogMel mel;
  mel.n_mels = filters.n_mels();
  mel.frames = signal.total / kHopSamples;
  mel.values = AlignedBuffer<float>(mel.n_mels * mel.frames);
  const bool elsewhere = options.device != nullptr && options.device->can_do(mel.n_mels);
  float maximum = elsewhere ? bands_elsewhere(signal, options, mel) : bands_here(signal, filters, options, mel);
  if (options.largest != nullptr) maximum = *options.largest = std::max(maximum, *options.largest);
  for_each_task(options.pool, mel.n_mels, [&](std::size_t band, std::size_t) {
    normalise(mel.values.span().subspan(band * mel.frames, mel.frames), maximum);
  });
  return mel;
}

LogMelStream::LogMelStream(const MelFilters& filters) : LogMelStream(filters, best_kernels()) {}

LogMelStream::LogMelStream(const MelFilters& filters, const kernels::KernelTable& kernels)
    : filters_(filters), kernels_(kernels), largest_(kLowest) {}

void LogMelStream::push(std::span<const float> samples) {
  // In pieces, so that the buffer stays small whatever the caller brings.
  constexpr std::size_t kPiece = 16 * kGroupSamples;
  while (!samples.empty()) {
    const std::span<const float> piece = samples.first(std::min(kPiece, samples.size()));
    buffer_.insert(buffer_.end(), piece.begin(), piece.end());
    received_ += piece.size();
    samples = samples.subspan(piece.size());
    consume(false);
  }
}

void LogMelStream::push_silence(std::size_t samples) {
  static constexpr std::array<float, kGroupSamples> kZeros = {};
  while (samples > 0) {
    const std::size_t count = std::min(samples, kZeros.size());
    push(std::span(kZeros).first(count));
    samples -= count;
  }
}

void LogMelStream::consume(bool at_end) {
  const FrameComputer computer(filters_, kernels_);
  const Signal signal = {.samples = buffer_, .first = buffer_first_, .total = received_};
  // A group is ready when no mirrored sample of an unknown end is in it.
  const auto is_ready = [&] {
    return at_end ? frames_ < received_ / kHopSamples
                  : (frames_ + kGroupFrames - 1) * kHopSamples + kHalfWindow < received_;
  };
  while (is_ready()) {
    const std::size_t count = at_end ? std::min(kGroupFrames, received_ / kHopSamples - frames_) : kGroupFrames;
    AlignedBuffer<float>& group = groups_.emplace_back(filters_.n_mels() * kGroupFrames);
    largest_ = std::max(largest_, computer.compute(signal, frames_, count, group.data(), kGroupFrames));
    frames_ += count;
  }
  const std::size_t needed = frames_ * kHopSamples;
  if (needed > kHalfWindow) {
    const std::size_t keep_first = std::max(buffer_first_, needed - kHalfWindow);
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(keep_first - buffer_first_));
    buffer_first_ = keep_first;
  }
}

LogMel LogMelStream::finish() {
  if (received_ > 0 && received_ <= kHalfWindow) push_silence(kHalfWindow + 1 - received_);
  consume(true);
  LogMel mel;
  mel.n_mels = filters_.n_mels();
  mel.frames = frames_;
  mel.values = AlignedBuffer<float>(mel.n_mels * mel.frames);
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    const std::size_t first = g * kGroupFrames;
    const std::size_t count = std::min(kGroupFrames, frames_ - first);
    for (std::size_t band = 0; band < mel.n_mels; ++band) {
      std::copy_n(groups_[g].data() + band * kGroupFrames, count, mel.values.data() + band * mel.frames + first);
    }
    groups_[g] = {};
  }
  normalise(mel.values.span(), largest_);
  buffer_.clear();
  groups_.clear();
  buffer_first_ = received_ = frames_ = 0;
  largest_ = kLowest;
  return mel;
}

}  // namespace amanuensis::audio
