#include "model/speaker/segmentation_network.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/error.h"
#include "model/speaker/segmentation_layers.h"
#include "model/vad/lstm_gates.h"

namespace amanuensis::model {
namespace {

// Windows whose recurrent products are made together: enough rows for the kernels, and some 100 MB of activations.
constexpr std::size_t kBatch = 16;
constexpr float kLeak = 0.01F;
constexpr double kEpsilon = 1e-5;

// A convolution's shape: `taps * in` neighbouring values make an output, one every `stride * in`.
struct FrameConv {
  std::size_t in = 1;
  std::size_t taps = 1;
  std::size_t stride = 1;

  std::size_t out_frames(std::size_t frames) const { return (frames - taps) / stride + 1; }
};

constexpr FrameConv kSincConv{1, kSincTaps, kSincStride};
constexpr FrameConv kConvs[] = {kSincConv, {kSincFilters, kConvTaps, 1}, {kConvWidth, kConvTaps, 1}};

// y [out_frames, out] = the convolution of x. Rows of the product overlap in x, so it is cut into as many products as
// rows that are disjoint need: of every p-th row, each of them a strided view.
void convolve(device::Backend& backend, const device::LinearWeights& weights, const FrameConv& conv, const float* x,
              TensorView<float> y) {
  const std::size_t cols = conv.taps * conv.in;
  const std::size_t phases = (conv.taps + conv.stride - 1) / conv.stride;
  for (std::size_t p = 0; p < std::min(phases, y.rows()); ++p) {
    const std::size_t rows = (y.rows() - p + phases - 1) / phases;
    const std::size_t step = conv.stride * conv.in;
    backend.linear(weights, {x + p * step, rows, cols, phases * step},
                   {y.data() + p * y.stride(), rows, y.cols(), phases * y.stride()}, {});
  }
}

// The largest of each three neighbouring frames, in place: y [frames, channels] becomes [frames / 3, channels].
TensorView<float> pool(TensorView<float> y, bool absolute) {
  const std::size_t frames = y.rows() / kPool;
  const std::size_t channels = y.cols();
  for (std::size_t t = 0; t < frames; ++t) {
    float* to = y.data() + t * channels;
    const float* from = y.data() + kPool * t * channels;
    if (absolute) {
      for (std::size_t c = 0; c < channels; ++c) {
        to[c] = std::max({std::abs(from[c]), std::abs(from[channels + c]), std::abs(from[2 * channels + c])});
      }
    } else {
      for (std::size_t c = 0; c < channels; ++c) {
        to[c] = std::max({from[c], from[channels + c], from[2 * channels + c]});
      }
    }
  }
  return y.rows_at(0, frames);
}

// Normalises a wave as one channel.
void normalise_wave(const ChannelNorm& norm, std::span<const float> wave, std::span<float> out) {
  constexpr std::size_t kLanes = 16;  // independent sums, so that none waits for another
  const auto sum_of = [&](const auto& term) {
    std::array<double, kLanes> sums{};
    const std::size_t whole = wave.size() / kLanes * kLanes;
    for (std::size_t i = 0; i < whole; i += kLanes) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += term(wave[i + lane]);
    }
    for (std::size_t i = whole; i < wave.size(); ++i) sums[0] += term(wave[i]);
    return std::accumulate(sums.begin(), sums.end(), 0.0);
  };
  const auto count = static_cast<double>(wave.size());
  const double mean = sum_of([](double x) { return x; }) / count;
  const double variance = sum_of([mean](double x) { return (x - mean) * (x - mean); }) / count;
  const double factor = norm.gamma.front() / std::sqrt(variance + kEpsilon);
  const auto scale = static_cast<float>(factor);
  const auto shift = static_cast<float>(norm.beta.front() - mean * factor);
  std::ranges::transform(wave, out.begin(), [=](float x) { return x * scale + shift; });
}

float leaky(float x) { return std::max(x, kLeak * x); }

// Normalises each column over all rows, then lets it leak, in place. Sums are in double: a window has thousands of
// rows.
void normalise(const ChannelNorm& norm, TensorView<float> x) {
  const std::size_t channels = x.cols();
  const auto count = static_cast<double>(x.rows());
  std::vector<double> mean(channels);
  std::vector<double> variance(channels);
  for (std::size_t t = 0; t < x.rows(); ++t) {
    const float* row = x.row(t).data();
    for (std::size_t c = 0; c < channels; ++c) mean[c] += row[c];
  }
  for (double& value : mean) value /= count;
  for (std::size_t t = 0; t < x.rows(); ++t) {
    const float* row = x.row(t).data();
    for (std::size_t c = 0; c < channels; ++c) variance[c] += (row[c] - mean[c]) * (row[c] - mean[c]);
  }
  std::vector<float> scale(channels);
  std::vector<float> shift(channels);
  for (std::size_t c = 0; c < channels; ++c) {
    const double factor = norm.gamma[c] / std::sqrt(variance[c] / count + kEpsilon);
    scale[c] = static_cast<float>(factor);
    shift[c] = static_cast<float>(norm.beta[c] - mean[c] * factor);
  }
  for (std::size_t t = 0; t < x.rows(); ++t) {
    float* row = x.row(t).data();
    for (std::size_t c = 0; c < channels; ++c) row[c] = leaky(row[c] * scale[c] + shift[c]);
  }
}

void log_softmax(std::span<float> row) {
  const float largest = *std::ranges::max_element(row);
  float sum = 0;
  for (const float x : row) sum += std::exp(x - largest);
  const float shift = largest + std::log(sum);
  for (float& x : row) x -= shift;
}

}  // namespace

std::size_t segmentation_frames(std::size_t samples) {
  if (samples < kSegmentationFieldSamples) return 0;
  std::size_t frames = samples;
  for (const FrameConv& conv : kConvs) frames = conv.out_frames(frames) / kPool;
  return frames;
}

// Some windows of one length, at most kBatch. From the recurrent layers on, the frames of one time lie side by side.
class SegmentationNetwork::Batch {
 public:
  Batch(const SegmentationNetwork& network, std::span<const std::span<const float>> windows)
      : backend_(network.backend_),
        layers_(*network.layers_),
        windows_(windows),
        frames_(segmentation_frames(windows.front().size())) {}

  void run(std::span<float> log_probabilities) {
    const std::size_t rows = frames_ * windows_.size();
    AlignedBuffer<float> features(rows * kConvWidth);
    hear(features.matrix(rows, kConvWidth));
    AlignedBuffer<float> x(rows * 2 * layers_.units);
    AlignedBuffer<float> y(rows * 2 * layers_.units);
    TensorView<float> in = features.matrix(rows, kConvWidth);
    for (const auto& layer : layers_.lstm) {
      const TensorView<float> out = y.matrix(rows, 2 * layers_.units);
      for (std::size_t direction = 0; direction < layer.size(); ++direction) {
        recur(layer[direction], direction == 1, in, out.cols_at(direction * layers_.units, layers_.units));
      }
      std::swap(x, y);
      in = out;
    }
    classify(in, log_probabilities);
  }

 private:
  // The convolutions, window by window, because each is normalised by itself.
  void hear(TensorView<float> features) {
    const std::size_t samples = windows_.front().size();
    AlignedBuffer<float> wave(samples);
    const std::size_t first_frames = kSincConv.out_frames(samples);
    AlignedBuffer<float> x(first_frames * kSincFilters);
    AlignedBuffer<float> y(first_frames * kSincFilters);
    for (std::size_t window = 0; window < windows_.size(); ++window) {
      normalise_wave(layers_.wave_norm, windows_[window], wave.span());
      TensorView<float> in = wave.matrix(samples, 1);
      for (std::size_t i = 0; i < layers_.sinc.size(); ++i) {
        const SincLayer& layer = layers_.sinc[i];
        TensorView<float> out = y.matrix(kConvs[i].out_frames(in.rows()), layer.conv->out_features());
        convolve(backend_, *layer.conv, kConvs[i], in.data(), out);
        out = pool(out, i == 0);
        normalise(layer.norm, out);
        std::swap(x, y);
        in = out;
      }
      for (std::size_t t = 0; t < frames_; ++t) {
        std::ranges::copy(in.row(t), features.row(t * windows_.size() + window).begin());
      }
    }
  }

  // One direction of one layer: what comes from below for all times at once, then time after time.
  void recur(const LstmDirection& layer, bool backwards, TensorView<const float> in, TensorView<float> out) {
    const std::size_t units = layers_.units;
    const std::size_t width = windows_.size();
    gates_.resize(in.rows() * 4 * units);
    const TensorView<float> gates(gates_.data(), in.rows(), 4 * units);
    backend_.linear(*layer.input, in, gates, {});
    AlignedBuffer<float> hidden(width * units);  // zeros, as are all of them
    AlignedBuffer<float> cell(width * units);
    AlignedBuffer<float> step(width * 4 * units);
    for (std::size_t i = 0; i < frames_; ++i) {
      const std::size_t t = backwards ? frames_ - 1 - i : i;
      backend_.linear(*layer.hidden, hidden.matrix(width, units), step.matrix(width, 4 * units),
                      {.residual = gates.row(t * width).data(), .residual_stride = gates.stride()});
      for (std::size_t w = 0; w < width; ++w) {
        float* h = hidden.data() + w * units;
        lstm_gates(step.data() + w * 4 * units, units, cell.data() + w * units, h);
        std::copy_n(h, units, out.row(t * width + w).data());
      }
    }
  }

  void classify(TensorView<const float> in, std::span<float> log_probabilities) {
    std::vector<float> x;
    std::vector<float> y;
    for (const Linear& linear : layers_.linear) {
      y.resize(in.rows() * linear->out_features());
      backend_.linear(*linear, in, {y.data(), in.rows(), linear->out_features()}, {});
      for (float& value : y) value = leaky(value);
      std::swap(x, y);
      in = {x.data(), in.rows(), linear->out_features()};
    }
    const std::size_t classes = layers_.classifier->out_features();
    y.resize(in.rows() * classes);
    backend_.linear(*layers_.classifier, in, {y.data(), in.rows(), classes}, {});
    for (std::size_t row = 0; row < in.rows(); ++row) {
      const std::size_t window = row % windows_.size();
      const std::size_t t = row / windows_.size();
      const std::span<float> to = log_probabilities.subspan((window * frames_ + t) * classes, classes);
      std::copy_n(y.data() + row * classes, classes, to.data());
      log_softmax(to);
    }
  }

  device::Backend& backend_;
  const Layers& layers_;
  std::span<const std::span<const float>> windows_;
  std::size_t frames_;
  std::vector<float> gates_;
};

SegmentationNetwork::SegmentationNetwork(const std::filesystem::path& path, device::Backend& backend)
    : backend_(backend),
      layers_(std::make_unique<Layers>(SpeakerTensors(path, "pyannote's segmentation network"), backend)) {}

SegmentationNetwork::~SegmentationNetwork() = default;

std::size_t SegmentationNetwork::classes() const { return layers_->classifier->out_features(); }

void SegmentationNetwork::run(std::span<const std::span<const float>> windows,
                              std::span<float> log_probabilities) const {
  if (windows.empty()) return;
  const std::size_t samples = windows.front().size();
  const std::size_t each = segmentation_frames(samples) * classes();
  const bool alike = std::ranges::all_of(windows, [&](const auto& window) { return window.size() == samples; });
  if (each == 0 || !alike || log_probabilities.size() != windows.size() * each) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("segmentation: {} windows of {} samples give {} values each, and room for {} was given; "
                            "windows must be alike and have at least {} samples",
                            windows.size(), samples, each, log_probabilities.size(), kSegmentationFieldSamples));
  }
  for (std::size_t first = 0; first < windows.size(); first += kBatch) {
    const std::size_t count = std::min(kBatch, windows.size() - first);
    Batch(*this, windows.subspan(first, count)).run(log_probabilities.subspan(first * each, count * each));
  }
}

}  // namespace amanuensis::model
