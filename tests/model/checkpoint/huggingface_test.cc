#include "model/checkpoint/huggingface.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "model/checkpoint/checkpoint.h"
#include "model/tokenizer/tokenizer.h"
#include "support/checkpoint_builder.h"
#include "support/error_of.h"
#include "support/temp_folder.h"

namespace amanuensis::model {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const fs::path kGoldens = fs::path(AMANUENSIS_SOURCE_DIR) / "tests/goldens/checkpoints";

test::ThrownError error_of_opening(const fs::path& path) {
  return test::error_of([&] { open_checkpoint(path); });
}

// Every tensor equals the builder's values, up to the rounding of the storage type.
void expect_weights(const Checkpoint& checkpoint, std::uint32_t seed, double relative_error) {
  for (const test::WeightValues& w : test::random_weights(checkpoint.dims, seed)) {
    const std::unique_ptr<device::MatrixSource> matrix = checkpoint.matrix(w.name, w.shape);
    ASSERT_EQ(matrix->rows() * matrix->cols(), w.values.size());
    std::vector<float> row(matrix->cols());
    for (std::size_t r = 0; r < matrix->rows(); ++r) {
      matrix->read_row(r, row);
      for (std::size_t c = 0; c < row.size(); ++c) {
        const float expected = w.values[r * row.size() + c];
        ASSERT_NEAR(row[c], expected, std::fabs(expected) * relative_error + 1e-7) << w.name << " " << r << " " << c;
      }
    }
  }
}

TEST(HuggingFace, OpensTheBundledModel) {
  const Checkpoint checkpoint = open_checkpoint(fs::path(AMANUENSIS_SOURCE_DIR) / "models" / "demo");
  EXPECT_EQ(checkpoint.format, "safetensors");
  EXPECT_EQ(checkpoint.dims.n_mels, 80u);
  EXPECT_TRUE(checkpoint.generation.is_multilingual);
  EXPECT_FALSE(checkpoint.generation.suppress_tokens.empty());
  EXPECT_TRUE(checkpoint.has("decoder.blocks.0.cross_attn.key.weight"));
  EXPECT_TRUE(checkpoint.mel_filters.empty());
  const std::size_t state = checkpoint.dims.n_audio_state;
  EXPECT_EQ(checkpoint.vector("encoder.ln_post.weight", state).size(), state);
}

TEST(HuggingFace, ReadsWhatTransformersWrites) {
  const test::TempFolder folder;
  fs::copy(kGoldens / "transformers", folder.path(), fs::copy_options::recursive);
  folder.write("tokenizer.json", test::small_tokenizer_json().dump());
  const Checkpoint checkpoint = open_checkpoint(folder.path());
  EXPECT_EQ(checkpoint.dims.n_audio_layer, 2u);
  EXPECT_EQ(checkpoint.dims.n_text_layer, 3u);
  EXPECT_EQ(checkpoint.dims.n_text_head, 4u);
  EXPECT_EQ(checkpoint.dims.window_frames(), 20u);
  EXPECT_EQ(checkpoint.generation.suppress_tokens, (std::vector<TokenId>{1, 2, 7}));
  EXPECT_EQ(checkpoint.generation.begin_suppress_tokens, (std::vector<TokenId>{32, 256}));
  EXPECT_EQ(checkpoint.generation.alignment_heads, (std::vector<std::pair<std::size_t, std::size_t>>{{0, 1}, {2, 3}}));
  const auto golden = nlohmann::json::parse(test::read_file(kGoldens / "transformers.json"));
  EXPECT_EQ(checkpoint.tensors.size(), golden.size());
  for (const auto& [name, expected] : golden.items()) {
    const Tensor& tensor = checkpoint.tensor(name, expected["shape"].get<std::vector<std::size_t>>());
    std::vector<float> values(tensor.element_count());
    read_values(tensor, 0, values);
    const auto first = expected["first"].get<std::vector<std::uint32_t>>();
    const auto last = expected["last"].get<std::vector<std::uint32_t>>();
    for (std::size_t i = 0; i < first.size(); ++i) {
      EXPECT_EQ(std::bit_cast<std::uint32_t>(values[i]), first[i]) << name;
    }
    for (std::size_t i = 0; i < last.size(); ++i) {
      EXPECT_EQ(std::bit_cast<std::uint32_t>(values[values.size() - last.size() + i]), last[i]) << name;
    }
  }
}

TEST(HuggingFace, EveryTypePrefixAndNumberOfShardsGivesTheSameWeights) {
  for (const auto& [type, error] : {std::pair{StorageType::kF32, 0.0}, std::pair{StorageType::kF16, 0x1p-11},
                                    std::pair{StorageType::kBF16, 0x1p-8}}) {
    for (const bool prefix : {true, false}) {
      for (const std::size_t shards : {1, 3}) {
        const test::TempFolder folder;
        test::write_huggingface(folder.path(), {.seed = 3, .type = type, .shards = shards, .model_prefix = prefix});
        const Checkpoint checkpoint = open_checkpoint(folder.path());
        EXPECT_EQ(checkpoint.dims, test::small_dimensions());
        EXPECT_EQ(checkpoint.files.size(), shards);
        expect_weights(checkpoint, 3, error);
      }
    }
  }
}

TEST(HuggingFace, FollowsTheLinksOfAHubSnapshot) {
  const test::TempFolder folder;
  test::write_huggingface(folder.path() / "blobs", {});
  fs::create_directories(folder.path() / "snapshots" / "abc");
  for (const auto& entry : fs::directory_iterator(folder.path() / "blobs")) {
    fs::create_symlink(fs::path("../../blobs") / entry.path().filename(),
                       folder.path() / "snapshots" / "abc" / entry.path().filename());
  }
  EXPECT_FALSE(open_checkpoint(folder.path() / "snapshots" / "abc").tensors.empty());
  fs::remove(folder.path() / "blobs" / "model.safetensors");
  EXPECT_THAT(error_of_opening(folder.path() / "snapshots" / "abc").message,
              HasSubstr("model.safetensors: is a link to a file that is not there; the download is incomplete"));
}

TEST(HuggingFace, DerivesWhatAnAbsentGenerationConfigWouldSay) {
  const test::TempFolder folder;
  test::write_huggingface(folder.path(), {});
  const Checkpoint derived = open_checkpoint(folder.path());
  EXPECT_TRUE(derived.generation.is_multilingual);
  EXPECT_TRUE(derived.generation.suppress_tokens.empty());
  EXPECT_EQ(derived.generation.begin_suppress_tokens, (std::vector<TokenId>{' ', 256}));
  EXPECT_TRUE(derived.generation.alignment_heads.empty());

  // Older checkpoints keep the lists in config.json; ids and heads beyond the model's are of no use.
  nlohmann::json config = test::huggingface_config(test::small_dimensions());
  config["suppress_tokens"] = {3, -1, 999999};
  folder.write("config.json", config.dump());
  EXPECT_EQ(open_checkpoint(folder.path()).generation.suppress_tokens, std::vector<TokenId>{3});
  folder.write("generation_config.json", R"({"alignment_heads": [[0, 1], [10, 12]], "suppress_tokens": null,
                                             "is_multilingual": false, "max_initial_timestamp_index": 1})");
  const GenerationSettings settings = open_checkpoint(folder.path()).generation;
  EXPECT_EQ(settings.alignment_heads, (std::vector<std::pair<std::size_t, std::size_t>>{{0, 1}}));
  EXPECT_EQ(settings.suppress_tokens, std::vector<TokenId>{3});
  EXPECT_FALSE(settings.is_multilingual);
  EXPECT_EQ(settings.max_initial_timestamp_index, 1u);
}

TEST(HuggingFace, CompletesTokenizersWithoutTimeTokens) {
  const test::TempFolder folder;
  test::write_huggingface(folder.path(), {});
  nlohmann::json tokenizer = test::small_tokenizer_json();
  tokenizer["added_tokens"].erase(tokenizer["added_tokens"].begin() + 10, tokenizer["added_tokens"].end());
  folder.write("tokenizer.json", tokenizer.dump());
  const Tokenizer completed(open_checkpoint(folder.path()).vocabulary);
  EXPECT_EQ(completed.special().timestamp_begin, 266);
  EXPECT_EQ(completed.special().timestamp_end, 1767);
}

TEST(HuggingFace, ConfigsThatCannotBe) {
  const test::TempFolder folder;
  test::write_huggingface(folder.path(), {});
  const nlohmann::json good = test::huggingface_config(test::small_dimensions());
  const auto with = [&](const char* field, const nlohmann::json& value) {
    nlohmann::json config = good;
    config[field] = value;
    folder.write("config.json", config.dump());
    const test::ThrownError error = error_of_opening(folder.path());
    EXPECT_TRUE(error.code.has_value()) << field << " = " << value;
    EXPECT_THAT(error.message, StartsWith((folder.path() / "config.json").string() + ": ")) << field;
    return error.message;
  };
  EXPECT_THAT(with("encoder_layers", 0), HasSubstr("encoder_layers is 0, expected 1 to"));
  EXPECT_THAT(with("encoder_layers", 4294967296), HasSubstr("encoder_layers is 4294967296"));
  EXPECT_THAT(with("d_model", std::numeric_limits<std::uint64_t>::max()), HasSubstr("d_model is 18446744073709551615"));
  EXPECT_THAT(with("vocab_size", -5), HasSubstr("'vocab_size' is not a whole number"));
  EXPECT_THAT(with("vocab_size", "many"), HasSubstr("'vocab_size' is not a whole number"));
  EXPECT_THAT(with("vocab_size", 3.5), HasSubstr("'vocab_size' is not a whole number"));
  EXPECT_THAT(with("num_mel_bins", nullptr), HasSubstr("'num_mel_bins' is missing"));
  EXPECT_THAT(with("decoder_attention_heads", 5), HasSubstr("5 decoder attention heads do not divide a width of 32"));
  EXPECT_THAT(with("model_type", "bert"), HasSubstr("model_type is 'bert'; only Whisper models are read"));
  EXPECT_THAT(with("activation_function", "relu"), HasSubstr("activation_function is 'relu'"));
  EXPECT_THAT(with("scale_embedding", true), HasSubstr("scale_embedding is true"));

  folder.write("config.json", "<html>404</html>");
  EXPECT_THAT(error_of_opening(folder.path()).message, HasSubstr("config.json: is a web page"));
  folder.write("config.json", "\n " + good.dump(1));
  EXPECT_FALSE(error_of_opening(folder.path()).code);
  folder.write("config.json", "[]");
  EXPECT_THAT(error_of_opening(folder.path()).message, HasSubstr("config.json: is not a JSON object"));
  folder.write("config.json", "");
  EXPECT_THAT(error_of_opening(folder.path()).message, HasSubstr("config.json: is empty"));
  folder.write("config.json", good.dump().substr(0, 50));
  EXPECT_THAT(error_of_opening(folder.path()).message, HasSubstr("config.json: is not valid JSON"));
}

TEST(HuggingFace, OtherFilesThatContradictTheConfig) {
  const test::TempFolder folder;
  test::write_huggingface(folder.path(), {});
  folder.write("preprocessor_config.json", R"({"feature_size": 128, "n_fft": 400, "hop_length": 160})");
  EXPECT_THAT(error_of_opening(folder.path()).message,
              AllOf(HasSubstr("preprocessor_config.json: feature_size is 128"), HasSubstr("says num_mel_bins = 80")));
  folder.write("preprocessor_config.json", R"({"feature_size": 80, "sampling_rate": 8000})");
  EXPECT_EQ(error_of_opening(folder.path()).code, ErrorCode::kUnsupported);
  fs::remove(folder.path() / "preprocessor_config.json");

  folder.write("generation_config.json", R"({"alignment_heads": [[0]]})");
  EXPECT_THAT(error_of_opening(folder.path()).message,
              HasSubstr("generation_config.json: 'alignment_heads' has an entry"));
  folder.write("generation_config.json", R"({"suppress_tokens": "all"})");
  EXPECT_THAT(error_of_opening(folder.path()).message,
              HasSubstr("generation_config.json: 'suppress_tokens' is not a list of whole numbers"));
  fs::remove(folder.path() / "generation_config.json");

  nlohmann::json tokenizer = test::small_tokenizer_json();
  tokenizer["added_tokens"].push_back({{"id", test::kSmallVocabulary}, {"content", "<|yue|>"}, {"special", true}});
  folder.write("tokenizer.json", tokenizer.dump());
  EXPECT_THAT(error_of_opening(folder.path()).message,
              HasSubstr("vocab_size is 1767, but the tokenizer's '<|yue|>' has id 1767"));
}

TEST(HuggingFace, ShardsThatDoNotMatchTheirIndex) {
  const test::TempFolder folder;
  test::write_huggingface(folder.path(), {.shards = 3});
  const fs::path second = folder.path() / "model-00002-of-00003.safetensors";
  const fs::path index = folder.path() / "model.safetensors.index.json";
  const std::string good = test::read_file(index);
  fs::rename(second, folder.path() / "elsewhere");
  EXPECT_THAT(
      error_of_opening(folder.path()).message,
      AllOf(HasSubstr("model-00002-of-00003.safetensors: is missing, though"), HasSubstr("index.json lists it")));
  fs::rename(folder.path() / "elsewhere", second);

  nlohmann::json edited = nlohmann::json::parse(good);
  edited["weight_map"]["model.extra"] = second.filename().string();
  folder.write(index.filename(), edited.dump());
  EXPECT_THAT(error_of_opening(folder.path()).message,
              HasSubstr("00002-of-00003.safetensors: tensor 'model.extra' is missing"));
  for (const char* name : {"../secret.safetensors", "/etc/passwd", "..", ""}) {
    edited["weight_map"]["model.extra"] = name;
    folder.write(index.filename(), edited.dump());
    EXPECT_THAT(error_of_opening(folder.path()).message, HasSubstr("which is not a file name")) << name;
  }
  folder.write(index.filename(), R"({"weight_map": {}})");
  EXPECT_THAT(error_of_opening(folder.path()).message, HasSubstr("index.json: has no 'weight_map'"));
}

TEST(HuggingFace, FoldersThatAreSomethingElse) {
  const test::TempFolder folder;
  EXPECT_EQ(error_of_opening(folder.path() / "nowhere").code, ErrorCode::kNotFound);
  EXPECT_THAT(error_of_opening(folder.path()).message, HasSubstr("no config.json; this folder is not a Hugging Face"));
  folder.write("ggml-base.bin", "lmgg");
  EXPECT_THAT(error_of_opening(folder.path()).message,
              HasSubstr("It holds ggml-base.bin: name a ggml .bin file itself"));
  fs::remove(folder.path() / "ggml-base.bin");

  test::write_huggingface(folder.path(), {});
  EXPECT_THAT(error_of_opening(folder.path() / "model.safetensors").message, HasSubstr("name its folder instead"));
  fs::remove(folder.path() / "model.safetensors");
  EXPECT_THAT(error_of_opening(folder.path()).message, HasSubstr("the weights are missing"));
  folder.write("pytorch_model.bin", "PK\x03\x04");
  const test::ThrownError pickle = error_of_opening(folder.path());
  EXPECT_EQ(pickle.code, ErrorCode::kUnsupported);
  EXPECT_THAT(pickle.message, AllOf(HasSubstr("holds pytorch_model.bin but no model.safetensors"),
                                    HasSubstr("WhisperForConditionalGeneration.from_pretrained")));
  EXPECT_THAT(error_of_opening(folder.path() / "pytorch_model.bin").message, HasSubstr("is a PyTorch file"));
  folder.write("model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 290403936\n");
  EXPECT_THAT(error_of_opening(folder.path()).message, HasSubstr("model.safetensors: is a Git LFS pointer"));
  EXPECT_THAT(error_of_opening(folder.write("notes.txt", "hello")).message, HasSubstr("is neither a ggml file"));
}

TEST(HuggingFace, NamesTheTensorWhoseValuesAreNotFinite) {
  for (const float bad : {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::quiet_NaN()}) {
    std::vector<test::SafetensorsEntry> entries;
    for (test::WeightValues& w : test::random_weights(test::small_dimensions(), 1)) {
      if (w.name == "decoder.ln.bias" || w.name == "decoder.blocks.0.mlp.0.weight")
        w.values[35 % w.values.size()] = bad;
      entries.push_back({w.huggingface_name, "F16", w.shape, test::encode_values(StorageType::kF16, w.values)});
    }
    const test::TempFolder folder;
    test::write_huggingface(folder.path(), {});
    const std::string file = folder.write("model.safetensors", test::safetensors_file(entries)).string();
    const Checkpoint checkpoint = open_checkpoint(folder.path());  // values are not read when a checkpoint is opened
    EXPECT_THAT(
        test::error_of([&] { checkpoint.vector("decoder.ln.bias", 32); }).message,
        AllOf(StartsWith(file), HasSubstr("tensor 'model.decoder.layer_norm.bias' has a value that is not finite")));
    const std::size_t shape[] = {128, 32};
    const auto matrix = checkpoint.matrix("decoder.blocks.0.mlp.0.weight", shape);
    std::vector<float> row(32);
    matrix->read_row(0, row);
    EXPECT_THAT(test::error_of([&] { matrix->read_row(1, row); }).message,
                AllOf(HasSubstr("model.decoder.layers.0.fc1.weight"), EndsWith("at 35)")));
  }
}

TEST(HuggingFace, RefusesAProjectionOfItsOwn) {
  const auto open_with = [](bool same) {
    std::vector<test::SafetensorsEntry> entries;
    for (const test::WeightValues& w : test::random_weights(test::small_dimensions(), 1)) {
      entries.push_back({w.huggingface_name, "F32", w.shape, test::encode_values(StorageType::kF32, w.values)});
      if (w.name != "decoder.token_embedding.weight") continue;
      entries.push_back(entries.back());
      entries.back().name = "proj_out.weight";
      if (!same) entries.back().bytes[0] ^= 1;
    }
    const test::TempFolder folder;
    test::write_huggingface(folder.path(), {});
    folder.write("model.safetensors", test::safetensors_file(entries));
    nlohmann::json config = test::huggingface_config(test::small_dimensions());
    config["tie_word_embeddings"] = false;
    folder.write("config.json", config.dump());
    return error_of_opening(folder.path());
  };
  EXPECT_FALSE(open_with(true).code);
  EXPECT_EQ(open_with(false).code, ErrorCode::kUnsupported);
}

TEST(HuggingFace, AskingForWhatIsNotThere) {
  const test::TempFolder folder;
  test::write_huggingface(folder.path(), {});
  const Checkpoint checkpoint = open_checkpoint(folder.path());
  EXPECT_THAT(test::error_of([&] { checkpoint.vector("encoder.conv3.bias", 32); }).message,
              HasSubstr("tensor 'encoder.conv3.bias' is missing"));
  EXPECT_THAT(test::error_of([&] { checkpoint.vector("encoder.conv1.bias", 33); }).message,
              HasSubstr("tensor 'model.encoder.conv1.bias' has shape [32], expected [33]"));
}

}  // namespace
}  // namespace amanuensis::model
