#include "model/whisper/whisper_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "model/whisper/weights.h"
#include "support/checkpoint_builder.h"
#include "support/cpu_machine.h"
#include "support/error_of.h"
#include "support/hashed_model.h"
#include "support/temp_folder.h"

namespace amanuensis::model {
namespace {

using test::CpuMachine;
using test::error_of;
using test::HashedModel;
using testing::HasSubstr;

// Odd sizes on purpose: heads differ between encoder and decoder, the window is short, the decoder shallow.
ModelDimensions odd_dimensions() {
  return {.n_mels = 80,
          .n_audio_ctx = 75,
          .n_audio_state = 96,
          .n_audio_head = 2,
          .n_audio_layer = 3,
          .n_audio_ffn = 200,
          .n_vocab = 777,
          .n_text_ctx = 40,
          .n_text_state = 96,
          .n_text_head = 3,
          .n_text_layer = 1,
          .n_text_ffn = 136};
}

class WhisperModelTest : public testing::Test {
 protected:
  WhisperModelTest() : hashed_(odd_dimensions()), model_(hashed_.checkpoint(), machine_.backend()) {
    for (const char* name : {"mel.0", "mel.1", "mel.2", "mel.3", "mel.4"}) {
      mels_.push_back(test::hashed_mel(name, 80, 150));
    }
  }

  TensorView<const float> mel(std::size_t i) const { return mels_[i].matrix(80, 150); }
  std::shared_ptr<const EncodedWindow> window(std::size_t i) const {
    const std::vector<TensorView<const float>> one = {mel(i)};
    return model_.encode(one)[0];
  }
  // Logits of all tokens, fed at once to a new sequence.
  AlignedBuffer<float> all_logits(std::size_t window_index, const std::vector<TokenId>& tokens) const {
    DecoderSequence sequence = model_.new_sequence(window(window_index));
    AlignedBuffer<float> logits(tokens.size() * 777);
    decode_one(sequence, tokens, logits.matrix(tokens.size(), 777));
    return logits;
  }
  void decode_one(DecoderSequence& sequence, std::span<const TokenId> tokens, TensorView<float> logits) const {
    const std::vector<DecodeItem> items = {{&sequence, tokens, logits}};
    model_.decode(items);
  }

  CpuMachine machine_;
  HashedModel hashed_;
  WhisperModel model_;
  std::vector<AlignedBuffer<float>> mels_;
};

void expect_near(std::span<const float> actual, std::span<const float> expected, const std::string& what) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) ASSERT_NEAR(actual[i], expected[i], 2e-5) << what << " at " << i;
}

// --- equality -----------------------------------------------------------------------------------------------------

TEST_F(WhisperModelTest, ABatchOfWindowsGivesWhatEachGivesAlone) {
  const std::vector<TensorView<const float>> all = {mel(0), mel(1), mel(2), mel(3), mel(4)};  // more than one pass
  const auto windows = model_.encode(all);
  ASSERT_EQ(windows.size(), all.size());
  const std::vector<TokenId> tokens = {5, 700, 3};
  for (std::size_t i = 0; i < all.size(); ++i) {
    DecoderSequence sequence = model_.new_sequence(windows[i]);
    AlignedBuffer<float> logits(tokens.size() * 777);
    decode_one(sequence, tokens, logits.matrix(tokens.size(), 777));
    expect_near(logits.span(), all_logits(i, tokens).span(), "window " + std::to_string(i));
  }
  EXPECT_GT(std::abs(all_logits(0, tokens)[0] - all_logits(1, tokens)[0]), 1e-3) << "the windows should matter";
}

TEST_F(WhisperModelTest, ABatchOfSequencesOfDifferentLengthsGivesWhatEachGivesAlone) {
  const std::vector<std::vector<TokenId>> before = {{}, {1, 2, 3, 4, 5, 6, 7}, {9}, {700, 701, 702}};
  const std::vector<std::vector<TokenId>> now = {{10, 11, 12}, {8}, {13, 14}, {15}};
  const std::vector<std::size_t> of_window = {0, 1, 1, 2};
  const auto first = window(0);
  const std::vector<std::shared_ptr<const EncodedWindow>> windows = {first, window(1), window(2)};

  std::vector<DecoderSequence> sequences;
  AlignedBuffer<float> ignored(777);
  for (std::size_t i = 0; i < before.size(); ++i) {
    sequences.push_back(model_.new_sequence(windows[of_window[i]]));
    if (!before[i].empty()) decode_one(sequences[i], before[i], ignored.matrix(1, 777));
  }
  // The second wants every row, and the views are scattered.
  std::vector<AlignedBuffer<float>> logits;
  for (const std::size_t rows : {1, 1, 2, 1}) logits.emplace_back(rows * 777);
  std::vector<DecodeItem> items;
  for (std::size_t i = 0; i < now.size(); ++i) {
    items.push_back({&sequences[i], now[i], logits[i].matrix(logits[i].size() / 777, 777)});
  }
  model_.decode(items);

  for (std::size_t i = 0; i < now.size(); ++i) {
    std::vector<TokenId> tokens = before[i];
    tokens.insert(tokens.end(), now[i].begin(), now[i].end());
    EXPECT_EQ(sequences[i].length(), tokens.size());
    const AlignedBuffer<float> alone = all_logits(of_window[i], tokens);
    expect_near(logits[i].span(), alone.span().last(logits[i].size()), "sequence " + std::to_string(i));
  }
}

TEST_F(WhisperModelTest, LogitsMayLieRowByRowInOneMatrixOrInAnyOrder) {
  const std::vector<TokenId> a = {1, 2};
  const std::vector<TokenId> b = {3};
  const std::vector<TokenId> c = {4};
  const auto shared = window(0);
  // One matrix with a stride, its rows reversed, and gaps of different sizes.
  const std::vector<std::vector<std::size_t>> places = {{0, 1, 2}, {2, 1, 0}, {0, 1, 3}, {0, 2, 4}};
  for (const std::vector<std::size_t>& place : places) {
    AlignedBuffer<float> memory(5 * 800);
    const TensorView<float> rows(memory.data(), 5, 777, 800);
    std::vector<DecoderSequence> sequences;
    std::vector<DecodeItem> items;
    sequences.reserve(3);
    for (int i = 0; i < 3; ++i) sequences.push_back(model_.new_sequence(shared));
    for (std::size_t i = 0; i < 3; ++i) {
      items.push_back({&sequences[i], i == 0 ? a : i == 1 ? b : c, rows.rows_at(place[i], 1)});
    }
    model_.decode(items);
    expect_near(rows.row(place[0]), all_logits(0, a).span().last(777), "a");
    expect_near(rows.row(place[1]), all_logits(0, b).span(), "b");
    expect_near(rows.row(place[2]), all_logits(0, c).span(), "c");
    for (std::size_t r = 0; r < 5; ++r) {
      for (std::size_t i = 777; i < 800; ++i) ASSERT_EQ(memory[r * 800 + i], 0.0F) << "written past a row";
    }
  }
}

TEST_F(WhisperModelTest, TruncatedAndCopiedSequencesGoOnAsTheirTokensSay) {
  const auto shared = window(0);
  DecoderSequence original = model_.new_sequence(shared);
  DecoderSequence copy = model_.new_sequence(shared);
  AlignedBuffer<float> logits(777);
  const std::vector<TokenId> start = {1, 2, 3, 4};
  const std::vector<TokenId> other = {9, 8};
  decode_one(original, start, logits.matrix(1, 777));
  decode_one(copy, other, logits.matrix(1, 777));
  model_.copy_sequence(copy, original);
  EXPECT_EQ(copy.length(), 4U);
  original.truncate(2);

  const std::vector<TokenId> next = {50};
  decode_one(original, next, logits.matrix(1, 777));
  expect_near(logits.span(), all_logits(0, {1, 2, 50}).span().last(777), "truncated");
  decode_one(copy, next, logits.matrix(1, 777));
  expect_near(logits.span(), all_logits(0, {1, 2, 3, 4, 50}).span().last(777), "copied");
}

TEST_F(WhisperModelTest, EncoderOutputDependsOnlyOnItsWindow) {
  const AlignedBuffer<float> before = model_.encoder_output(mel(1));
  model_.encoder_output(mel(2));
  const AlignedBuffer<float> after = model_.encoder_output(mel(1));
  EXPECT_TRUE(std::ranges::equal(before.span(), after.span()));
}

TEST_F(WhisperModelTest, NothingToDoIsDone) {
  EXPECT_TRUE(model_.encode({}).empty());
  model_.decode({});
}

// --- errors -------------------------------------------------------------------------------------------------------

TEST_F(WhisperModelTest, AWindowOfAnotherShapeIsRejected) {
  const AlignedBuffer<float> wide = test::hashed_mel("mel.0", 128, 150);
  const auto bands = error_of([&] { model_.encoder_output(wide.matrix(128, 150)); });
  EXPECT_EQ(bands.code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(bands.message, HasSubstr("[128, 150]"));
  EXPECT_THAT(bands.message, HasSubstr("[80, 150]"));
  const std::vector<TensorView<const float>> mixed = {mel(0), mel(1).cols_at(0, 149)};
  EXPECT_EQ(error_of([&] { model_.encode(mixed); }).code, ErrorCode::kInvalidArgument);
}

TEST_F(WhisperModelTest, TokensOutsideTheVocabularyAreRejectedAndChangeNothing) {
  DecoderSequence sequence = model_.new_sequence(window(0));
  AlignedBuffer<float> logits(777);
  for (const TokenId bad : {-1, 777, std::numeric_limits<TokenId>::max(), std::numeric_limits<TokenId>::min()}) {
    const std::vector<TokenId> tokens = {1, bad};
    const auto thrown = error_of([&] { decode_one(sequence, tokens, logits.matrix(1, 777)); });
    EXPECT_EQ(thrown.code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(thrown.message, HasSubstr(std::to_string(bad)));
    EXPECT_EQ(sequence.length(), 0U);
  }
}

TEST_F(WhisperModelTest, TheTextContextCanBeFilledButNotExceeded) {
  DecoderSequence sequence = model_.new_sequence(window(0));
  AlignedBuffer<float> logits(777);
  decode_one(sequence, std::vector<TokenId>(39, 5), logits.matrix(1, 777));
  EXPECT_EQ(error_of([&] { decode_one(sequence, std::vector<TokenId>(2, 5), logits.matrix(1, 777)); }).code,
            ErrorCode::kInvalidArgument);
  decode_one(sequence, std::vector<TokenId>(1, 5), logits.matrix(1, 777));
  EXPECT_EQ(sequence.length(), 40U);
  const auto thrown = error_of([&] { decode_one(sequence, std::vector<TokenId>(1, 5), logits.matrix(1, 777)); });
  EXPECT_EQ(thrown.code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(thrown.message, HasSubstr("40"));
}

TEST_F(WhisperModelTest, ItemsThatMakeNoSenseAreRejected) {
  DecoderSequence sequence = model_.new_sequence(window(0));
  AlignedBuffer<float> memory(3 * 777);
  const TensorView<float> row = memory.matrix(1, 777);
  const std::vector<TokenId> tokens = {1, 2, 3};
  const auto code_of = [&](std::vector<DecodeItem> items) { return error_of([&] { model_.decode(items); }).code; };
  EXPECT_EQ(code_of({{nullptr, tokens, row}}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of({{&sequence, {}, row}}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of({{&sequence, tokens, memory.matrix(2, 777)}}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of({{&sequence, tokens, memory.matrix(1, 776)}}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of({{&sequence, tokens, {}}}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of({{&sequence, tokens, row}, {&sequence, tokens, row}}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(sequence.length(), 0U);
}

TEST_F(WhisperModelTest, SequencesAreTruncatedAndCopiedOnlyWhereThatMakesSense) {
  DecoderSequence sequence = model_.new_sequence(window(0));
  DecoderSequence other = model_.new_sequence(window(1));
  EXPECT_EQ(error_of([&] { sequence.truncate(1); }).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(error_of([&] { model_.copy_sequence(sequence, other); }).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(error_of([&] { model_.new_sequence(nullptr); }).code, ErrorCode::kInvalidArgument);
  model_.copy_sequence(sequence, sequence);
}

TEST_F(WhisperModelTest, AWindowOfAnotherModelIsRejected) {
  ModelDimensions dims = odd_dimensions();
  dims.n_text_layer = 2;
  const HashedModel hashed(dims);
  const WhisperModel deeper(hashed.checkpoint(), machine_.backend());
  EXPECT_EQ(error_of([&] { deeper.new_sequence(window(0)); }).code, ErrorCode::kInvalidArgument);
  DecoderSequence sequence = model_.new_sequence(window(0));
  const std::vector<TokenId> tokens = {1};
  AlignedBuffer<float> logits(777);
  const std::vector<DecodeItem> items = {{&sequence, tokens, logits.matrix(1, 777)}};
  EXPECT_EQ(error_of([&] { deeper.decode(items); }).code, ErrorCode::kInvalidArgument);
}

// --- loading ------------------------------------------------------------------------------------------------------

TEST(WhisperWeights, AValueThatIsNotFiniteIsAnErrorThatNamesTheTensor) {
  CpuMachine machine;
  for (const ExpectedTensor& tensor : expected_tensors(odd_dimensions())) {
    HashedModel hashed(odd_dimensions());
    const std::span<float> values = hashed.values(tensor.name);
    values[values.size() / 2] =
        tensor.shape.size() == 1 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
    const auto thrown = error_of([&] { const WhisperModel model(hashed.checkpoint(), machine.backend()); });
    EXPECT_EQ(thrown.code, ErrorCode::kBadData) << tensor.name;
    EXPECT_THAT(thrown.message, HasSubstr(tensor.name));
  }
}

TEST(WhisperWeights, AMissingTensorIsAnErrorThatNamesItExceptForTheSinusoids) {
  CpuMachine machine;
  HashedModel hashed(odd_dimensions());
  for (const ExpectedTensor& tensor : expected_tensors(odd_dimensions())) {
    auto node = hashed.checkpoint().tensors.extract(tensor.name);
    const auto thrown = error_of([&] { const WhisperModel model(hashed.checkpoint(), machine.backend()); });
    if (tensor.name == "encoder.positional_embedding") {
      EXPECT_FALSE(thrown.code);
    } else {
      EXPECT_EQ(thrown.code, ErrorCode::kBadData) << tensor.name;
      EXPECT_THAT(thrown.message, HasSubstr(tensor.name));
    }
    hashed.checkpoint().tensors.insert(std::move(node));
  }
}

TEST(WhisperWeights, DimensionsThatDoNotFitTogetherAreRejected) {
  CpuMachine machine;
  for (const auto spoil : {+[](ModelDimensions& d) { d.n_text_head = 5; }, +[](ModelDimensions& d) { d.n_vocab = 0; },
                           +[](ModelDimensions& d) { d.n_text_state = 48; }}) {
    HashedModel hashed(odd_dimensions());
    spoil(hashed.checkpoint().dims);
    EXPECT_EQ(error_of([&] { const WhisperModel model(hashed.checkpoint(), machine.backend()); }).code,
              ErrorCode::kBadData);
  }
}

// openai/whisper computes its table in float32: whisper.model.sinusoids(1500, 384) at these places.
TEST(WhisperWeights, SinusoidPositionsAreThoseOfTheReference) {
  const std::vector<float> table = sinusoid_positions(1500, 384);
  const auto at = [&](std::size_t position, std::size_t column) { return table[position * 384 + column]; };
  EXPECT_EQ(at(0, 0), 0.0F);
  EXPECT_EQ(at(0, 192), 1.0F);
  EXPECT_NEAR(at(1, 0), 0.84147096, 2e-4);
  EXPECT_NEAR(at(1, 191), 0.00010000, 2e-4);
  EXPECT_NEAR(at(37, 5), -0.71641809, 2e-4);
  EXPECT_NEAR(at(37, 197), -0.69767118, 2e-4);
  EXPECT_NEAR(at(1499, 0), -0.44422069, 2e-4);
  EXPECT_NEAR(at(1499, 100), -0.47981352, 2e-4);
  EXPECT_NEAR(at(1499, 383), 0.98878604, 2e-4);
}

// --- whole checkpoints --------------------------------------------------------------------------------------------

TEST(WhisperCheckpoints, EveryFormatGivesTheSameModel) {
  CpuMachine machine;
  const test::TempFolder folder;
  test::write_huggingface(folder.path() / "hf", {.seed = 7});
  test::write_huggingface(folder.path() / "sharded", {.seed = 7, .shards = 3, .model_prefix = false});
  test::GgmlOptions ggml;
  ggml.seed = 7;
  ggml.type = StorageType::kF32;
  test::write_file(folder.path() / "ggml.bin", test::ggml_file(ggml));
  const AlignedBuffer<float> mel = test::hashed_mel("mel.0", 80, 3000);
  const std::vector<TensorView<const float>> windows = {mel.matrix(80, 3000)};
  std::vector<AlignedBuffer<float>> logits;
  for (const char* name : {"hf", "sharded", "ggml.bin"}) {
    const WhisperModel model(open_checkpoint(folder.path() / name), machine.backend());
    DecoderSequence sequence = model.new_sequence(model.encode(windows)[0]);
    const std::vector<TokenId> tokens = {257, 258, 261};
    AlignedBuffer<float>& out = logits.emplace_back(model.dims().n_vocab);
    const std::vector<DecodeItem> items = {{&sequence, tokens, out.matrix(1, out.size())}};
    model.decode(items);
  }
  EXPECT_TRUE(std::ranges::equal(logits[0].span(), logits[1].span()));
  expect_near(logits[2].span(), logits[0].span(), "ggml");
}

TEST(WhisperCheckpoints, TheDemoCheckpointRuns) {
  const std::filesystem::path path = std::filesystem::path(AMANUENSIS_SOURCE_DIR) / "models/demo";
  CpuMachine machine;
  const WhisperModel model(open_checkpoint(path), machine.backend());
  const ModelDimensions& dims = model.dims();
  const AlignedBuffer<float> silence(dims.n_mels * dims.window_frames());
  const std::vector<TensorView<const float>> windows = {silence.matrix(dims.n_mels, dims.window_frames())};
  DecoderSequence sequence = model.new_sequence(model.encode(windows)[0]);
  const std::vector<TokenId> tokens = {0};
  AlignedBuffer<float> logits(dims.n_vocab);
  const std::vector<DecodeItem> items = {{&sequence, tokens, logits.matrix(1, dims.n_vocab)}};
  model.decode(items);
  EXPECT_TRUE(std::ranges::all_of(logits.span(), [](float value) { return std::isfinite(value); }));
}

}  // namespace
}  // namespace amanuensis::model
