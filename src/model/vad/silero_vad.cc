#include "model/vad/silero_vad.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "model/vad/lstm_gates.h"
#include "model/vad/silero_weights.h"

namespace amanuensis::model {
namespace {

constexpr std::size_t kHop = 128;
constexpr std::size_t kFourier = 256;
constexpr std::size_t kHalf = kFourier / 2;
constexpr std::size_t kFrames = 4;  // of each chunk
constexpr std::size_t kGates = 4 * kSileroWidth;
// Chunks computed at once: their activations stay in a second-level cache.
constexpr std::size_t kBatch = 128;
// Where frame j of every chunk is kept: frames 0 and 2, which the second convolution's stride treats alike, come first.
constexpr std::array<std::size_t, kFrames> kSlot{0, 2, 1, 3};

class MatrixRows final : public device::MatrixSource {
 public:
  explicit MatrixRows(const FloatMatrix& matrix) : matrix_(matrix) {}
  std::size_t rows() const override { return matrix_.rows; }
  std::size_t cols() const override { return matrix_.cols; }
  void read_row(std::size_t row, std::span<float> out) const override {
    std::copy_n(matrix_.values.data() + row * matrix_.cols, matrix_.cols, out.data());
  }

 private:
  const FloatMatrix& matrix_;
};

using Linear = std::unique_ptr<device::LinearWeights>;

// A convolution's taps; the middle one brings the bias.
using TapLinears = std::array<Linear, 3>;

TapLinears prepare(device::Backend& backend, const TapWeights& weights) {
  TapLinears result;
  for (std::size_t k = 0; k < result.size(); ++k) {
    const std::span<const float> bias = k == 1 ? std::span(weights.bias) : std::span<const float>();
    result[k] = backend.prepare_linear(MatrixRows(weights.taps[k]), bias);
  }
  return result;
}

void rectify(TensorView<float> x) {
  for (std::size_t r = 0; r < x.rows(); ++r) {
    float* row = x.row(r).data();
    for (std::size_t c = 0; c < x.cols(); ++c) row[c] = std::max(row[c], 0.0F);
  }
}

// What a Fourier transform of real samples needs of 256 of them: sums (the last is the middle sample itself) and
// differences of those that lie alike on both sides of the middle.
void fold(const float* x, float* sums, float* differences) {
  for (std::size_t n = 1; n < kHalf; ++n) {
    sums[n - 1] = x[n] + x[kFourier - n];
    differences[n - 1] = x[n] - x[kFourier - n];
  }
  sums[kHalf - 1] = x[kHalf];
}

float dot(const float* a, const float* b, std::size_t n) {
  // Independent sums: one would wait for each addition.
  std::array<float, 8> sums{};
  for (std::size_t i = 0; i < n; i += sums.size()) {
    for (std::size_t j = 0; j < sums.size(); ++j) sums[j] += a[i + j] * b[i + j];
  }
  return std::accumulate(sums.begin(), sums.end(), 0.0F);
}

}  // namespace

struct SileroVad::Layers {
  Linear real;
  Linear imaginary;
  std::vector<float> nyquist;
  TapLinears conv1;
  TapLinears conv2;
  TapLinears conv3;
  TapLinears conv4;
  Linear lstm_input;
  Linear lstm_hidden;
  std::vector<float> out;
  float out_bias;
};

// Activations of one batch of n chunks. Of what has four frames a chunk, frame j of all chunks is rows
// [kSlot[j] * n, kSlot[j] * n + n).
struct SileroVad::Scratch {
  AlignedBuffer<float> sums{kFrames * kBatch * kHalf};
  AlignedBuffer<float> differences{kFrames * kBatch * kHalf};
  AlignedBuffer<float> real{kFrames * kBatch * kHalf};
  AlignedBuffer<float> imaginary{kFrames * kBatch * kHalf};
  AlignedBuffer<float> magnitude{kFrames * kBatch * (kHalf + 1)};
  AlignedBuffer<float> conv1{kFrames * kBatch * kSileroWidth};
  AlignedBuffer<float> conv2{2 * kBatch * kSileroWidth};
  AlignedBuffer<float> conv3{kBatch * kSileroWidth};
  AlignedBuffer<float> conv4{kBatch * kSileroWidth};
  AlignedBuffer<float> gates{kBatch * kGates};
  AlignedBuffer<float> step_gates;  // [inputs, kGates]
  AlignedBuffer<float> hidden;      // [inputs, kSileroWidth]
};

// Chunk `chunk` of input `input`.
struct SileroVad::Step {
  std::size_t input = 0;
  std::size_t chunk = 0;
};

// One call. Its chunks are taken in the order of time: the first of every input, the second of every input, ...; the
// inputs go from the longest to the shortest, so that those which are still running are always the first ones.
class SileroVad::Run {
 public:
  Run(const SileroVad& vad, std::span<const SileroInput> inputs)
      : backend_(vad.backend_), layers_(*vad.layers_), scratch_(*vad.scratch_) {
    for (const SileroInput& input : inputs) inputs_.push_back(&input);
    std::ranges::stable_sort(inputs_, [](const SileroInput* a, const SileroInput* b) {
      return a->probabilities.size() > b->probabilities.size();
    });
    if (scratch_.hidden.size() < inputs.size() * kSileroWidth) {
      scratch_.hidden = AlignedBuffer<float>(inputs.size() * kSileroWidth);
      scratch_.step_gates = AlignedBuffer<float>(inputs.size() * kGates);
    }
  }

  void run() {
    load_hidden();
    std::vector<Step> batch;
    batch.reserve(kBatch);
    std::size_t running = inputs_.size();
    for (std::size_t chunk = 0; running > 0; ++chunk) {
      while (running > 0 && inputs_[running - 1]->probabilities.size() <= chunk) --running;
      for (std::size_t i = 0; i < running; ++i) {
        batch.push_back({i, chunk});
        if (batch.size() == kBatch) compute(std::exchange(batch, {}));
      }
    }
    compute(batch);
    store_states();
  }

 private:
  void compute(const std::vector<Step>& batch) {
    if (batch.empty()) return;
    transform(batch);
    convolve(batch.size());
    recur(batch);
  }

  // Magnitudes of the four frames of each chunk.
  void transform(const std::vector<Step>& batch) {
    const std::size_t n = batch.size();
    for (std::size_t i = 0; i < n; ++i) gather(batch[i], i, n);
    const std::size_t rows = kFrames * n;
    const TensorView<const float> sums = scratch_.sums.matrix(rows, kHalf);
    // A column more than is used keeps the rows aligned.
    const TensorView<const float> differences = scratch_.differences.matrix(rows, kHalf).cols_at(0, kHalf - 1);
    const TensorView<float> real = scratch_.real.matrix(rows, kHalf);
    const TensorView<float> imaginary = scratch_.imaginary.matrix(rows, kHalf).cols_at(0, kHalf - 1);
    backend_.linear(*layers_.real, sums, real, {});
    backend_.linear(*layers_.imaginary, differences, imaginary, {});
    const TensorView<float> magnitude = scratch_.magnitude.matrix(rows, kHalf + 1);
    for (std::size_t r = 0; r < rows; ++r) {
      float* to = magnitude.row(r).data();
      const float* re = real.row(r).data();
      const float* im = imaginary.row(r).data();
      to[0] = std::abs(re[0]);
      for (std::size_t bin = 1; bin < kHalf; ++bin) to[bin] = std::sqrt(re[bin] * re[bin] + im[bin - 1] * im[bin - 1]);
      to[kHalf] = std::abs(dot(sums.row(r).data(), layers_.nyquist.data(), kHalf));
    }
  }

  // Folds the frames of one chunk: 64 samples before it, its 512, and its last 64 mirrored at the last.
  void gather(const Step& step, std::size_t index, std::size_t n) {
    const SileroInput& input = *inputs_[step.input];
    std::array<float, kSileroContextSamples + kSileroChunkSamples + kSileroContextSamples> x;
    constexpr std::size_t kContent = kSileroContextSamples + kSileroChunkSamples;
    const float* chunk = input.samples.data() + step.chunk * kSileroChunkSamples;
    const float* before = step.chunk == 0 ? input.state->context.data() : chunk - kSileroContextSamples;
    std::copy_n(before, kSileroContextSamples, x.begin());
    std::copy_n(chunk, kSileroChunkSamples, x.begin() + kSileroContextSamples);
    for (std::size_t i = 0; i < kSileroContextSamples; ++i) x[kContent + i] = x[kContent - 2 - i];
    for (std::size_t frame = 0; frame < kFrames; ++frame) {
      const std::size_t row = (kSlot[frame] * n + index) * kHalf;
      fold(x.data() + frame * kHop, scratch_.sums.data() + row, scratch_.differences.data() + row);
    }
  }

  // y = x * tap^T, or y += that when it adds to what is there.
  void tap(const device::LinearWeights& weights, TensorView<const float> x, TensorView<float> y, bool adds) {
    backend_.linear(weights, x, y,
                    adds ? device::Epilogue{.residual = y.data(), .residual_stride = y.stride()} : device::Epilogue{});
  }

  // The four convolutions of kernel 3 and padding 1, tap by tap: what a tap shifts are whole blocks of rows, so that
  // nothing is copied and nothing multiplied with padding.
  void convolve(std::size_t n) {
    const TensorView<const float> x = scratch_.magnitude.matrix(kFrames * n, kHalf + 1);
    const TensorView<float> y1 = scratch_.conv1.matrix(kFrames * n, 128);
    tap(*layers_.conv1[1], x, y1, false);
    tap(*layers_.conv1[0], x.rows_at(0, 2 * n), y1.rows_at(2 * n, 2 * n), true);  // frames 0, 2 to 1, 3
    tap(*layers_.conv1[0], x.rows_at(2 * n, n), y1.rows_at(n, n), true);          // 1 to 2
    tap(*layers_.conv1[2], x.rows_at(2 * n, 2 * n), y1.rows_at(0, 2 * n), true);  // 1, 3 to 0, 2
    tap(*layers_.conv1[2], x.rows_at(n, n), y1.rows_at(2 * n, n), true);          // 2 to 1
    rectify(y1);
    // Stride 2: frames 0, 1 are made around 0, 2.
    const TensorView<float> y2 = scratch_.conv2.matrix(2 * n, 64);
    tap(*layers_.conv2[1], y1.rows_at(0, 2 * n), y2, false);
    tap(*layers_.conv2[2], y1.rows_at(2 * n, 2 * n), y2, true);
    tap(*layers_.conv2[0], y1.rows_at(2 * n, n), y2.rows_at(n, n), true);
    rectify(y2);
    // Stride 2 again: one frame, around 0.
    const TensorView<float> y3 = scratch_.conv3.matrix(n, 64);
    tap(*layers_.conv3[1], y2.rows_at(0, n), y3, false);
    tap(*layers_.conv3[2], y2.rows_at(n, n), y3, true);
    rectify(y3);
    // Of a single frame only the middle tap sees more than padding.
    const TensorView<float> y4 = scratch_.conv4.matrix(n, kSileroWidth);
    tap(*layers_.conv4[1], y3, y4, false);
    rectify(y4);
    backend_.linear(*layers_.lstm_input, y4, scratch_.gates.matrix(n, kGates), {});
  }

  void recur(const std::vector<Step>& batch) {
    // The steps of one time are neighbours, and so are their inputs.
    for (std::size_t first = 0; first < batch.size();) {
      std::size_t last = first + 1;
      while (last < batch.size() && batch[last].chunk == batch[first].chunk) ++last;
      const std::size_t n = last - first;
      const std::size_t input = batch[first].input;
      const TensorView<float> hidden = scratch_.hidden.matrix(inputs_.size(), kSileroWidth).rows_at(input, n);
      const TensorView<float> gates = scratch_.step_gates.matrix(n, kGates);
      backend_.linear(*layers_.lstm_hidden, hidden, gates,
                      {.residual = scratch_.gates.data() + first * kGates, .residual_stride = kGates});
      for (std::size_t i = 0; i < n; ++i) {
        const SileroInput& task = *inputs_[input + i];
        float* h = hidden.row(i).data();
        lstm_gates(gates.row(i).data(), kSileroWidth, task.state->cell.data(), h);
        task.probabilities[batch[first].chunk] = probability(h);
      }
      first = last;
    }
  }

  float probability(const float* hidden) const {
    std::array<float, kSileroWidth> rectified;
    for (std::size_t i = 0; i < kSileroWidth; ++i) rectified[i] = std::max(hidden[i], 0.0F);
    return logistic(dot(rectified.data(), layers_.out.data(), kSileroWidth) + layers_.out_bias);
  }

  void load_hidden() {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      std::ranges::copy(inputs_[i]->state->hidden, scratch_.hidden.data() + i * kSileroWidth);
    }
  }

  void store_states() {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const SileroInput& input = *inputs_[i];
      std::copy_n(scratch_.hidden.data() + i * kSileroWidth, kSileroWidth, input.state->hidden.begin());
      if (input.samples.empty()) continue;
      std::ranges::copy(input.samples.last(kSileroContextSamples), input.state->context.begin());
    }
  }

  device::Backend& backend_;
  const Layers& layers_;
  Scratch& scratch_;
  std::vector<const SileroInput*> inputs_;
};

SileroVad::SileroVad(const std::filesystem::path& path, device::Backend& backend)
    : backend_(backend), layers_(std::make_unique<Layers>()), scratch_(std::make_unique<Scratch>()) {
  SileroWeights weights = read_silero_weights(path);
  const auto linear = [&](const FloatMatrix& matrix, std::span<const float> bias) {
    return backend_.prepare_linear(MatrixRows(matrix), bias);
  };
  layers_->real = linear(weights.real, {});
  layers_->imaginary = linear(weights.imaginary, {});
  layers_->nyquist = std::move(weights.nyquist);
  layers_->conv1 = prepare(backend_, weights.conv[0]);
  layers_->conv2 = prepare(backend_, weights.conv[1]);
  layers_->conv3 = prepare(backend_, weights.conv[2]);
  layers_->conv4 = prepare(backend_, weights.conv[3]);
  layers_->lstm_input = linear(weights.lstm_input, weights.lstm_bias);
  layers_->lstm_hidden = linear(weights.lstm_hidden, {});
  layers_->out = std::move(weights.out);
  layers_->out_bias = weights.out_bias;
}

SileroVad::~SileroVad() = default;

void SileroVad::run(std::span<const SileroInput> inputs) const {
  for ([[maybe_unused]] const SileroInput& input : inputs) {
    assert(input.state != nullptr && input.samples.size() == input.probabilities.size() * kSileroChunkSamples);
  }
  Run(*this, inputs).run();
}

}  // namespace amanuensis::model
