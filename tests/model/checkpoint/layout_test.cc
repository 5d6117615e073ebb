#include "model/checkpoint/layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "model/checkpoint/huggingface_config.h"
#include "model/checkpoint/published_sizes.h"
#include "support/checkpoint_builder.h"
#include "support/error_of.h"
#include "support/temp_folder.h"

namespace amanuensis::model {
namespace {

using ::testing::HasSubstr;

std::map<std::string, std::vector<std::size_t>> shapes_of(const ModelDimensions& dims) {
  std::map<std::string, std::vector<std::size_t>> shapes;
  for (const ExpectedTensor& tensor : expected_tensors(dims)) shapes[tensor.name] = tensor.shape;
  return shapes;
}

TEST(Layout, ExpectsExactlyTheStateOfTheReferenceImplementation) {
  const auto path = std::filesystem::path(AMANUENSIS_SOURCE_DIR) / "tests/goldens/checkpoints/state.json";
  for (const auto& model : nlohmann::json::parse(test::read_file(path))) {
    const auto& d = model["dims"];
    const auto get = [&](const char* name) { return d[name].get<std::size_t>(); };
    const ModelDimensions dims = {.n_mels = get("n_mels"),
                                  .n_audio_ctx = get("n_audio_ctx"),
                                  .n_audio_state = get("n_audio_state"),
                                  .n_audio_head = get("n_audio_head"),
                                  .n_audio_layer = get("n_audio_layer"),
                                  .n_audio_ffn = 4 * get("n_audio_state"),
                                  .n_vocab = get("n_vocab"),
                                  .n_text_ctx = get("n_text_ctx"),
                                  .n_text_state = get("n_text_state"),
                                  .n_text_head = get("n_text_head"),
                                  .n_text_layer = get("n_text_layer"),
                                  .n_text_ffn = 4 * get("n_text_state")};
    EXPECT_EQ(shapes_of(dims), (model["tensors"].get<std::map<std::string, std::vector<std::size_t>>>()));
  }
}

TEST(Layout, EveryPublishedSizeIsReadFromItsConfigAndHasTheRightNumberOfTensors) {
  // Parameters of the published models, counted from their checkpoints; the encoder's sinusoids among them.
  const std::map<std::string_view, double> millions = {
      {"tiny", 37.8},       {"base", 72.6},       {"small", 241.7},          {"medium", 763.9},
      {"large-v2", 1543.3}, {"large-v3", 1543.5}, {"large-v3-turbo", 808.9}, {"distil-large-v3", 756.4}};
  for (const PublishedSize& size : published_sizes()) {
    const JsonDocument config(test::huggingface_config(size.dims).dump(), "config.json");
    EXPECT_EQ(read_huggingface_dimensions(config), size.dims) << size.name;
    EXPECT_EQ(published_name(size.dims), size.name);
    const std::vector<ExpectedTensor> tensors = expected_tensors(size.dims);
    EXPECT_EQ(tensors.size(), 5 + 15 * size.dims.n_audio_layer + 2 + 2 + 24 * size.dims.n_text_layer + 2) << size.name;
    double parameters = 0;
    for (const ExpectedTensor& tensor : tensors) {
      double count = 1;
      for (const std::size_t extent : tensor.shape) count *= static_cast<double>(extent);
      parameters += count;
    }
    const auto known = millions.find(size.name);
    if (known != millions.end()) {
      EXPECT_NEAR(parameters / 1e6, known->second, 0.06) << size.name;
    }
  }
}

TEST(Layout, RefusesDimensionsThatCannotBe) {
  const auto refused = [](std::size_t ModelDimensions::*field, std::size_t value) {
    ModelDimensions dims = test::small_dimensions();
    dims.*field = value;
    return test::error_of([&] { check_dimensions(dims, "config.json", Naming::kHuggingFace); });
  };
  EXPECT_FALSE(refused(&ModelDimensions::n_mels, 128).code);
  for (const std::size_t value : {std::size_t{0}, std::size_t{1} << 40, ~std::size_t{0}}) {
    EXPECT_THAT(refused(&ModelDimensions::n_audio_layer, value).message, HasSubstr("config.json: encoder_layers is"));
    EXPECT_THAT(refused(&ModelDimensions::n_vocab, value).message, HasSubstr("config.json: vocab_size is"));
    EXPECT_THAT(refused(&ModelDimensions::n_text_head, value).message, HasSubstr("decoder_attention_heads is"));
  }
  EXPECT_THAT(refused(&ModelDimensions::n_text_head, 3).message,
              HasSubstr("3 decoder attention heads do not divide a width of 32"));
  EXPECT_THAT(refused(&ModelDimensions::n_text_state, 64).message, HasSubstr("expected the same"));
}

// Tensors of some model without values, as a file would declare them.
std::vector<Tensor> declared(const ModelDimensions& dims) {
  std::vector<Tensor> tensors;
  for (const ExpectedTensor& tensor : expected_tensors(dims)) {
    tensors.push_back({"model." + tensor.huggingface_name, "model.safetensors", StorageType::kF16, tensor.shape, {}});
  }
  return tensors;
}

test::ThrownError place(const ModelDimensions& dims, const std::vector<Tensor>& tensors) {
  return test::error_of([&] {
    Checkpoint checkpoint;
    checkpoint.dims = dims;
    place_tensors(checkpoint, tensors, {"config.json", "model.safetensors", Naming::kHuggingFace});
  });
}

const ModelDimensions& published(std::string_view name) {
  for (const PublishedSize& size : published_sizes()) {
    if (size.name == name) return size.dims;
  }
  throw std::invalid_argument("no such size");
}

TEST(Layout, SaysWhichModelTheWeightsBelongTo) {
  ModelDimensions stated = published("large-v3");
  stated.n_mels = 80;
  EXPECT_EQ(
      place(stated, declared(published("large-v3"))).message,
      "model.safetensors: tensor 'model.encoder.conv1.weight' has shape [1280, 128, 3], expected [1280, 80, 3]\n"
      "  (config.json says num_mel_bins = 80, the weights have 128; this looks like the weights of a large-v3 model)");
  EXPECT_THAT(
      place(published("base"), declared(published("small"))).message,
      HasSubstr("config.json says d_model = 512, the weights have 768; this looks like the weights of a small model"));
  EXPECT_THAT(place(published("large-v3-turbo"), declared(published("large-v3"))).message,
              HasSubstr("config.json says decoder_layers = 4, the weights have 32"));
  const test::ThrownError shallow = place(published("large-v3"), declared(published("large-v3-turbo")));
  EXPECT_EQ(shallow.code, ErrorCode::kBadData);
  EXPECT_THAT(shallow.message, HasSubstr("tensor 'model.decoder.layers.4.self_attn.q_proj.weight' is missing\n"));
  EXPECT_THAT(shallow.message, HasSubstr("looks like the weights of a large-v3-turbo model"));
}

TEST(Layout, EveryMissingTensorIsNamed) {
  const ModelDimensions dims = test::small_dimensions();
  const std::vector<Tensor> all = declared(dims);
  EXPECT_FALSE(place(dims, all).code);
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::vector<Tensor> some = all;
    some.erase(some.begin() + static_cast<std::ptrdiff_t>(i));
    const test::ThrownError error = place(dims, some);
    if (all[i].source_name == "model.encoder.embed_positions.weight") {
      EXPECT_FALSE(error.code) << "sinusoids can be computed";
    } else {
      EXPECT_THAT(error.message, HasSubstr("tensor '" + all[i].source_name + "' is missing"));
    }
    some = all;
    some[i].shape.back() += 1;
    EXPECT_THAT(place(dims, some).message, HasSubstr("tensor '" + all[i].source_name + "' has shape ["));
  }
}

TEST(Layout, RefusesTensorsThatAreThereTwiceAndLayersThatAreNotExpected) {
  const ModelDimensions dims = test::small_dimensions();
  std::vector<Tensor> tensors = declared(dims);
  tensors.push_back(tensors.front());
  tensors.back().source_name = "encoder.conv1.weight";
  EXPECT_THAT(place(dims, tensors).message, HasSubstr("tensor 'encoder.conv1.weight' is there twice"));

  tensors = declared(dims);
  tensors.push_back({"model.encoder.layers.0.self_attn.k_proj.bias", "model.safetensors", StorageType::kF16, {32}, {}});
  EXPECT_THAT(place(dims, tensors).message, HasSubstr("k_proj.bias' belongs to no layer of this model"));

  tensors = declared(dims);
  tensors.push_back({"proj_out.weight", "model.safetensors", StorageType::kF16, {2, 2}, {}});
  EXPECT_FALSE(place(dims, tensors).code) << "what a model does not use is left out";
}

}  // namespace
}  // namespace amanuensis::model
