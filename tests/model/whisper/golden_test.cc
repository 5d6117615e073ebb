// The forward pass against openai-whisper with the same weights: tools/goldens/whisper_model.py.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "model/whisper/whisper_model.h"
#include "support/cpu_machine.h"
#include "support/goldens.h"
#include "support/hashed_model.h"

namespace amanuensis::model {
namespace {

using nlohmann::json;
using test::CpuMachine;
using test::HashedModel;

class WhisperGolden : public testing::TestWithParam<std::string> {
 protected:
  WhisperGolden()
      : golden_(test::read_golden("whisper_model_" + GetParam() + ".json")),
        hashed_(test::read_dimensions(golden_["dims"])),
        model_(hashed_.checkpoint(), machine_.backend()),
        mel_(test::hashed_mel(golden_["mel"], model_.dims().n_mels, model_.dims().window_frames())) {}

  TensorView<const float> mel() const { return mel_.matrix(model_.dims().n_mels, model_.dims().window_frames()); }

  json golden_;
  CpuMachine machine_;
  HashedModel hashed_;
  WhisperModel model_;
  AlignedBuffer<float> mel_;
};

TEST_P(WhisperGolden, WeightsAreThoseOfTheReference) {
  for (const auto& [name, values] : golden_["hashed_values"].items()) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_NEAR(hashed_.values(name)[i], values[i].get<float>(), 1e-6F) << name << "[" << i << "]";
    }
  }
}

TEST_P(WhisperGolden, EncoderOutputIsWithinOneInTenThousand) {
  const AlignedBuffer<float> out = model_.encoder_output(mel());
  const std::size_t width = model_.dims().n_audio_state;
  const json& sample = golden_["encoder"];
  double error = 0;
  double norm = 0;
  std::size_t next = 0;
  for (std::size_t p = 0; p < model_.dims().n_audio_ctx; p += sample["position_step"].get<std::size_t>()) {
    for (std::size_t c = 0; c < width; c += sample["column_step"].get<std::size_t>()) {
      const double expected = sample["values"].at(next++);
      error += std::pow(out[p * width + c] - expected, 2);
      norm += expected * expected;
    }
  }
  ASSERT_EQ(next, sample["values"].size());
  RecordProperty("relative_error", std::to_string(std::sqrt(error / norm)));
  EXPECT_LE(std::sqrt(error / norm), 1e-4);
}

TEST_P(WhisperGolden, LogitsOfTwoHundredGivenTokensAgree) {
  const std::vector<TensorView<const float>> windows = {mel()};
  DecoderSequence sequence = model_.new_sequence(model_.encode(windows)[0]);
  const std::vector<TokenId> tokens = golden_["tokens"];
  const std::size_t vocabulary = model_.dims().n_vocab;
  AlignedBuffer<float> logits(tokens.size() * vocabulary);
  const std::vector<DecodeItem> items = {{&sequence, tokens, logits.matrix(tokens.size(), vocabulary)}};
  model_.decode(items);

  const auto stride = golden_["logit_stride"].get<std::size_t>();
  const std::size_t top = golden_["top_ids"].size() / tokens.size();
  double largest = 0;
  std::size_t next = 0;
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    const float* row = logits.data() + t * vocabulary;
    EXPECT_EQ(std::max_element(row, row + vocabulary) - row, golden_["top_ids"][t * top].get<int>()) << "token " << t;
    for (std::size_t k = t * top; k < (t + 1) * top; ++k) {
      const double expected = golden_["top_logits"][k];
      largest = std::max(largest, std::abs(row[golden_["top_ids"][k].get<std::size_t>()] - expected));
    }
    for (std::size_t i = 0; i < vocabulary; i += stride) {
      largest = std::max(largest, std::abs(row[i] - golden_["logits"].at(next++).get<double>()));
    }
  }
  ASSERT_EQ(next, golden_["logits"].size());
  RecordProperty("largest_difference", std::to_string(largest));
  EXPECT_LE(largest, 2e-3);
}

// What a running transcription does: the first tokens at once, then one at a time.
TEST_P(WhisperGolden, FeedingTokensOneByOneGivesTheSameArgmax) {
  const std::vector<TensorView<const float>> windows = {mel()};
  DecoderSequence sequence = model_.new_sequence(model_.encode(windows)[0]);
  const std::vector<TokenId> tokens = golden_["tokens"];
  const std::size_t top = golden_["top_ids"].size() / tokens.size();
  const std::size_t vocabulary = model_.dims().n_vocab;
  AlignedBuffer<float> logits(vocabulary);
  constexpr std::size_t kTokens = 60;
  for (std::size_t t = 0; t < kTokens;) {
    const std::size_t count = t == 0 ? 3 : 1;
    const std::vector<DecodeItem> items = {
        {&sequence, std::span(tokens).subspan(t, count), logits.matrix(1, vocabulary)}};
    model_.decode(items);
    t += count;
    const auto argmax = std::ranges::max_element(logits.span()) - logits.span().begin();
    EXPECT_EQ(argmax, golden_["top_ids"][(t - 1) * top].get<int>()) << "token " << t - 1;
  }
  EXPECT_EQ(sequence.length(), kTokens);
}

// The committed sizes, and large-v3-turbo's true one where somebody has made its golden (7 GB of memory).
std::vector<std::string> golden_sizes() {
  std::vector<std::string> sizes = {"tiny", "base", "turbo_shaped"};
  if (std::filesystem::exists(test::source_path("tests/goldens/whisper_model_turbo.json"))) sizes.emplace_back("turbo");
  return sizes;
}

INSTANTIATE_TEST_SUITE_P(Sizes, WhisperGolden, testing::ValuesIn(golden_sizes()),
                         [](const auto& param) { return param.param; });

}  // namespace
}  // namespace amanuensis::model
