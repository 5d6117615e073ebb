// Whisper's log-mel spectrogram (openai/whisper, audio.py: log_mel_spectrogram): 16 kHz, 400-point periodic Hann
// window, hop 160, centred with reflect padding, last frame dropped, power spectrum, Slaney mel bands, log10 floored at
// 1e-10, floored again 8 below the maximum of the whole matrix, then (x + 4) / 4. Functions may be called from any
// thread; a stream belongs to one thread.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "audio/mel_filters.h"
#include "base/aligned_buffer.h"
#include "base/tensor_view.h"
#include "base/thread_pool.h"
#include "kernels/select.h"

namespace amanuensis::audio {

inline constexpr std::size_t kFftSamples = 400;
inline constexpr std::size_t kHopSamples = 160;

struct LogMel {
  AlignedBuffer<float> values;  // [n_mels, frames]
  std::size_t n_mels = 0;
  std::size_t frames = 0;

  TensorView<const float> view() const { return values.matrix(n_mels, frames); }
};

// Log-mel of samples (mono, 16 kHz, finite) followed by `padding_samples` zeros: (samples + padding) / 160 frames,
// rounded down. n_mels is 80 or 128: Error{kInvalidArgument} otherwise. Reflecting needs 201 samples: shorter input is
// padded with zeros to that (one frame); no samples at all give no frames.
LogMel log_mel_spectrogram(std::span<const float> samples, std::size_t n_mels, std::size_t padding_samples);

// Another processor that computes bands, e.g. an NPU. Any thread may call it.
class MelDevice {
 public:
  virtual ~MelDevice() = default;
  virtual bool can_do(std::size_t n_mels) const = 0;
  // Writes frame `frame` as 400 samples, not windowed yet.
  using ReadFrame = std::function<void(std::size_t frame, std::span<float> samples)>;
  // log10 of the bands' power, floored at 1e-10, of all frames into out: [n_mels, frames]. What lies 8 below the
  // largest value, here or in `largest` (of audio before this), will be raised to that: it need not be exact.
  virtual void log_bands(const ReadFrame& read, float largest, TensorView<float> out) = 0;
};

struct LogMelOptions {
  std::size_t padding_samples = 0;
  // Absent, or a number of bands it cannot do: this processor.
  MelDevice* device = nullptr;
  // Absent: the best for this processor.
  const kernels::KernelTable* kernels = nullptr;
  // Absent: the calling thread does it all. The result is the same either way.
  ThreadPool* pool = nullptr;
  // For audio that is looked at piece by piece: the largest log10 value of the pieces before, which the floor takes
  // into account, and of this one when the call returns. -infinity before the first piece; absent: of this piece alone.
  float* largest = nullptr;
};

// The same with a given filter bank, e.g. one that came with a checkpoint.
LogMel log_mel_spectrogram(std::span<const float> samples, const MelFilters& filters, const LogMelOptions& options);

// The same for samples that arrive piece by piece and need not be kept: only the spectrogram stays in memory (twice
// while finish() lays it out). Gives bit for bit what log_mel_spectrogram gives.
class LogMelStream {
 public:
  // `filters` must outlive the stream.
  explicit LogMelStream(const MelFilters& filters);
  LogMelStream(const MelFilters& filters, const kernels::KernelTable& kernels);

  void push(std::span<const float> samples);
  void push_silence(std::size_t samples);

  // Samples pushed so far.
  std::size_t samples() const { return received_; }

  // The spectrogram of everything pushed. The stream is empty afterwards and may be used again.
  LogMel finish();

 private:
  void consume(bool at_end);

  const MelFilters& filters_;
  kernels::KernelTable kernels_;
  std::vector<float> buffer_;     // the samples that coming frames need
  std::size_t buffer_first_ = 0;  // index of buffer_[0] in the whole signal
  std::size_t received_ = 0;
  std::size_t frames_ = 0;                    // finished
  float largest_;                             // of the finished frames
  std::vector<AlignedBuffer<float>> groups_;  // raw log10, [n_mels, 16] for each 16 frames
};

}  // namespace amanuensis::audio
