#include "model/speaker/wespeaker_network.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <string>

#include "model/speaker/kaldi_fbank.h"
#include "model/speaker/resnet_plane.h"
#include "model/speaker/speaker_tensors.h"

namespace amanuensis::model {
namespace {

constexpr std::size_t kStem = 32;
constexpr std::array<std::size_t, 4> kBlocks{3, 4, 6, 3};
constexpr std::size_t kTaps = 3;
constexpr std::size_t kRows = kFbankBands / kWeSpeakerStride;  // of frequencies at the end
constexpr std::size_t kChannels = kStem * 8;
constexpr std::size_t kWidth = kRows * kChannels;
constexpr float kNormEpsilon = 1e-5F;
// Features side by side in one plane: more make planes that no cache holds, fewer small products.
constexpr std::size_t kBatchColumns = 512;

using Linear = std::unique_ptr<device::LinearWeights>;
using Shape = std::vector<std::size_t>;

// Folds the batch norm behind a convolution without bias into it: what each channel is multiplied with, and the bias.
struct FoldedNorm {
  FoldedNorm(const SpeakerTensors& tensors, const std::string& name, std::size_t channels)
      : scale(tensors.read(name + ".weight", {channels})), bias(tensors.read(name + ".bias", {channels})) {
    const std::vector<float> mean = tensors.read(name + ".running_mean", {channels});
    const std::vector<float> variance = tensors.read(name + ".running_var", {channels});
    for (std::size_t c = 0; c < channels; ++c) {
      if (variance[c] < 0) tensors.fail(name + ".running_var", fmt::format("is below zero at {}", c));
      scale[c] /= std::sqrt(variance[c] + kNormEpsilon);
      bias[c] -= mean[c] * scale[c];
    }
  }
  std::vector<float> scale;
  std::vector<float> bias;
};

// [out, in, 3, 3] (frequency, time) into a matrix [out, 3 * in] for each frequency.
PlaneConv read_conv(const SpeakerTensors& tensors, device::Backend& backend, const std::string& conv,
                    const std::string& norm, std::size_t out, std::size_t in) {
  const std::vector<float> published = tensors.read(conv + ".weight", {out, in, kTaps, kTaps});
  const FoldedNorm folded(tensors, norm, out);
  PlaneConv result;
  for (std::size_t row = 0; row < kTaps; ++row) {
    std::vector<float> values(out * kTaps * in);
    for (std::size_t o = 0; o < out; ++o) {
      for (std::size_t i = 0; i < in; ++i) {
        for (std::size_t k = 0; k < kTaps; ++k) {
          values[(o * kTaps + k) * in + i] = published[((o * in + i) * kTaps + row) * kTaps + k] * folded.scale[o];
        }
      }
    }
    const std::span<const float> bias = row == 0 ? std::span(folded.bias) : std::span<const float>();
    result.rows[row] = backend.prepare_linear(MatrixValues(out, kTaps * in, std::move(values)), bias);
  }
  return result;
}

// A kernel of one place, or the first layer's nine of a single channel: the published order is that of the product.
Linear read_flat_conv(const SpeakerTensors& tensors, device::Backend& backend, const std::string& conv,
                      const std::string& norm, const Shape& shape) {
  std::vector<float> values = tensors.read(conv + ".weight", shape);
  const FoldedNorm folded(tensors, norm, shape.front());
  const std::size_t cols = values.size() / shape.front();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] *= folded.scale[i / cols];
  return backend.prepare_linear(MatrixValues(shape.front(), cols, std::move(values)), folded.bias);
}

// The last layer reads means and deviations by channel and frequency; ours lie by frequency and channel.
Linear read_embedding(const SpeakerTensors& tensors, device::Backend& backend, const std::string& name,
                      std::size_t dimension) {
  const std::vector<float> published = tensors.read(name + ".weight", {dimension, 2 * kWidth});
  std::vector<float> values(published.size());
  for (std::size_t row = 0; row < 2 * dimension; ++row) {
    for (std::size_t f = 0; f < kRows; ++f) {
      for (std::size_t c = 0; c < kChannels; ++c) {
        values[row * kWidth + f * kChannels + c] = published[row * kWidth + c * kRows + f];
      }
    }
  }
  return backend.prepare_linear(MatrixValues(dimension, 2 * kWidth, std::move(values)),
                                tensors.read(name + ".bias", {dimension}));
}

// Weighted mean and unbiased deviation of each column of x [frames, width]; out [2 * width]. With `weights` as
// pyannote's StatsPool computes them, small constants included.
void pool_statistics(TensorView<const float> x, std::span<const float> weights, float* out) {
  const std::size_t width = x.cols();
  const auto weight = [&](std::size_t t) {
    return weights.empty() ? 1.0 : static_cast<double>(weights[t * weights.size() / x.rows()]);
  };
  double sum = 0;
  double squares = 0;
  std::vector<double> mean(width);
  std::vector<double> variance(width);
  for (std::size_t t = 0; t < x.rows(); ++t) {
    const double w = weight(t);
    sum += w;
    squares += w * w;
    const float* row = x.row(t).data();
    for (std::size_t c = 0; c < width; ++c) mean[c] += w * row[c];
  }
  const double small = weights.empty() ? 0 : 1e-8;
  for (double& value : mean) value /= sum + small;
  for (std::size_t t = 0; t < x.rows(); ++t) {
    const double w = weight(t);
    const float* row = x.row(t).data();
    for (std::size_t c = 0; c < width; ++c) variance[c] += w * (row[c] - mean[c]) * (row[c] - mean[c]);
  }
  const double freedom = sum + small - squares / (sum + small) + small;
  for (std::size_t c = 0; c < width; ++c) {
    out[c] = static_cast<float>(mean[c]);
    out[width + c] = freedom > 0 ? static_cast<float>(std::sqrt(variance[c] / freedom)) : 0.0F;
  }
}

struct Block {
  PlaneConv first;
  PlaneConv second;
  Linear shortcut;  // where the shape changes
};

}  // namespace

struct WeSpeakerNetwork::Layers {
  Layers(const SpeakerTensors& tensors, device::Backend& backend) {
    const std::string prefix = tensors.has("conv1.weight") ? "" : "resnet.";
    stem = read_flat_conv(tensors, backend, prefix + "conv1", prefix + "bn1", {kStem, 1, kTaps, kTaps});
    std::size_t in = kStem;
    for (std::size_t level = 0; level < kBlocks.size(); ++level) {
      const std::size_t out = kStem << level;
      for (std::size_t i = 0; i < kBlocks[level]; ++i) {
        const std::string name = fmt::format("{}layer{}.{}.", prefix, level + 1, i);
        Block block{read_conv(tensors, backend, name + "conv1", name + "bn1", out, in),
                    read_conv(tensors, backend, name + "conv2", name + "bn2", out, out), nullptr};
        if (in != out) {
          block.shortcut = read_flat_conv(tensors, backend, name + "shortcut.0", name + "shortcut.1", {out, in, 1, 1});
        }
        blocks.push_back(std::move(block));
        in = out;
      }
    }
    const Shape bias = tensors.shape(prefix + "seg_1.bias");
    embedding = read_embedding(tensors, backend, prefix + "seg_1", bias.empty() ? 0 : bias.front());
  }

  Linear stem;
  std::vector<Block> blocks;
  Linear embedding;
};

// The convolutions over some windows that lie side by side.
class WeSpeakerNetwork::Encoder {
 public:
  explicit Encoder(const WeSpeakerNetwork& network) : backend_(network.backend_), layers_(*network.layers_) {}

  void run(std::span<const TensorView<const float>> windows, std::vector<WeSpeakerFrames>& out) {
    PlaneShape shape{kFbankBands, kWeSpeakerStride, kStem, {}};
    for (const TensorView<const float>& window : windows) {
      assert(window.cols() == kFbankBands && window.rows() > 0);
      shape.spans.push_back({shape.cols, window.rows()});
      shape.cols += slot(window.rows());
    }
    read_features(windows, shape);
    for (const Block& block : layers_.blocks) apply(block);
    for (const PlaneSpan& span : x_.shape().spans) out.push_back(frames_of(span));
  }

  // Columns that a window takes, with the zeros behind it: it begins at a whole column after each halving.
  static std::size_t slot(std::size_t frames) {
    return (frames + kWeSpeakerStride - 1) / kWeSpeakerStride * kWeSpeakerStride + kWeSpeakerStride;
  }

 private:
  // The first convolution has a single channel: each place's nine inputs are copied together.
  void read_features(std::span<const TensorView<const float>> windows, const PlaneShape& shape) {
    const std::size_t row = shape.cols;
    AlignedBuffer<float> padded((shape.rows + 2) * row + 2);
    const auto at = [&](std::size_t band, std::size_t col) -> float& { return padded[(band + 1) * row + col + 1]; };
    for (std::size_t w = 0; w < windows.size(); ++w) {
      for (std::size_t t = 0; t < windows[w].rows(); ++t) {
        for (std::size_t band = 0; band < shape.rows; ++band) {
          at(band, shape.spans[w].first + t) = windows[w](t, band);
        }
      }
    }
    x_.reshape(shape);
    AlignedBuffer<float> patches(row * kTaps * kTaps);
    for (std::size_t band = 0; band < shape.rows; ++band) {
      for (std::size_t col = 0; col < row; ++col) {
        for (std::size_t tap = 0; tap < kTaps; ++tap) {
          std::copy_n(padded.data() + (band + tap) * row + col, kTaps, patches.data() + (col * kTaps + tap) * kTaps);
        }
      }
      backend_.linear(*layers_.stem, patches.matrix(row, kTaps * kTaps),
                      {x_.at(static_cast<std::ptrdiff_t>(band), 0), row, kStem}, {});
    }
    x_.rectify();
  }

  // x = rectified(second(rectified(first(x))) + shortcut(x))
  void apply(const Block& block) {
    if (block.shortcut == nullptr) {
      y_.reshape(x_.shape());
      z_.reshape(x_.shape());
      convolve_plane(backend_, block.first, x_, y_, nullptr);
      y_.rectify();
      convolve_plane(backend_, block.second, y_, z_, &x_);
    } else {
      const PlaneShape half = x_.shape().halved(block.shortcut->out_features());
      y_.reshape(half);
      z_.reshape(half);
      convolve_plane_by_two(backend_, block.first, x_, y_);
      y_.rectify();
      project_plane_by_two(backend_, *block.shortcut, x_, z_);
      convolve_plane(backend_, block.second, y_, z_, &z_);
    }
    z_.rectify();
    std::swap(x_, z_);
  }

  WeSpeakerFrames frames_of(const PlaneSpan& span) {
    WeSpeakerFrames result{span.count, kWidth, AlignedBuffer<float>(span.count * kWidth)};
    for (std::size_t t = 0; t < span.count; ++t) {
      for (std::size_t f = 0; f < kRows; ++f) {
        std::copy_n(x_.at(static_cast<std::ptrdiff_t>(f), static_cast<std::ptrdiff_t>(span.first + t)), kChannels,
                    result.values.data() + (t * kRows + f) * kChannels);
      }
    }
    return result;
  }

  device::Backend& backend_;
  const Layers& layers_;
  Plane x_;
  Plane y_;
  Plane z_;
};

WeSpeakerNetwork::WeSpeakerNetwork(const std::filesystem::path& path, device::Backend& backend)
    : backend_(backend),
      layers_(std::make_unique<Layers>(SpeakerTensors(path, "WeSpeaker's ResNet34 network"), backend)) {}

WeSpeakerNetwork::~WeSpeakerNetwork() = default;

std::size_t WeSpeakerNetwork::dimension() const { return layers_->embedding->out_features(); }

std::vector<WeSpeakerFrames> WeSpeakerNetwork::encode(std::span<const TensorView<const float>> windows) const {
  std::vector<WeSpeakerFrames> frames;
  frames.reserve(windows.size());
  Encoder encoder(*this);
  for (std::size_t first = 0; first < windows.size();) {
    std::size_t last = first;
    std::size_t columns = 0;
    do {
      columns += Encoder::slot(windows[last++].rows());
    } while (last < windows.size() && columns + Encoder::slot(windows[last].rows()) <= kBatchColumns);
    encoder.run(windows.subspan(first, last - first), frames);
    first = last;
  }
  return frames;
}

void WeSpeakerNetwork::embed(std::span<const WeSpeakerStretch> stretches, TensorView<float> out) const {
  AlignedBuffer<float> statistics(stretches.size() * 2 * kWidth);
  for (std::size_t i = 0; i < stretches.size(); ++i) {
    const WeSpeakerStretch& stretch = stretches[i];
    assert(stretch.count > 0 && stretch.first + stretch.count <= stretch.frames->frames);
    pool_statistics({stretch.frames->values.data() + stretch.first * kWidth, stretch.count, kWidth}, stretch.weights,
                    statistics.data() + i * 2 * kWidth);
  }
  backend_.linear(*layers_->embedding, statistics.matrix(stretches.size(), 2 * kWidth), out, {});
}

}  // namespace amanuensis::model
