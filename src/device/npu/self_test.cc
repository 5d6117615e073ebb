#include "device/npu/self_test.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numbers>

#include "device/npu/block_phases.h"
#include "device/npu/runtime.h"

namespace amanuensis::device::npu {
namespace {

using Arguments = std::span<const std::span<const std::byte>>;

// A small generator of numbers that look random and are always the same.
class Sequence {
 public:
  // In [-1, 1).
  double next() {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<double>(static_cast<std::int32_t>(state_ >> 32U)) / 2147483648.0;
  }

 private:
  std::uint64_t state_ = 0x2545F4914F6CDD1DU;
};

template <typename T>
std::vector<std::byte> bytes_of(const std::vector<T>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

template <typename T>
std::vector<T> values_of(std::span<const std::byte> bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

template <typename T>
std::vector<T> make_values(std::size_t count, Sequence& sequence, double scale) {
  std::vector<T> values(count);
  for (T& value : values) value = static_cast<T>(sequence.next() * scale);
  return values;
}

// Compares outputs with what they should be; `limit` is the largest difference that rounding explains.
template <typename T>
std::string compare(const std::vector<T>& found, const std::vector<double>& expected, double limit) {
  std::size_t wrong = 0;
  std::size_t first = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (std::abs(static_cast<double>(found[i]) - expected[i]) <= limit) continue;
    if (wrong++ == 0) first = i;
  }
  if (wrong == 0) return {};
  return fmt::format("{} of {} values are wrong; value {} is {}, expected {:.6g}", wrong, expected.size(), first,
                     found[first], expected[first]);
}

std::size_t rows_for_all_tiles(const KernelSpec& spec) { return spec.block_rows * spec.tiles * kMaxColumns; }

// Slaney's scale, as Whisper's filters have it.
double hz_to_mel(double hz) { return hz < 1000 ? 3 * hz / 200 : 15 + std::log(hz / 1000) * 27 / std::log(6.4); }
double mel_to_hz(double mel) { return mel < 15 ? 200 * mel / 3 : 1000 * std::exp((mel - 15) * std::log(6.4) / 27); }

std::vector<double> log_mel_of(std::span<const std::int16_t> samples) {
  constexpr std::size_t kBins = 201;
  constexpr std::size_t kBands = 80;
  std::vector<double> power(kBins);
  for (std::size_t k = 0; k < kBins; ++k) {
    double re = 0;
    double im = 0;
    for (std::size_t n = 0; n < 400; ++n) {
      const double window = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(n) / 400);
      const double angle = 2 * std::numbers::pi * static_cast<double>(k * n % 400) / 400;
      re += window * samples[n] / 32768.0 * std::cos(angle);
      im += window * samples[n] / 32768.0 * std::sin(angle);
    }
    power[k] = re * re + im * im;
  }
  std::vector<double> bands(kBands);
  const double top = hz_to_mel(8000);
  for (std::size_t band = 0; band < kBands; ++band) {
    const auto edge = [&](std::size_t i) { return mel_to_hz(top * static_cast<double>(band + i) / (kBands + 1)); };
    double sum = 0;
    for (std::size_t b = 0; b < kBins; ++b) {
      const double hz = static_cast<double>(b) * 40;
      const double weight = std::min((hz - edge(0)) / (edge(1) - edge(0)), (edge(2) - hz) / (edge(2) - edge(1)));
      sum += std::max(0.0, weight) * 2 / (edge(2) - edge(0)) * power[b];
    }
    bands[band] = std::log10(std::max(sum, 1e-10));
  }
  return bands;
}

// Every frame differs, so that one frame's result repeated is found out.
SelfTest test_log_mel(const KernelSpec& spec) {
  std::vector<std::int16_t> samples;
  std::vector<double> expected;
  Sequence noise;
  for (std::size_t frame = 0; frame < spec.batch; ++frame) {
    const double cycles = 4.3 + 1.7 * static_cast<double>(frame);
    for (std::size_t n = 0; n < 400; ++n) {
      const double tone = std::sin(2 * std::numbers::pi * cycles * static_cast<double>(n) / 400);
      samples.push_back(static_cast<std::int16_t>(9000 * tone + 3000 * noise.next()));
    }
    for (const double value : log_mel_of(std::span(samples).subspan(frame * 400, 400))) {
      expected.push_back((value - spec.scales.at("zero")) / spec.scales.at("step"));
    }
  }
  return {.shape = {.rows = spec.batch}, .inputs = {bytes_of(samples), {}}, .check = [expected](Arguments arguments) {
            return compare(values_of<std::int8_t>(arguments[1]), expected, 1.5);
          }};
}

SelfTest test_gelu(const KernelSpec& spec) {
  const LaunchShape shape = {.rows = rows_for_all_tiles(spec), .cols = spec.max_cols};
  std::vector<std::int8_t> table(256);
  for (std::size_t i = 0; i < 256; ++i) table[i] = static_cast<std::int8_t>(((static_cast<int>(i) - 128) * 37) ^ 85);
  Sequence sequence;
  const auto x = make_values<std::int8_t>(shape.rows * shape.cols, sequence, 127);
  std::vector<double> expected;
  expected.reserve(x.size());
  for (const std::int8_t value : x) expected.push_back(table[static_cast<std::uint8_t>(value) ^ 128U]);
  return {.shape = shape, .inputs = {bytes_of(x), bytes_of(table), {}}, .check = [expected](Arguments arguments) {
            return compare(values_of<std::int8_t>(arguments[2]), expected, 0);
          }};
}

SelfTest test_softmax(const KernelSpec& spec) {
  const LaunchShape shape = {.rows = rows_for_all_tiles(spec), .cols = 300};
  Sequence sequence;
  const auto scores = make_values<std::int32_t>(shape.rows * shape.cols, sequence, 50000);
  const std::vector<std::int32_t> step(shape.rows, 2000);
  std::vector<double> expected;
  for (std::size_t r = 0; r < shape.rows; ++r) {
    double sum = 0;
    for (std::size_t c = 0; c < shape.cols; ++c) sum += std::exp2(scores[r * shape.cols + c] * 2000.0 / 16777216.0);
    for (std::size_t c = 0; c < shape.cols; ++c) {
      expected.push_back(std::exp2(scores[r * shape.cols + c] * 2000.0 / 16777216.0) / sum * 32768);
    }
  }
  return {.shape = shape, .inputs = {bytes_of(scores), bytes_of(step), {}}, .check = [expected](Arguments arguments) {
            const double largest = *std::max_element(expected.begin(), expected.end());
            return compare(values_of<std::int16_t>(arguments[2]), expected, 1 + 0.01 * largest);
          }};
}

SelfTest test_layer_norm(const KernelSpec& spec) {
  const LaunchShape shape = {.rows = rows_for_all_tiles(spec), .cols = spec.max_cols};
  Sequence sequence;
  const auto x = make_values<float>(shape.rows * shape.cols, sequence, 3);
  const auto gamma = make_values<float>(shape.cols, sequence, 1);
  const auto beta = make_values<float>(shape.cols, sequence, 0.5);
  std::vector<double> expected;
  for (std::size_t r = 0; r < shape.rows; ++r) {
    const float* row = x.data() + r * shape.cols;
    double mean = 0;
    double variance = 0;
    for (std::size_t c = 0; c < shape.cols; ++c) mean += row[c] / static_cast<double>(shape.cols);
    for (std::size_t c = 0; c < shape.cols; ++c) {
      variance += (row[c] - mean) * (row[c] - mean) / static_cast<double>(shape.cols);
    }
    for (std::size_t c = 0; c < shape.cols; ++c) {
      expected.push_back((row[c] - mean) / std::sqrt(variance + 1e-5) * gamma[c] + beta[c]);
    }
  }
  return {.shape = shape,
          .inputs = {bytes_of(x), bytes_of(gamma), bytes_of(beta), {}, {}},
          .check = [expected, shape](Arguments arguments) {
            const auto codes = values_of<std::int8_t>(arguments[3]);
            const auto scales = values_of<float>(arguments[4]);
            std::vector<double> found;
            for (std::size_t i = 0; i < codes.size(); ++i) {
              found.push_back(codes[i] * static_cast<double>(scales[i / shape.cols]));
            }
            return compare(found, expected, 0.015);
          }};
}

SelfTest test_residual_add(const KernelSpec& spec) {
  const LaunchShape shape = {.rows = rows_for_all_tiles(spec), .cols = spec.max_cols};
  Sequence sequence;
  const auto a = make_values<float>(shape.rows * shape.cols, sequence, 3);
  const auto b = make_values<float>(shape.rows * shape.cols, sequence, 0.1);
  std::vector<double> expected;
  for (std::size_t i = 0; i < a.size(); ++i) expected.push_back(static_cast<double>(a[i]) + b[i]);
  return {.shape = shape, .inputs = {bytes_of(a), bytes_of(b), {}}, .check = [expected](Arguments arguments) {
            return compare(values_of<float>(arguments[2]), expected, 1e-6);
          }};
}

// A tile of the result for each of the array's and three of K: sums that end after the first block of K, or are clamped
// before the last, differ.
SelfTest test_matmul(const KernelSpec& spec) {
  const LaunchShape shape = {.rows = 4 * spec.tile, .inner = 3 * spec.tile, .cols = 4 * spec.tile};
  Sequence sequence;
  const auto a = make_values<std::int8_t>(shape.rows * shape.inner, sequence, 127);
  auto b = make_values<std::int8_t>(shape.cols * shape.inner, sequence, 127);
  for (std::size_t k = 0; k < shape.inner; ++k) b[k] = a[k];  // one large sum
  const auto row_scale = make_values<float>(shape.rows, sequence, 0.02);
  const auto col_scale = make_values<float>(shape.cols, sequence, 0.02);
  const auto bias = make_values<float>(shape.cols, sequence, 1);
  std::vector<double> expected;
  for (std::size_t i = 0; i < shape.rows; ++i) {
    for (std::size_t j = 0; j < shape.cols; ++j) {
      double sum = 0;
      for (std::size_t k = 0; k < shape.inner; ++k) sum += a[i * shape.inner + k] * b[j * shape.inner + k];
      expected.push_back(sum * row_scale[i] * col_scale[j] + bias[j]);
    }
  }
  SelfTest test;
  test.shape = shape;
  if (spec.packed) {
    auto operands = a;
    operands.insert(operands.end(), b.begin(), b.end());
    test.inputs = {bytes_of(operands)};
  } else {
    test.inputs = {bytes_of(a), bytes_of(b)};
  }
  for (const auto& each : {row_scale, col_scale, bias}) test.inputs.push_back(bytes_of(each));
  test.inputs.emplace_back();
  test.inputs.emplace_back();
  test.check = [expected](Arguments arguments) {
    return compare(values_of<float>(arguments[arguments.size() - 1]), expected, 2e-3);
  };
  return test;
}

// More keys than one tile has, the last tile not full, and a key in the second tile that outweighs all before it.
SelfTest test_attention(const KernelSpec& spec) {
  const std::size_t t = spec.tile;
  const LaunchShape shape = {.rows = 4 * t, .heads = 2, .keys = t + 37};
  Sequence sequence;
  const auto q = make_values<std::int8_t>(shape.heads * shape.rows * t, sequence, 100);
  auto k = make_values<std::int8_t>(shape.heads * shape.rows * t, sequence, 100);
  const auto v = make_values<std::int8_t>(shape.heads * shape.rows * t, sequence, 100);
  for (std::size_t c = 0; c < t; ++c) k[(t + 5) * t + c] = q[c];
  const std::vector<std::int32_t> step(shape.heads * shape.rows, 900);
  const auto v_scale = make_values<float>(shape.heads * t, sequence, 0.01);
  std::vector<double> expected(shape.rows * shape.heads * t);
  for (std::size_t h = 0; h < shape.heads; ++h) {
    for (std::size_t i = 0; i < shape.rows; ++i) {
      std::vector<double> weights(shape.keys);
      double sum = 0;
      for (std::size_t j = 0; j < shape.keys; ++j) {
        double score = 0;
        for (std::size_t c = 0; c < t; ++c) {
          score += q[(h * shape.rows + i) * t + c] * k[(h * shape.rows + j) * t + c];
        }
        weights[j] = std::exp2(score * 900 / 16777216.0);
        sum += weights[j];
      }
      for (std::size_t c = 0; c < t; ++c) {
        double mean = 0;
        for (std::size_t j = 0; j < shape.keys; ++j) mean += weights[j] / sum * v[(h * t + c) * shape.rows + j];
        expected[(i * shape.heads + h) * t + c] = mean * v_scale[h * t + c];
      }
    }
  }
  return {.shape = shape,
          .inputs = {bytes_of(q), bytes_of(step), bytes_of(k), bytes_of(v), bytes_of(v_scale), {}},
          .check = [expected](Arguments arguments) { return compare(values_of<float>(arguments[5]), expected, 0.01); }};
}

// float32 weights [out, in] as bytes and scales, with what they stand for.
struct TestProduct {
  std::vector<std::int8_t> codes;
  std::vector<float> scales;
  std::vector<float> bias;
  std::size_t in = 0;
  std::size_t out = 0;

  TestProduct(std::size_t outputs, std::size_t inputs, Sequence& sequence)
      : codes(make_values<std::int8_t>(outputs * inputs, sequence, 127)),
        scales(outputs, static_cast<float>(1.5 / 127 / std::sqrt(static_cast<double>(inputs)))),
        bias(make_values<float>(outputs, sequence, 0.2)),
        in(inputs),
        out(outputs) {}

  std::vector<double> operator()(const std::vector<double>& x) const {
    const std::size_t rows = x.size() / in;
    std::vector<double> y(rows * out);
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t o = 0; o < out; ++o) {
        double sum = 0;
        for (std::size_t i = 0; i < in; ++i) sum += x[r * in + i] * codes[o * in + i];
        y[r * out + o] = sum * static_cast<double>(scales[o]) + static_cast<double>(bias[o]);
      }
    }
    return y;
  }

  void pack(std::vector<std::byte>& to, const PackedProduct& at) const {
    std::memcpy(to.data() + at.codes, codes.data(), codes.size());
    std::memcpy(to.data() + at.scales, scales.data(), scales.size() * sizeof(float));
    std::memcpy(to.data() + at.bias, bias.data(), bias.size() * sizeof(float));
  }
};

std::vector<double> normalised(const std::vector<double>& x, std::size_t width) {
  std::vector<double> y(x.size());
  for (std::size_t r = 0; r < x.size() / width; ++r) {
    double mean = 0;
    double variance = 0;
    for (std::size_t c = 0; c < width; ++c) mean += x[r * width + c] / static_cast<double>(width);
    for (std::size_t c = 0; c < width; ++c)
      variance += std::pow(x[r * width + c] - mean, 2) / static_cast<double>(width);
    for (std::size_t c = 0; c < width; ++c) y[r * width + c] = (x[r * width + c] - mean) / std::sqrt(variance + 1e-5);
  }
  return y;
}

// qkv [rows, 3 * width] in heads of 64.
std::vector<double> attended_exactly(const std::vector<double>& qkv, std::size_t width, std::size_t keys) {
  const std::size_t rows = qkv.size() / (3 * width);
  std::vector<double> y(rows * width);
  std::vector<double> weights(keys);
  for (std::size_t h = 0; h < width; h += 64) {
    for (std::size_t i = 0; i < keys; ++i) {
      double sum = 0;
      for (std::size_t j = 0; j < keys; ++j) {
        double score = 0;
        for (std::size_t c = h; c < h + 64; ++c) score += qkv[i * 3 * width + c] * qkv[j * 3 * width + width + c];
        sum += weights[j] = std::exp(score / 8);
      }
      for (std::size_t c = h; c < h + 64; ++c) {
        for (std::size_t j = 0; j < keys; ++j)
          y[i * width + c] += weights[j] / sum * qkv[j * 3 * width + 2 * width + c];
      }
    }
  }
  return y;
}

// A small block with every phase in it: four heads, keys that end within a tile, a hidden layer of its own width.
SelfTest test_encoder_block() {
  constexpr std::size_t kWidth = 256;
  const LaunchShape shape = {.rows = 512, .inner = kWidth, .cols = 512, .heads = 4, .keys = 101};
  Sequence sequence;
  auto x = make_values<float>(shape.rows * kWidth, sequence, 2);
  std::fill(x.begin() + static_cast<std::ptrdiff_t>(shape.keys * kWidth), x.end(), 0.0F);
  const TestProduct query_key_value(3 * kWidth, kWidth, sequence);
  const TestProduct attention_out(kWidth, kWidth, sequence);
  const TestProduct up(shape.cols, kWidth, sequence);
  const TestProduct down(kWidth, shape.cols, sequence);
  const BlockLayout at(shape);
  std::vector<std::byte> weights(at.weights_bytes);
  const std::vector<float> ones(kWidth, 1.0F);
  for (const PackedNorm& norm : {at.attention_norm, at.mlp_norm}) {
    std::memcpy(weights.data() + norm.gamma, ones.data(), kWidth * sizeof(float));
    std::memset(weights.data() + norm.beta, 0, kWidth * sizeof(float));
  }
  query_key_value.pack(weights, at.query_key_value);
  attention_out.pack(weights, at.attention_out);
  up.pack(weights, at.up);
  down.pack(weights, at.down);

  std::vector<double> expected(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(shape.keys * kWidth));
  const auto add = [&](const std::vector<double>& values) {
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] += values[i];
  };
  add(attention_out(attended_exactly(query_key_value(normalised(expected, kWidth)), kWidth, shape.keys)));
  std::vector<double> hidden = up(normalised(expected, kWidth));
  for (double& value : hidden) value = 0.5 * value * (1 + std::erf(value / std::numbers::sqrt2));
  add(down(hidden));
  // Five roundings to a byte lie between x and y.
  return {.shape = shape, .inputs = {bytes_of(x), weights, {}, {}}, .check = [expected](Arguments arguments) {
            return compare(values_of<float>(arguments[3]), expected, 0.08);
          }};
}

}  // namespace

SelfTest make_self_test(const KernelSpec& spec) {
  switch (spec.operation) {
    case Operation::kLogMel:
      return test_log_mel(spec);
    case Operation::kGelu:
      return test_gelu(spec);
    case Operation::kSoftmax:
      return test_softmax(spec);
    case Operation::kLayerNorm:
      return test_layer_norm(spec);
    case Operation::kResidualAdd:
      return test_residual_add(spec);
    case Operation::kMatmul:
      return test_matmul(spec);
    case Operation::kAttention:
      return test_attention(spec);
    case Operation::kEncoderBlock:
      return test_encoder_block();
    case Operation::kQuantizeRows:
    case Operation::kAttentionInput:
      break;  // tested as phases of a block
  }
  return {};
}

}  // namespace amanuensis::device::npu
