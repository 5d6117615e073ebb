#include "model/checkpoint/ggml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "model/checkpoint/checkpoint.h"
#include "model/checkpoint/published_sizes.h"
#include "model/tokenizer/tokenizer.h"
#include "support/checkpoint_builder.h"
#include "support/error_of.h"
#include "support/temp_folder.h"

namespace amanuensis::model {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Checkpoint parse(const std::string& file) { return parse_ggml(std::as_bytes(std::span(file)), "m.bin"); }

test::ThrownError error_of_file(const std::string& file) {
  return test::error_of([&] { parse(file); });
}

// Positions of fields in the file: the magic number is field 0, n_vocab 1, and so on; ftype is 11.
std::string with_field(std::string file, std::size_t field, std::int32_t value) {
  std::memcpy(file.data() + 4 * field, &value, sizeof(value));
  return file;
}

TEST(Ggml, EveryTypeGivesTheSameWeights) {
  const std::pair<StorageType, double> types[] = {{StorageType::kF32, 0},          {StorageType::kF16, 0x1p-11},
                                                  {StorageType::kQ8_0, 1.0 / 200}, {StorageType::kQ5_0, 1.0 / 28},
                                                  {StorageType::kQ5_1, 1.0 / 28},  {StorageType::kQ4_0, 1.0 / 13},
                                                  {StorageType::kQ4_1, 1.0 / 13}};
  for (const auto& [type, error] : types) {
    const test::TempFolder folder;
    const auto path = folder.write("ggml-small.bin", test::ggml_file({.seed = 4, .type = type}));
    const Checkpoint checkpoint = open_checkpoint(path);
    EXPECT_EQ(checkpoint.format, std::string("ggml ").append(to_string(type)));
    EXPECT_EQ(checkpoint.dims, test::small_dimensions());
    for (const test::WeightValues& w : test::random_weights(checkpoint.dims, 4)) {
      const auto matrix = checkpoint.matrix(w.name, w.shape);
      float largest = 0;
      for (const float value : w.values) largest = std::max(largest, std::fabs(value));
      std::vector<float> row(matrix->cols());
      for (std::size_t r = 0; r < matrix->rows(); ++r) {
        matrix->read_row(r, row);
        for (std::size_t c = 0; c < row.size(); ++c) {
          ASSERT_NEAR(row[c], w.values[r * row.size() + c], largest * error) << w.name << " " << r << " " << c;
        }
      }
    }
  }
}

TEST(Ggml, KeepsTheMelFilters) {
  const std::string file = test::ggml_file({});
  const Checkpoint checkpoint = parse(file);
  ASSERT_EQ(checkpoint.mel_filters.size(), 80u * 201);
  EXPECT_EQ(checkpoint.mel_filters[12345], 12345 * 1e-4f);
}

TEST(Ggml, NamesSpecialTokensByTheLayoutWhenTheFileHoldsOrdinaryOnes) {
  const std::string file = test::ggml_file({});
  const Checkpoint checkpoint = parse(file);
  EXPECT_TRUE(checkpoint.generation.is_multilingual);
  EXPECT_TRUE(checkpoint.generation.suppress_tokens.empty());
  EXPECT_EQ(checkpoint.generation.begin_suppress_tokens, (std::vector<TokenId>{' ', 256}));
  const Tokenizer tokenizer(checkpoint.vocabulary);
  EXPECT_EQ(tokenizer.special().eot, 256);
  EXPECT_EQ(tokenizer.language_token("en"), 258);
  EXPECT_EQ(tokenizer.language_token("zh"), 259);
  EXPECT_EQ(tokenizer.special().no_timestamps, 265);
  EXPECT_EQ(tokenizer.special().timestamp_begin, 266);
  EXPECT_EQ(tokenizer.special().timestamp_end, 1767);
  EXPECT_EQ(tokenizer.decode(std::vector<TokenId>{'o', 'k'}), "ok");
}

// The vocabularies of the published models, over tokens of our own; only the header is needed.
struct PublishedLayout {
  std::size_t n_vocab;
  std::size_t ordinary;
  TokenId sot, translate, no_timestamps, timestamp_begin;
  std::size_t languages;
  bool multilingual;
};

TEST(Ggml, KnowsThePublishedVocabularies) {
  const PublishedLayout layouts[] = {{51864, 50256, 50257, 50357, 50362, 50363, 99, false},
                                     {51865, 50257, 50258, 50358, 50363, 50364, 99, true},
                                     {51866, 50257, 50258, 50359, 50364, 50365, 100, true}};
  for (const PublishedLayout& layout : layouts) {
    for (const bool with_end_of_text : {false, true}) {
      test::GgmlOptions options;
      options.dims.n_vocab = layout.n_vocab;
      for (std::size_t id = 0; id < layout.ordinary; ++id) {
        options.tokens.push_back(id < 256 ? std::string(1, static_cast<char>(id)) : "token" + std::to_string(id));
      }
      if (with_end_of_text) options.tokens.emplace_back("<|endoftext|>");
      const std::string file = test::ggml_file(options);
      const Checkpoint checkpoint = parse(file);
      EXPECT_EQ(checkpoint.generation.is_multilingual, layout.multilingual);
      const Tokenizer tokenizer(checkpoint.vocabulary);
      EXPECT_EQ(tokenizer.special().eot, layout.sot - 1);
      EXPECT_EQ(tokenizer.special().sot, layout.sot);
      EXPECT_EQ(tokenizer.special().translate, layout.translate);
      EXPECT_EQ(tokenizer.special().no_timestamps, layout.no_timestamps);
      EXPECT_EQ(tokenizer.special().timestamp_begin, layout.timestamp_begin);
      EXPECT_EQ(tokenizer.languages().size(), layout.languages);
      EXPECT_EQ(tokenizer.languages().back().code, layout.languages == 100 ? "yue" : "su");
      EXPECT_EQ(tokenizer.vocabulary_size(), layout.n_vocab);
    }
  }
}

TEST(Ggml, ReadsSpecialTokensFromTheFileWhenItHoldsThem) {
  std::vector<std::string> bytes;
  for (unsigned byte = 0; byte < 256; ++byte) bytes.emplace_back(1, static_cast<char>(byte));
  test::GgmlOptions whisper;
  whisper.tokens = bytes;
  std::ranges::copy(test::small_special_tokens(), std::back_inserter(whisper.tokens));
  test::GgmlOptions bracketed;
  bracketed.tokens = bytes;
  for (const char* name : {"[_EOT_]", "[_SOT_]", "[_LANG_en]", "[_LANG_zh]", "[_TRANSLATE_]", "[_TRANSCRIBE_]",
                           "[_SOLM_]", "[_PREV_]", "[_NOSP_]", "[_NOT_]", "[_BEG_]"}) {
    bracketed.tokens.emplace_back(name);
  }
  for (int i = 1; i <= 1500; ++i) bracketed.tokens.push_back("[_TT_" + std::to_string(i) + "]");
  for (const test::GgmlOptions& options : {whisper, bracketed}) {
    const std::string file = test::ggml_file(options);
    const Tokenizer tokenizer(parse(file).vocabulary);
    EXPECT_EQ(tokenizer.special().sot, 257);
    EXPECT_EQ(tokenizer.language_token("zh"), 259);
    EXPECT_EQ(tokenizer.special().timestamp_begin, 266);
    EXPECT_EQ(tokenizer.special().timestamp_end, 1767);
  }
  bracketed.tokens.back() = "[_TT_1]";
  EXPECT_THAT(error_of_file(test::ggml_file(bracketed)).message, HasSubstr("special token '<|0.02|>' twice"));
}

TEST(Ggml, EveryTruncationIsAnError) {
  const std::string file = test::ggml_file({});
  EXPECT_FALSE(error_of_file(file).code);
  // Byte by byte where the file's parts meet, in strides elsewhere.
  const std::size_t header = test::ggml_header({}).size();
  for (std::size_t size = 0; size < file.size();) {
    const test::ThrownError error = error_of_file(file.substr(0, size));
    ASSERT_TRUE(error.code == ErrorCode::kBadData) << size << " " << error.message;
    ASSERT_THAT(error.message, StartsWith("m.bin: ")) << size;
    const bool at_a_seam = size < 100 || (size + 50 > header && size < header + 100);
    size += at_a_seam ? 1 : std::min<std::size_t>(997, size < header ? header - 49 - size : 997);
  }
  EXPECT_THAT(error_of_file(file.substr(0, file.size() - 1)).message,
              HasSubstr("m.bin: ends inside tensor 'decoder.ln.bias': 127 bytes are left"));
  EXPECT_THAT(error_of_file(file + "12").message, HasSubstr("ends inside the tensor after 'decoder.ln.bias'"));
}

TEST(Ggml, HeadersThatCannotBe) {
  const std::string file = test::ggml_file({});
  EXPECT_THAT(error_of_file(with_field(file, 0, 42)).message, HasSubstr("does not begin with the magic number"));
  for (std::size_t field = 1; field <= 10; ++field) {
    for (const std::int32_t value :
         {0, -1, std::numeric_limits<std::int32_t>::max(), std::numeric_limits<std::int32_t>::min()}) {
      const test::ThrownError error = error_of_file(with_field(file, field, value));
      EXPECT_EQ(error.code, ErrorCode::kBadData) << field << " " << value;
      EXPECT_THAT(error.message, AllOf(StartsWith("m.bin: n_"), HasSubstr("expected"))) << field << " " << value;
    }
  }
  for (const std::int32_t type : {-1, 4, 12, 1012, 42}) {
    const test::ThrownError error = error_of_file(with_field(file, 11, type));
    EXPECT_EQ(error.code, ErrorCode::kUnsupported) << type;
    EXPECT_THAT(error.message, HasSubstr("f32, f16, q4_0, q4_1, q5_0, q5_1 and q8_0 are read"));
  }
  EXPECT_THAT(error_of_file(with_field(file, 12, 128)).message,
              HasSubstr("has mel filters of [128, 201], expected [80, 201]"));
  EXPECT_THAT(error_of_file(with_field(file, 13, -201)).message, HasSubstr("mel filters of [80, -201]"));
  EXPECT_THAT(error_of_file(with_field(file, 14 + 80 * 201, -1)).message, HasSubstr("the number of tokens is -1"));
  EXPECT_THAT(error_of_file(with_field(file, 14 + 80 * 201, 2000)).message, HasSubstr("the number of tokens is 2000"));
  EXPECT_THAT(error_of_file(with_field(file, 15 + 80 * 201, 1 << 30)).message, HasSubstr("the length of a token is"));
  EXPECT_EQ(error_of_file(with_field(file, 1, 2000)).code, ErrorCode::kUnsupported) << "235 languages";
}

TEST(Ggml, TensorsThatCannotBe) {
  const std::string header = test::ggml_header({});
  const std::vector<test::GgmlTensor> good = test::ggml_tensors({});
  const auto with_first = [&](const test::GgmlTensor& first) {
    std::string file = header + test::ggml_tensor_record(first);
    for (std::size_t i = 1; i < good.size(); ++i) file += test::ggml_tensor_record(good[i]);
    return error_of_file(file);
  };
  EXPECT_FALSE(with_first(good[0]).code);
  test::GgmlTensor bad = good[0];
  bad.type = 12;
  EXPECT_THAT(with_first(bad).message, HasSubstr("tensor 'encoder.conv1.weight' has ggml type 12"));
  bad.type = 2;
  EXPECT_THAT(with_first(bad).message,
              HasSubstr("tensor 'encoder.conv1.weight' of shape [32, 80, 3] cannot be stored as q4_0"));
  bad = good[0];
  bad.shape = {3, 80, -32};
  EXPECT_THAT(with_first(bad).message, HasSubstr("an extent is -32"));
  bad.shape.assign(4, std::numeric_limits<std::int32_t>::max());
  EXPECT_THAT(with_first(bad).message, HasSubstr("cannot be stored as f16"));
  bad.shape.assign(5, 1);
  EXPECT_THAT(with_first(bad).message, HasSubstr("the first tensor: its number of dimensions is 5"));
  bad.shape = {3, 40, 64};
  EXPECT_THAT(with_first(bad).message, HasSubstr("has shape [64, 40, 3], expected [32, 80, 3]"));
  bad = good[0];
  bad.name = std::string(300, 'n');
  EXPECT_THAT(with_first(bad).message, HasSubstr("the length of its name is 300"));
  EXPECT_THAT(with_first(good[1]).message, HasSubstr("tensor 'encoder.conv1.bias' is there twice"));
  bad.name = "encoder.conv9.weight";
  EXPECT_THAT(with_first(bad).message, HasSubstr("tensor 'encoder.conv1.weight' is missing"));
  EXPECT_THAT(error_of_file(header).message, HasSubstr("m.bin: tensor 'encoder.conv1.weight' is missing"));
}

TEST(Ggml, SaysWhichModelTheWeightsBelongTo) {
  test::GgmlOptions options;
  options.dims.n_text_layer = 2;
  const std::string file = test::ggml_file(options);
  EXPECT_THAT(
      error_of_file(with_field(file, 9, 1)).message,
      HasSubstr("belongs to no layer of this model\n  (the file's header says n_text_layer = 1, the weights have 2)"));
}

TEST(Ggml, ReadsAFileOfAnotherWriter) {
  // tools/goldens/checkpoint_seeds.py writes it for the fuzzer, from the format's description alone.
  const std::string file = test::read_file(std::string(AMANUENSIS_SOURCE_DIR) + "/fuzz/corpus/ggml/whole.bin");
  const Checkpoint checkpoint = parse(file);
  EXPECT_EQ(checkpoint.dims.n_vocab, 1511u);
  EXPECT_EQ(checkpoint.vector("encoder.blocks.0.mlp.0.bias", 8), std::vector<float>(8, 0.5f));
  EXPECT_EQ(checkpoint.vocabulary.special.at("<|0.00|>"), 10);
}

TEST(Ggml, OtherFormatsOfGgml) {
  const test::TempFolder folder;
  const auto message = [&](std::string_view content) {
    return test::error_of([&] { open_checkpoint(folder.write("model.bin", content)); }).message;
  };
  EXPECT_THAT(message("GGUF----------"), HasSubstr("model.bin: is a GGUF file"));
  EXPECT_THAT(message("tjgg----------"), HasSubstr("'ggjt'"));
  EXPECT_THAT(message(""), HasSubstr("is empty"));
}

}  // namespace
}  // namespace amanuensis::model
