#include "model/vad/silero_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/mapped_file.h"
#include "model/checkpoint/layout.h"
#include "model/checkpoint/safetensors.h"
#include "model/checkpoint/tensor.h"
#include "model/vad/silero_vad.h"

namespace amanuensis::model {
namespace {

namespace fs = std::filesystem;

using Shape = std::vector<std::size_t>;

constexpr std::size_t kFourierSamples = 256;
constexpr std::size_t kHalf = kFourierSamples / 2;
constexpr std::size_t kBins = kHalf + 1;
constexpr std::size_t kTaps = 3;
constexpr std::string_view kMlxPrefix = "vad_16k.";
constexpr std::string_view kHowToGet = "`amanuensis models pull silero-vad` fetches the right one";

struct ConvSize {
  std::size_t out;
  std::size_t in;
};
constexpr std::array<ConvSize, 4> kConvolutions{{{128, kBins}, {64, 128}, {64, 64}, {128, 64}}};
constexpr std::size_t kGates = 4 * kSileroWidth;

fs::path find_file(const fs::path& path) {
  std::error_code problem;
  if (!fs::is_directory(path, problem)) return path;
  for (const char* name : {"silero_vad_16k.safetensors", "model.safetensors"}) {
    if (fs::is_regular_file(path / name, problem)) return path / name;
  }
  throw Error(
      ErrorCode::kNotFound,
      fmt::format("{}: holds neither silero_vad_16k.safetensors nor model.safetensors; {}", path.string(), kHowToGet));
}

void refuse_other_formats(const fs::path& file) {
  const std::string extension = file.extension().string();
  if (extension != ".onnx" && extension != ".jit" && extension != ".pt") return;
  throw Error(ErrorCode::kUnsupported,
              fmt::format("{}: Silero's network is read from safetensors, not from {} files; {}", file.string(),
                          extension, kHowToGet));
}

// The tensors of one file, by the names of either layout.
class Tensors {
 public:
  explicit Tensors(const fs::path& path)
      : file_(path.string()), mapped_(path), tensors_(parse_safetensors(mapped_.bytes(), file_)) {
    is_mlx_ = std::ranges::any_of(tensors_, [](const Tensor& t) { return t.source_name.starts_with(kMlxPrefix); });
  }

  bool is_mlx() const { return is_mlx_; }

  std::vector<float> read(std::string_view name, std::string_view mlx_name, const Shape& shape,
                          const Shape& mlx_shape) const {
    const std::string wanted = is_mlx_ ? fmt::format("{}{}", kMlxPrefix, mlx_name) : std::string(name);
    const Shape& expected = is_mlx_ ? mlx_shape : shape;
    const auto found = std::ranges::find(tensors_, wanted, &Tensor::source_name);
    if (found == tensors_.end()) fail(wanted, "is missing: this is not Silero's network for 16 kHz");
    if (found->shape != expected) {
      fail(wanted, fmt::format("has shape {}, expected {}", shape_to_string(found->shape), shape_to_string(expected)));
    }
    std::vector<float> values(found->element_count());
    read_values(*found, 0, values);
    const auto bad = std::ranges::find_if_not(values, [](float v) { return std::isfinite(v); });
    if (bad != values.end()) {
      fail(wanted, fmt::format("holds a value that is not a number, at {}: the file is damaged", bad - values.begin()));
    }
    return values;
  }
  std::vector<float> read(std::string_view name, const Shape& shape) const { return read(name, name, shape, shape); }

  [[noreturn]] void fail(const std::string& tensor, const std::string& what) const {
    throw Error(ErrorCode::kBadData, fmt::format("{}: tensor '{}' {}; {}", file_, tensor, what, kHowToGet));
  }

 private:
  std::string file_;
  MappedFile mapped_;
  std::vector<Tensor> tensors_;
  bool is_mlx_ = false;
};

// The two halves of the transform's rows must be even and odd, and without the sample that a Hann window makes 0: only
// then is half of them enough.
void read_fourier(const Tensors& tensors, SileroWeights& weights) {
  const std::vector<float> rows = tensors.read("stft_conv.weight", "stft_conv.weight", {2 * kBins, 1, kFourierSamples},
                                               {2 * kBins, kFourierSamples, 1});
  const auto at = [&](std::size_t row, std::size_t n) { return rows[row * kFourierSamples + n]; };
  constexpr float kTolerance = 1e-5F;
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    float worst = std::max(std::abs(at(bin, 0)), std::abs(at(kBins + bin, 0)));
    for (std::size_t n = 1; n < kFourierSamples; ++n) {
      worst = std::max(worst, std::abs(at(bin, n) - at(bin, kFourierSamples - n)));
      worst = std::max(worst, std::abs(at(kBins + bin, n) + at(kBins + bin, kFourierSamples - n)));
      if (bin == 0 || bin == kHalf) worst = std::max(worst, std::abs(at(kBins + bin, n)));
    }
    if (worst > kTolerance) {
      tensors.fail("stft_conv.weight", fmt::format("is no windowed Fourier transform (bin {})", bin));
    }
  }
  weights.real = {kHalf, kHalf, {}};
  weights.imaginary = {kHalf - 1, kHalf - 1, {}};
  for (std::size_t bin = 0; bin < kHalf; ++bin) {
    for (std::size_t n = 1; n <= kHalf; ++n) weights.real.values.push_back(at(bin, n));
    if (bin == 0) continue;
    for (std::size_t n = 1; n < kHalf; ++n) weights.imaginary.values.push_back(at(kBins + bin, n));
  }
  for (std::size_t n = 1; n <= kHalf; ++n) weights.nyquist.push_back(at(kHalf, n));
}

TapWeights read_convolution(const Tensors& tensors, std::size_t index) {
  const auto [out, in] = kConvolutions[index];
  const std::string name = fmt::format("conv{}", index + 1);
  const std::string weight = name + ".weight";
  const std::vector<float> values = tensors.read(weight, weight, {out, in, kTaps}, {out, kTaps, in});
  TapWeights result;
  for (std::size_t k = 0; k < kTaps; ++k) {
    FloatMatrix& tap = result.taps[k];
    tap = {out, in, std::vector<float>(out * in)};
    for (std::size_t o = 0; o < out; ++o) {
      for (std::size_t i = 0; i < in; ++i) {
        tap.values[o * in + i] = values[tensors.is_mlx() ? (o * kTaps + k) * in + i : (o * in + i) * kTaps + k];
      }
    }
  }
  result.bias = tensors.read(name + ".bias", {out});
  return result;
}

void read_lstm(const Tensors& tensors, SileroWeights& weights) {
  const Shape matrix{kGates, kSileroWidth};
  weights.lstm_input = {kGates, kSileroWidth, tensors.read("lstm_cell.weight_ih", "lstm.Wx", matrix, matrix)};
  weights.lstm_hidden = {kGates, kSileroWidth, tensors.read("lstm_cell.weight_hh", "lstm.Wh", matrix, matrix)};
  weights.lstm_bias = tensors.read("lstm_cell.bias_ih", "lstm.bias", {kGates}, {kGates});
  if (tensors.is_mlx()) return;  // there the two are already added
  const std::vector<float> hidden_bias = tensors.read("lstm_cell.bias_hh", {kGates});
  std::ranges::transform(weights.lstm_bias, hidden_bias, weights.lstm_bias.begin(), std::plus<>());
}

}  // namespace

SileroWeights read_silero_weights(const fs::path& path) {
  const fs::path file = find_file(path);
  refuse_other_formats(file);
  const Tensors tensors(file);
  SileroWeights weights;
  read_fourier(tensors, weights);
  for (std::size_t i = 0; i < weights.conv.size(); ++i) weights.conv[i] = read_convolution(tensors, i);
  read_lstm(tensors, weights);
  weights.out = tensors.read("final_conv.weight", "final_conv.weight", {1, kSileroWidth, 1}, {1, 1, kSileroWidth});
  weights.out_bias = tensors.read("final_conv.bias", {1}).front();
  return weights;
}

}  // namespace amanuensis::model
