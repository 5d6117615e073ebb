// How far the smaller weight types are from float32, which the goldens hold to the reference.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "model/whisper/whisper_model.h"
#include "support/cpu_machine.h"
#include "support/hashed_model.h"

namespace amanuensis::model {
namespace {

using device::ComputeType;

struct Outputs {
  AlignedBuffer<float> encoder;
  AlignedBuffer<float> logits;  // [tokens, n_vocab]
};

Outputs run(const Checkpoint& checkpoint, ComputeType type, std::span<const TokenId> tokens) {
  test::CpuMachine machine(type);
  const WhisperModel model(checkpoint, machine.backend());
  const ModelDimensions& dims = model.dims();
  const AlignedBuffer<float> mel = test::hashed_mel("mel.0", dims.n_mels, dims.window_frames());
  const std::vector<TensorView<const float>> windows = {mel.matrix(dims.n_mels, dims.window_frames())};
  Outputs outputs{model.encoder_output(windows[0]), AlignedBuffer<float>(tokens.size() * dims.n_vocab)};
  DecoderSequence sequence = model.new_sequence(model.encode(windows)[0]);
  const std::vector<DecodeItem> items = {{&sequence, tokens, outputs.logits.matrix(tokens.size(), dims.n_vocab)}};
  model.decode(items);
  return outputs;
}

double relative_error(std::span<const float> actual, std::span<const float> expected) {
  double error = 0;
  double norm = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    error += std::pow(static_cast<double>(actual[i]) - expected[i], 2);
    norm += std::pow(static_cast<double>(expected[i]), 2);
  }
  return std::sqrt(error / norm);
}

double correlation(std::span<const float> a, std::span<const float> b) {
  double mean_a = 0;
  double mean_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    mean_a += a[i];
    mean_b += b[i];
  }
  mean_a /= static_cast<double>(a.size());
  mean_b /= static_cast<double>(b.size());
  double ab = 0;
  double aa = 0;
  double bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - mean_a) * (b[i] - mean_b);
    aa += std::pow(a[i] - mean_a, 2);
    bb += std::pow(b[i] - mean_b, 2);
  }
  return ab / std::sqrt(aa * bb);
}

double top_agreement(std::span<const float> a, std::span<const float> b, std::size_t vocabulary) {
  std::size_t same = 0;
  for (std::size_t row = 0; row < a.size(); row += vocabulary) {
    const auto best = [&](std::span<const float> logits) {
      const auto values = logits.subspan(row, vocabulary);
      return std::ranges::max_element(values) - values.begin();
    };
    same += best(a) == best(b) ? 1 : 0;
  }
  return static_cast<double>(same * vocabulary) / static_cast<double>(a.size());
}

struct Bars {
  double encoder_error;
  double logit_correlation;
  double top_agreement;
};

void expect_fidelity(const Checkpoint& checkpoint, ComputeType type, const Bars& bars) {
  std::vector<TokenId> tokens(100);
  std::vector<float> places(tokens.size());
  test::fill_uniform("fidelity tokens", places);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    tokens[i] = static_cast<TokenId>((places[i] + 1.0F) / 2.0F * static_cast<float>(checkpoint.dims.n_vocab));
  }
  const Outputs exact = run(checkpoint, ComputeType::kFloat32, tokens);
  const Outputs small = run(checkpoint, type, tokens);
  const double error = relative_error(small.encoder.span(), exact.encoder.span());
  const double logits = correlation(small.logits.span(), exact.logits.span());
  const double top = top_agreement(small.logits.span(), exact.logits.span(), checkpoint.dims.n_vocab);
  testing::Test::RecordProperty("encoder_relative_error", std::to_string(error));
  testing::Test::RecordProperty("logit_correlation", std::to_string(logits));
  testing::Test::RecordProperty("top_agreement", std::to_string(top));
  EXPECT_LE(error, bars.encoder_error);
  EXPECT_GE(logits, bars.logit_correlation);
  EXPECT_GE(top, bars.top_agreement);
}

ModelDimensions base_dimensions() {
  return {.n_mels = 80,
          .n_audio_ctx = 1500,
          .n_audio_state = 512,
          .n_audio_head = 8,
          .n_audio_layer = 6,
          .n_audio_ffn = 2048,
          .n_vocab = 51865,
          .n_text_ctx = 448,
          .n_text_state = 512,
          .n_text_head = 8,
          .n_text_layer = 6,
          .n_text_ffn = 2048};
}

Checkpoint demo_checkpoint() { return open_checkpoint(std::filesystem::path(AMANUENSIS_SOURCE_DIR) / "models/demo"); }

constexpr Bars kBFloat16Bars = {.encoder_error = 0.01, .logit_correlation = 0.9999, .top_agreement = 0.93};
constexpr Bars kInt8Bars = {.encoder_error = 0.03, .logit_correlation = 0.999, .top_agreement = 0.9};

TEST(WhisperFidelity, BFloat16OnRandomBase) {
  const test::HashedModel hashed(base_dimensions());
  expect_fidelity(hashed.checkpoint(), ComputeType::kBFloat16, kBFloat16Bars);
}

TEST(WhisperFidelity, Int8OnRandomBase) {
  const test::HashedModel hashed(base_dimensions());
  expect_fidelity(hashed.checkpoint(), ComputeType::kInt8, kInt8Bars);
}

TEST(WhisperFidelity, BFloat16OnTheDemoCheckpoint) {
  expect_fidelity(demo_checkpoint(), ComputeType::kBFloat16, kBFloat16Bars);
}

TEST(WhisperFidelity, Int8OnTheDemoCheckpoint) { expect_fidelity(demo_checkpoint(), ComputeType::kInt8, kInt8Bars); }

}  // namespace
}  // namespace amanuensis::model
