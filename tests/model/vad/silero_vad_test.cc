// Silero's network: against the publisher's own graph (tools/goldens/vad.py), and, with made-up weights, against its
// definition written out in loops.
#include "model/vad/silero_vad.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <numbers>
#include <random>

#include "support/checkpoint_builder.h"
#include "support/cpu_machine.h"
#include "support/error_of.h"
#include "support/goldens.h"
#include "support/npy_file.h"
#include "support/temp_folder.h"

namespace amanuensis::model {
namespace {

namespace fs = std::filesystem;
using test::error_of;

const fs::path kSilero = fs::path(AMANUENSIS_SHARED_DATA) / "silero";

struct NamedTensor {
  std::string name;
  std::vector<std::size_t> shape;
  std::vector<float> values;
};

// A network of the right shapes whose answers are neither 0 nor 1.
std::vector<NamedTensor> made_up_network() {
  std::mt19937 random(8);
  const auto values = [&](std::size_t count, double deviation) {
    std::normal_distribution<float> distribution(0, static_cast<float>(deviation));
    std::vector<float> result(count);
    for (float& value : result) value = distribution(random);
    return result;
  };
  std::vector<float> fourier;
  for (std::size_t row = 0; row < 258; ++row) {
    for (std::size_t n = 0; n < 256; ++n) {
      // The bin times the sample is reduced first, so that symmetric values are alike to the last bit.
      const auto bin = row % 129;
      const auto turn = static_cast<double>(bin * std::min(n, 256 - n) % 256) / 256 * 2 * std::numbers::pi;
      const double window =
          0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(std::min(n, 256 - n)) / 256);
      const double side = n <= 128 ? -1 : 1;
      const double value = row < 129 ? std::cos(turn) : bin % 128 == 0 ? 0 : n % 128 == 0 ? 0 : side * std::sin(turn);
      fourier.push_back(static_cast<float>(window * value));
    }
  }
  return {{"stft_conv.weight", {258, 1, 256}, fourier},
          {"conv1.weight", {128, 129, 3}, values(128 * 129 * 3, 0.07)},
          {"conv1.bias", {128}, values(128, 0.1)},
          {"conv2.weight", {64, 128, 3}, values(64 * 128 * 3, 0.06)},
          {"conv2.bias", {64}, values(64, 0.1)},
          {"conv3.weight", {64, 64, 3}, values(64 * 64 * 3, 0.1)},
          {"conv3.bias", {64}, values(64, 0.1)},
          {"conv4.weight", {128, 64, 3}, values(128 * 64 * 3, 0.1)},
          {"conv4.bias", {128}, values(128, 0.1)},
          {"lstm_cell.weight_ih", {512, 128}, values(512 * 128, 0.1)},
          {"lstm_cell.weight_hh", {512, 128}, values(512 * 128, 0.15)},
          {"lstm_cell.bias_ih", {512}, values(512, 0.2)},
          {"lstm_cell.bias_hh", {512}, values(512, 0.2)},
          {"final_conv.weight", {1, 128, 1}, values(128, 0.4)},
          {"final_conv.bias", {1}, {0.1F}}};
}

std::string encode(const std::vector<NamedTensor>& tensors) {
  std::vector<test::SafetensorsEntry> entries;
  for (const NamedTensor& tensor : tensors) {
    entries.push_back({tensor.name, "F32", tensor.shape, test::encode_values(StorageType::kF32, tensor.values)});
  }
  return test::safetensors_file(entries);
}

// The same network as its conversion for MLX stores it.
std::vector<NamedTensor> as_mlx(const std::vector<NamedTensor>& tensors) {
  std::vector<NamedTensor> result;
  for (const NamedTensor& tensor : tensors) {
    NamedTensor copy = tensor;
    if (tensor.shape.size() == 3) {
      const std::size_t out = tensor.shape[0], in = tensor.shape[1], taps = tensor.shape[2];
      copy.shape = {out, taps, in};
      for (std::size_t o = 0; o < out; ++o) {
        for (std::size_t i = 0; i < in; ++i) {
          for (std::size_t k = 0; k < taps; ++k) {
            copy.values[(o * taps + k) * in + i] = tensor.values[(o * in + i) * taps + k];
          }
        }
      }
    }
    if (tensor.name == "lstm_cell.weight_ih") copy.name = "lstm.Wx";
    if (tensor.name == "lstm_cell.weight_hh") copy.name = "lstm.Wh";
    if (tensor.name == "lstm_cell.bias_ih") copy.name = "lstm.bias";
    if (tensor.name == "lstm_cell.bias_hh") {
      for (std::size_t i = 0; i < 512; ++i) result.back().values[i] += tensor.values[i];
      continue;
    }
    copy.name = "vad_16k." + copy.name;
    result.push_back(std::move(copy));
  }
  return result;
}

// The network as it is defined, one chunk after the other, in double precision.
class PlainSilero {
 public:
  explicit PlainSilero(const std::vector<NamedTensor>& tensors) {
    for (const NamedTensor& tensor : tensors) weights_[tensor.name] = tensor.values;
  }

  double chunk(std::span<const float> samples) {
    std::vector<double> x(context_);
    x.insert(x.end(), samples.begin(), samples.end());
    context_.assign(samples.end() - 64, samples.end());
    for (std::size_t i = 0; i < 64; ++i) x.push_back(x[574 - i]);
    Frames frames(129, std::vector<double>(4));
    for (std::size_t bin = 0; bin < 129; ++bin) {
      for (std::size_t t = 0; t < 4; ++t) {
        double re = 0, im = 0;
        for (std::size_t n = 0; n < 256; ++n) {
          re += weights_["stft_conv.weight"][bin * 256 + n] * x[t * 128 + n];
          im += weights_["stft_conv.weight"][(129 + bin) * 256 + n] * x[t * 128 + n];
        }
        frames[bin][t] = std::hypot(re, im);
      }
    }
    frames = convolve(frames, "conv1", 128, 1);
    frames = convolve(frames, "conv2", 64, 2);
    frames = convolve(frames, "conv3", 64, 2);
    frames = convolve(frames, "conv4", 128, 1);
    const std::vector<double> before = hidden_;
    double sum = weights_["final_conv.bias"][0];
    for (std::size_t i = 0; i < 128; ++i) {
      std::array<double, 4> gate{};
      for (std::size_t g = 0; g < 4; ++g) {
        const std::size_t row = g * 128 + i;
        gate[g] = weights_["lstm_cell.bias_ih"][row] + weights_["lstm_cell.bias_hh"][row];
        for (std::size_t k = 0; k < 128; ++k) {
          gate[g] += weights_["lstm_cell.weight_ih"][row * 128 + k] * frames[k][0] +
                     weights_["lstm_cell.weight_hh"][row * 128 + k] * before[k];
        }
      }
      cell_[i] = sigmoid(gate[1]) * cell_[i] + sigmoid(gate[0]) * std::tanh(gate[2]);
      hidden_[i] = sigmoid(gate[3]) * std::tanh(cell_[i]);
      sum += std::max(0.0, hidden_[i]) * weights_["final_conv.weight"][i];
    }
    return sigmoid(sum);
  }

 private:
  using Frames = std::vector<std::vector<double>>;  // [channel][frame]

  static double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

  Frames convolve(const Frames& x, const std::string& name, std::size_t out, std::size_t stride) {
    const std::vector<float>& weight = weights_[name + ".weight"];
    const std::size_t frames = (x[0].size() - 1) / stride + 1;
    Frames y(out, std::vector<double>(frames));
    for (std::size_t o = 0; o < out; ++o) {
      for (std::size_t t = 0; t < frames; ++t) {
        double sum = weights_[name + ".bias"][o];
        for (std::size_t c = 0; c < x.size(); ++c) {
          for (std::size_t k = 0; k < 3; ++k) {
            const std::size_t at = t * stride + k;
            if (at >= 1 && at - 1 < x[c].size()) sum += weight[(o * x.size() + c) * 3 + k] * x[c][at - 1];
          }
        }
        y[o][t] = std::max(0.0, sum);
      }
    }
    return y;
  }

  std::map<std::string, std::vector<float>> weights_;
  std::vector<double> context_ = std::vector<double>(64);
  std::vector<double> hidden_ = std::vector<double>(128);
  std::vector<double> cell_ = std::vector<double>(128);
};

std::vector<float> made_up_audio(std::size_t chunks, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> samples(chunks * kSileroChunkSamples);
  double phase = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    phase += 0.02 + 0.015 * std::sin(static_cast<double>(i) / 9000);
    const double level = i / 4096 % 3 == 0 ? 0.02 : 0.3;
    samples[i] =
        static_cast<float>(level * (std::sin(phase) + 0.3 * (static_cast<double>(random() % 2001) / 1000 - 1)));
  }
  return samples;
}

class SileroTest : public testing::Test {
 protected:
  std::vector<float> probabilities(const SileroVad& vad, std::span<const float> samples) const {
    SileroState state;
    std::vector<float> result(samples.size() / kSileroChunkSamples);
    const SileroInput input{&state, samples, result};
    vad.run({&input, 1});
    return result;
  }
  SileroVad open(const std::string& file) {
    return SileroVad(folder_.write("silero.safetensors", file), machine_.backend());
  }
  test::ThrownError open_error(const std::string& file) {
    return error_of([&] { open(file); });
  }

  test::CpuMachine machine_{device::ComputeType::kFloat32, 2};
  test::TempFolder folder_;
};

TEST_F(SileroTest, IsTheNetworkAsDefined) {
  const std::vector<NamedTensor> tensors = made_up_network();
  const SileroVad vad = open(encode(tensors));
  const std::vector<float> samples = made_up_audio(40, 1);
  const std::vector<float> found = probabilities(vad, samples);
  PlainSilero plain(tensors);
  float lowest = 1, highest = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double expected = plain.chunk(std::span(samples).subspan(i * kSileroChunkSamples, kSileroChunkSamples));
    EXPECT_NEAR(found[i], expected, 2e-5) << i;
    lowest = std::min(lowest, found[i]);
    highest = std::max(highest, found[i]);
  }
  EXPECT_GT(highest - lowest, 0.1F) << "the made-up network must tell something apart";
}

TEST_F(SileroTest, BothLayoutsAreOneNetwork) {
  const std::vector<float> samples = made_up_audio(20, 2);
  const std::vector<float> published = probabilities(open(encode(made_up_network())), samples);
  const std::vector<float> mlx = probabilities(open(encode(as_mlx(made_up_network()))), samples);
  for (std::size_t i = 0; i < mlx.size(); ++i) EXPECT_NEAR(published[i], mlx[i], 1e-6F);
}

TEST_F(SileroTest, CallsAndCompanyMakeNoDifference) {
  const SileroVad vad = open(encode(made_up_network()));
  std::vector<std::vector<float>> audio;
  std::vector<std::vector<float>> alone;
  for (const std::size_t chunks : {3U, 0U, 170U, 40U, 40U, 1U}) {
    audio.push_back(made_up_audio(chunks, static_cast<unsigned>(audio.size())));
    alone.push_back(probabilities(vad, audio.back()));
  }
  // All together, at most seven chunks of each in a call.
  std::vector<SileroState> states(audio.size());
  std::vector<std::vector<float>> together(audio.size());
  for (std::size_t i = 0; i < audio.size(); ++i) together[i].resize(alone[i].size());
  for (std::size_t first = 0; first < 170; first += 7) {
    std::vector<SileroInput> inputs;
    for (std::size_t i = 0; i < audio.size(); ++i) {
      const std::size_t count = std::min<std::size_t>(7, alone[i].size() - std::min(first, alone[i].size()));
      if (count == 0) continue;
      inputs.push_back({&states[i],
                        std::span(audio[i]).subspan(first * kSileroChunkSamples, count * kSileroChunkSamples),
                        std::span(together[i]).subspan(first, count)});
    }
    vad.run(inputs);
  }
  for (std::size_t i = 0; i < audio.size(); ++i) {
    for (std::size_t k = 0; k < alone[i].size(); ++k) EXPECT_NEAR(together[i][k], alone[i][k], 1e-5F) << i << " " << k;
  }
}

TEST_F(SileroTest, EqualsSilerosOwn) {
  if (!fs::exists(kSilero)) GTEST_SKIP() << "no weights in " << kSilero;
  const SileroVad vad(kSilero, machine_.backend());
  const std::string wav = test::read_file(kSilero / "test.wav");
  std::vector<float> samples((wav.size() - 44) / 2);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    std::int16_t value = 0;
    std::memcpy(&value, wav.data() + 44 + 2 * i, 2);
    samples[i] = static_cast<float>(value) / 32768;
  }
  const std::vector<float> expected =
      test::parse_npy(test::read_file(test::source_path("tests/goldens/vad_silero_test.npy"))).values;
  ASSERT_EQ(samples.size(), expected.size() * kSileroChunkSamples);
  const std::vector<float> found = probabilities(vad, samples);
  float worst = 0;
  for (std::size_t i = 0; i < found.size(); ++i) worst = std::max(worst, std::abs(found[i] - expected[i]));
  RecordProperty("max_difference", std::to_string(worst));
  EXPECT_LT(worst, 1e-4F);
}

TEST_F(SileroTest, DamagedFilesAreNamed) {
  const auto has = [](const test::ThrownError& error, const char* text) {
    EXPECT_NE(error.message.find(text), std::string::npos) << error.message;
    EXPECT_EQ(error.code, ErrorCode::kBadData);
  };
  const auto broken = [](const auto& change) {
    std::vector<NamedTensor> tensors = made_up_network();
    change(tensors);
    return encode(tensors);
  };
  has(open_error(""), "is empty");
  has(open_error("<!doctype html><html>"), "web page");
  has(open_error(encode(made_up_network()).substr(0, 500'000)), "cut short");
  has(open_error(broken([](auto& t) { t.erase(t.begin() + 3); })), "'conv2.weight' is missing");
  has(open_error(broken([](auto& t) {
        t[9].shape = {512, 64};
        t[9].values.resize(512 * 64);
      })),
      "'lstm_cell.weight_ih' has shape [512, 64], expected [512, 128]");
  has(open_error(broken([](auto& t) { t[2].values[7] = NAN; })),
      "'conv1.bias' holds a value that is not a number, at 7");
  has(open_error(broken([](auto& t) { t[0].values[256 * 5 + 9] += 0.5F; })), "no windowed Fourier transform (bin 5)");
  EXPECT_NE(open_error(broken([](auto& t) { t.pop_back(); })).message.find("models pull silero-vad"),
            std::string::npos);
}

TEST_F(SileroTest, OtherFormatsAndPlacesAreExplained) {
  const auto error = [&](const fs::path& path) { return error_of([&] { SileroVad(path, machine_.backend()); }); };
  EXPECT_EQ(error(folder_.write("silero_vad.onnx", "onnx")).code, ErrorCode::kUnsupported);
  EXPECT_EQ(error(folder_.path() / "nothing.safetensors").code, ErrorCode::kNotFound);
  const test::ThrownError empty = error(folder_.path());
  EXPECT_EQ(empty.code, ErrorCode::kNotFound);
  EXPECT_NE(empty.message.find("models pull silero-vad"), std::string::npos);
  folder_.write("model.safetensors", encode(as_mlx(made_up_network())));
  EXPECT_EQ(error(folder_.path()).code, std::nullopt);
}

}  // namespace
}  // namespace amanuensis::model
