// WhisperModel::align(): the same forward pass as decode(), read at other places.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "model/whisper/whisper_model.h"
#include "support/cpu_machine.h"
#include "support/error_of.h"
#include "support/hashed_model.h"

namespace amanuensis::model {
namespace {

using testing::HasSubstr;

constexpr std::size_t kVocabulary = 777;
constexpr std::size_t kTextVocabulary = 700;
constexpr std::size_t kPositions = 75;

class AlignTest : public testing::Test {
 protected:
  AlignTest()
      : hashed_({.n_mels = 80,
                 .n_audio_ctx = kPositions,
                 .n_audio_state = 96,
                 .n_audio_head = 2,
                 .n_audio_layer = 2,
                 .n_audio_ffn = 200,
                 .n_vocab = kVocabulary,
                 .n_text_ctx = 40,
                 .n_text_state = 96,
                 .n_text_head = 3,
                 .n_text_layer = 2,
                 .n_text_ffn = 136}),
        model_(hashed_.checkpoint(), machine_.backend()) {}

  std::shared_ptr<const EncodedWindow> window(const char* name) const {
    const AlignedBuffer<float> mel = test::hashed_mel(name, 80, 2 * kPositions);
    const TensorView<const float> view = mel.matrix(80, 2 * kPositions);
    return model_.encode({&view, 1}).front();
  }

  // One call's memory.
  struct Call {
    Call(std::vector<TokenId> given, std::size_t heads, std::size_t positions, std::size_t first)
        : tokens(std::move(given)),
          weights(heads * tokens.size() * positions),
          log_probs(tokens.size() - first),
          rows(heads * tokens.size()),
          columns(positions),
          first_scored(first) {}
    AlignmentItem item(std::shared_ptr<const EncodedWindow> window) {
      return {.window = std::move(window),
              .tokens = tokens,
              .positions = columns,
              .weights = weights.matrix(rows, columns),
              .first_scored = first_scored,
              .log_probs = log_probs};
    }
    std::vector<TokenId> tokens;
    AlignedBuffer<float> weights;
    std::vector<float> log_probs;
    std::size_t rows;
    std::size_t columns;
    std::size_t first_scored;
  };

  test::CpuMachine machine_;
  test::HashedModel hashed_;
  WhisperModel model_;
  std::vector<AlignmentHead> heads_ = {{0, 1}, {1, 0}, {1, 2}};
};

TEST_F(AlignTest, LogProbabilitiesAreThoseOfTheDecodersLogits) {
  const auto shared = window("align.0");
  Call call({5, 600, 3, 77, 699, 12}, heads_.size(), kPositions, 2);
  const AlignmentItem item = call.item(shared);
  model_.align({&item, 1}, {.heads = heads_, .vocabulary = kTextVocabulary});

  DecoderSequence sequence = model_.new_sequence(shared);
  AlignedBuffer<float> logits(call.tokens.size() * kVocabulary);
  const DecodeItem decoded{&sequence, call.tokens, logits.matrix(call.tokens.size(), kVocabulary)};
  model_.decode({&decoded, 1});
  for (std::size_t i = 0; i < call.log_probs.size(); ++i) {
    double total = 0;
    for (std::size_t id = 0; id < kTextVocabulary; ++id) {
      total += std::exp(static_cast<double>(decoded.logits(i + 1, id)));
    }
    const auto token = static_cast<std::size_t>(call.tokens[i + 2]);
    EXPECT_NEAR(call.log_probs[i], decoded.logits(i + 1, token) - std::log(total), 1e-4) << "token " << i;
  }
}

TEST_F(AlignTest, WeightsOfEveryHeadAndTokenSumToOne) {
  for (const std::size_t positions : {std::size_t{1}, std::size_t{31}, kPositions}) {
    Call call({1, 2, 3, 4}, heads_.size(), positions, 1);
    const AlignmentItem item = call.item(window("align.1"));
    model_.align({&item, 1}, {.heads = heads_, .vocabulary = kTextVocabulary});
    for (std::size_t row = 0; row < call.rows; ++row) {
      const auto weights = item.weights.row(row);
      EXPECT_NEAR(std::accumulate(weights.begin(), weights.end(), 0.0), 1.0, 1e-5) << positions << " row " << row;
    }
  }
}

TEST_F(AlignTest, ABatchGivesWhatEachSequenceGivesAlone) {
  const auto first = window("align.0");
  const auto second = window("align.1");
  std::vector<Call> together;
  together.emplace_back(std::vector<TokenId>{9, 8, 7, 6, 5}, heads_.size(), kPositions, 3);
  together.emplace_back(std::vector<TokenId>{1, 2}, heads_.size(), 40, 1);
  together.emplace_back(std::vector<TokenId>(40, 11), heads_.size(), 9, 40);  // nothing scored
  const std::vector<std::shared_ptr<const EncodedWindow>> windows = {first, second, first};
  std::vector<AlignmentItem> items;
  for (std::size_t i = 0; i < together.size(); ++i) items.push_back(together[i].item(windows[i]));
  model_.align(items, {.heads = heads_, .vocabulary = kTextVocabulary});
  for (std::size_t i = 0; i < together.size(); ++i) {
    Call alone(together[i].tokens, heads_.size(), together[i].columns, together[i].first_scored);
    const AlignmentItem item = alone.item(windows[i]);
    model_.align({&item, 1}, {.heads = heads_, .vocabulary = kTextVocabulary});
    for (std::size_t w = 0; w < alone.weights.size(); ++w) {
      ASSERT_NEAR(alone.weights[w], together[i].weights[w], 1e-5) << "item " << i;
    }
    for (std::size_t p = 0; p < alone.log_probs.size(); ++p) {
      EXPECT_NEAR(alone.log_probs[p], together[i].log_probs[p], 1e-4);
    }
  }
}

TEST_F(AlignTest, WhatDoesNotFitTheModelIsNamed) {
  const auto shared = window("align.0");
  Call call({1, 2, 3}, heads_.size(), 10, 1);
  const AlignmentItem good = call.item(shared);
  const auto message = [&](const AlignmentItem& item, std::vector<AlignmentHead> heads, std::size_t vocabulary) {
    return test::error_of([&] { model_.align({&item, 1}, {.heads = heads, .vocabulary = vocabulary}); }).message;
  };
  EXPECT_THAT(message(good, {{2, 0}, {0, 0}, {0, 1}}, 10), HasSubstr("(2, 0)"));
  EXPECT_THAT(message(good, {{0, 3}, {0, 0}, {0, 1}}, 10), HasSubstr("(0, 3)"));
  EXPECT_THAT(message(good, heads_, kVocabulary + 1), HasSubstr("778"));
  EXPECT_THAT(message(good, {{0, 0}}, 10), HasSubstr("alignment weights"));
  AlignmentItem bad = good;
  bad.positions = kPositions + 1;
  EXPECT_THAT(message(bad, heads_, 10), HasSubstr("76 positions"));
  bad = good;
  bad.first_scored = 2;
  EXPECT_THAT(message(bad, heads_, 10), HasSubstr("log-probabilities"));
  bad = good;
  const std::vector<TokenId> unknown = {1, 2, 4000};
  bad.tokens = unknown;
  EXPECT_THAT(message(bad, heads_, 10), HasSubstr("4000"));
}

TEST_F(AlignTest, NothingToAlignIsFine) { model_.align({}, {.heads = heads_, .vocabulary = kTextVocabulary}); }

}  // namespace
}  // namespace amanuensis::model
