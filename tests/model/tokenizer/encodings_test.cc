// Encodings against other implementations: tiktoken with OpenAI's vocabularies, and Hugging Face tokenizers with a
// small one of our own. tools/goldens/tokenizer.py makes the goldens.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "model/tokenizer/tiktoken_reader.h"
#include "model/tokenizer/tokenizer.h"
#include "model/tokenizer/vocabulary_files.h"

namespace amanuensis::model {
namespace {

std::filesystem::path golden_folder() {
  return std::filesystem::path(AMANUENSIS_SOURCE_DIR) / "tests/goldens/tokenizer";
}

nlohmann::json read_golden(const std::filesystem::path& name) {
  std::ifstream file(golden_folder() / name);
  return nlohmann::json::parse(file);
}

// Each row of the golden is [text, ids...]; `column` names the ids to compare with.
void expect_encodings(const Tokenizer& tokenizer, const nlohmann::json& rows, std::size_t column) {
  for (const nlohmann::json& row : rows) {
    const auto text = row[0].get<std::string>();
    const auto expected = row[column].get<std::vector<TokenId>>();
    EXPECT_EQ(tokenizer.encode(text), expected) << "of " << row[0].dump();
    EXPECT_EQ(tokenizer.decode(expected), text);
  }
}

class TiktokenEncodings : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(assets_)) GTEST_SKIP() << "no " << assets_ << ": OpenAI's vocabularies are not here";
  }
  std::filesystem::path assets_ = std::filesystem::path(AMANUENSIS_SHARED_DATA) / "whisper-assets";
};

TEST_F(TiktokenEncodings, Multilingual) {
  const nlohmann::json golden = read_golden("tiktoken.json");
  ASSERT_EQ(golden["strings"].size(), 1000);
  const Tokenizer tokenizer(read_tiktoken(assets_ / "multilingual.tiktoken", 99));
  EXPECT_EQ(tokenizer.vocabulary_size(), 51865);
  EXPECT_EQ(tokenizer.languages().size(), 99);
  EXPECT_EQ(tokenizer.special().no_timestamps, 50363);
  expect_encodings(tokenizer, golden["strings"], 1);
  EXPECT_EQ(tokenizer.non_speech_tokens(), golden["non_speech_multilingual"].get<std::vector<TokenId>>());
}

TEST_F(TiktokenEncodings, EnglishOnly) {
  const nlohmann::json golden = read_golden("tiktoken.json");
  const Tokenizer tokenizer(read_tiktoken(assets_ / "gpt2.tiktoken", 99));
  EXPECT_EQ(tokenizer.vocabulary_size(), 51864);
  EXPECT_EQ(tokenizer.special().eot, 50256);
  expect_encodings(tokenizer, golden["strings"], 2);
  EXPECT_EQ(tokenizer.non_speech_tokens(), golden["non_speech_gpt2"].get<std::vector<TokenId>>());
}

TEST_F(TiktokenEncodings, LargeV3HasCantonese) {
  const Tokenizer tokenizer(read_tiktoken(assets_ / "multilingual.tiktoken", 100));
  EXPECT_EQ(tokenizer.vocabulary_size(), 51866);
  EXPECT_EQ(tokenizer.language_token("yue"), 50358);
  EXPECT_EQ(tokenizer.special().timestamp_begin, 50365);
}

TEST(TinyVocabulary, EncodesAsHuggingFaceTokenizers) {
  const Tokenizer tokenizer(read_vocabulary(golden_folder() / "tiny"));
  const nlohmann::json golden = read_golden("tiny/encodings.json");
  ASSERT_GE(golden["strings"].size(), 300);
  expect_encodings(tokenizer, golden["strings"], 1);
}

TEST(TinyVocabulary, FindsLanguagesNoCaptionsAndAShortWindow) {
  const Tokenizer tokenizer(read_vocabulary(golden_folder() / "tiny"));
  EXPECT_EQ(tokenizer.special().no_speech, 909);
  ASSERT_EQ(tokenizer.languages().size(), 3);
  EXPECT_EQ(tokenizer.languages()[1].code, "de");
  EXPECT_EQ(tokenizer.special().timestamp_end - tokenizer.special().timestamp_begin, 11);
}

// A checkpoint without merges (ggml) merges by the id of the result. Ids of a trained vocabulary follow its merges.
TEST(TinyVocabulary, WithoutMergesTheIdsDecide) {
  Vocabulary vocabulary = read_vocabulary(golden_folder() / "tiny");
  vocabulary.merges.clear();
  expect_encodings(Tokenizer(std::move(vocabulary)), read_golden("tiny/encodings.json")["strings"], 1);
}

}  // namespace
}  // namespace amanuensis::model
