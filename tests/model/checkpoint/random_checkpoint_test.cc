// Made-up checkpoints: repeatable, complete, and of the published sizes.
#include "model/checkpoint/random_checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "model/checkpoint/layout.h"
#include "model/checkpoint/published_sizes.h"
#include "model/tokenizer/tokenizer.h"
#include "support/error_of.h"

namespace amanuensis::model {
namespace {

using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

ModelDimensions small_dimensions() {
  return {.n_mels = 8,
          .n_audio_ctx = 20,
          .n_audio_state = 16,
          .n_audio_head = 2,
          .n_audio_layer = 1,
          .n_audio_ffn = 64,
          .n_vocab = 99,
          .n_text_ctx = 12,
          .n_text_state = 16,
          .n_text_head = 2,
          .n_text_layer = 2,
          .n_text_ffn = 64};
}

std::vector<float> values_of(const Checkpoint& checkpoint, const std::string& name) {
  const Tensor& tensor = checkpoint.tensors.at(name);
  std::vector<float> values(tensor.element_count());
  read_values(tensor, 0, values);
  return values;
}

TEST(RandomCheckpoint, TheSameSeedGivesTheSameWeightsAndAnotherSeedOthers) {
  const Checkpoint one = random_checkpoint(small_dimensions(), {.seed = 3});
  const Checkpoint same = random_checkpoint(small_dimensions(), {.seed = 3});
  const Checkpoint other = random_checkpoint(small_dimensions(), {.seed = 4});
  for (const ExpectedTensor& expected : expected_tensors(small_dimensions())) {
    ASSERT_TRUE(one.has(expected.name));
    EXPECT_EQ(one.tensors.at(expected.name).shape, expected.shape);
    EXPECT_THAT(values_of(one, expected.name), ElementsAreArray(values_of(same, expected.name)));
    EXPECT_NE(values_of(one, expected.name), values_of(other, expected.name)) << expected.name;
  }
  EXPECT_EQ(one.tensors.size(), expected_tensors(small_dimensions()).size());
}

TEST(RandomCheckpoint, BFloat16HoldsTheSameWeightsCutToSixteenBits) {
  const Checkpoint wide = random_checkpoint(small_dimensions(), {});
  const Checkpoint narrow = random_checkpoint(small_dimensions(), {.storage = StorageType::kBF16});
  const std::vector<float> expected = values_of(wide, "decoder.blocks.1.mlp.0.weight");
  const std::vector<float> found = values_of(narrow, "decoder.blocks.1.mlp.0.weight");
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(found[i], expected[i], std::abs(expected[i]) / 128);
  }
}

TEST(RandomCheckpoint, TheLikelyTokensEmbeddingIsTwiceAsLong) {
  const std::vector<float> plain =
      values_of(random_checkpoint(small_dimensions(), {}), "decoder.token_embedding.weight");
  const std::vector<float> likely =
      values_of(random_checkpoint(small_dimensions(), {.likely_token = 7}), "decoder.token_embedding.weight");
  const std::size_t width = small_dimensions().n_text_state;
  for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_EQ(likely[i], i / width == 7 ? 2 * plain[i] : plain[i]);
}

TEST(RandomCheckpoint, VocabulariesOfPublishedSizesMakeTokenizers) {
  for (const char* name : {"tiny", "tiny.en", "large-v3"}) {
    const auto sizes = published_sizes();
    ModelDimensions dims = small_dimensions();
    dims.n_vocab = std::ranges::find(sizes, std::string_view(name), &PublishedSize::name)->dims.n_vocab;
    const Checkpoint checkpoint = random_checkpoint(dims, {.with_vocabulary = true});
    const Tokenizer tokenizer(checkpoint.vocabulary);
    EXPECT_EQ(tokenizer.vocabulary_size(), dims.n_vocab) << name;
    EXPECT_EQ(tokenizer.special().timestamp_end, static_cast<TokenId>(dims.n_vocab)) << name;
    EXPECT_EQ(checkpoint.generation.is_multilingual, std::string_view(name) != "tiny.en") << name;
  }
}

TEST(RandomCheckpoint, WhatCannotBeMadeIsRefused) {
  const auto storage = test::error_of([] { random_checkpoint(small_dimensions(), {.storage = StorageType::kQ4_0}); });
  EXPECT_EQ(storage.code, ErrorCode::kInvalidArgument);
  ModelDimensions headless = small_dimensions();
  headless.n_text_head = 5;
  EXPECT_EQ(test::error_of([&] { random_checkpoint(headless, {}); }).code, ErrorCode::kBadData);
  const auto vocabulary = test::error_of([] { random_checkpoint(small_dimensions(), {.with_vocabulary = true}); });
  EXPECT_EQ(vocabulary.code, ErrorCode::kUnsupported);
  EXPECT_THAT(vocabulary.message, HasSubstr("random weights"));
}

}  // namespace
}  // namespace amanuensis::model
