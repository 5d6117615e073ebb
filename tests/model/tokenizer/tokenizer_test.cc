#include "model/tokenizer/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "model/tokenizer/utf8.h"
#include "model/tokenizer/vocabulary_files.h"

namespace amanuensis::model {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::filesystem::path demo_directory() { return std::filesystem::path(AMANUENSIS_SOURCE_DIR) / "models/demo"; }

const Tokenizer& demo_tokenizer() {
  static const Tokenizer tokenizer(read_vocabulary(demo_directory()));
  return tokenizer;
}

std::string round_trip(const Tokenizer& tokenizer, const std::string& text) {
  return tokenizer.decode(tokenizer.encode(text));
}

TEST(Tokenizer, RoundTripsEveryCodePoint) {
  std::string text;
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    append_utf8(c, text);
    if (c % 7 == 3) text.push_back(' ');
    if (text.size() > 4096) {
      ASSERT_EQ(round_trip(demo_tokenizer(), text), text) << "up to U+" << std::hex << static_cast<unsigned>(c);
      text.clear();
    }
  }
  EXPECT_EQ(round_trip(demo_tokenizer(), text), text);
}

TEST(Tokenizer, RoundTripsRandomBytes) {
  std::mt19937 random(20);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes(random() % 200, '\0');
    // Half of them lean towards bytes of multi-byte characters, so that valid, malformed and cut characters mix.
    for (char& c : bytes) c = static_cast<char>(i % 2 == 0 ? random() % 256 : 0x80 + random() % 0x80);
    ASSERT_EQ(round_trip(demo_tokenizer(), bytes), bytes) << "case " << i;
  }
}

TEST(Tokenizer, EncodesNothingAsNothing) {
  EXPECT_THAT(demo_tokenizer().encode(""), IsEmpty());
  EXPECT_EQ(demo_tokenizer().decode({}), "");
}

// A quadratic merge needs minutes for these; the test's time limit is the assertion.
TEST(Tokenizer, LongWordsTakeLinearTime) {
  for (const std::string& word : {std::string(1'000'000, 'a'), std::string(1'000'000, ' '),
                                  std::string(1'000'000, '\xFF'), std::string(1'000'000, '!')}) {
    ASSERT_EQ(round_trip(demo_tokenizer(), word), word);
  }
  std::string mixed;
  for (unsigned i = 0; i < 100'000; ++i) mixed.push_back(static_cast<char>('a' + i * i % 26));
  EXPECT_EQ(round_trip(demo_tokenizer(), mixed), mixed);
}

TEST(Tokenizer, EncodesFromManyThreads) {
  const std::string text = " the quick brown fox, 12 times; naïve café";
  const std::vector<TokenId> expected = demo_tokenizer().encode(text);
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (int& count : wrong) {
    threads.emplace_back([&count, &text, &expected] {
      for (int i = 0; i < 500; ++i) count += demo_tokenizer().encode(text) != expected ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(wrong, ElementsAre(0, 0, 0, 0));
}

TEST(Tokenizer, FindsSpecialTokensByName) {
  const Tokenizer& tokenizer = demo_tokenizer();
  const Vocabulary vocabulary = read_vocabulary(demo_directory());
  const SpecialTokens& special = tokenizer.special();
  EXPECT_EQ(special.eot, vocabulary.special.at("<|endoftext|>"));
  EXPECT_EQ(special.sot, vocabulary.special.at("<|startoftranscript|>"));
  EXPECT_EQ(special.no_speech, vocabulary.special.at("<|nospeech|>"));
  EXPECT_EQ(special.timestamp_begin, vocabulary.special.at("<|0.00|>"));
  EXPECT_EQ(tokenizer.language_token("en"), vocabulary.special.at("<|en|>"));
  EXPECT_EQ(tokenizer.language_token("xx"), std::nullopt);
  EXPECT_EQ(tokenizer.vocabulary_size(), static_cast<std::size_t>(special.timestamp_end));
}

TEST(Tokenizer, SpecialTokensInTextArePlainText) {
  for (const TokenId id : demo_tokenizer().encode("<|endoftext|><|en|><|0.00|>")) {
    EXPECT_LT(id, demo_tokenizer().special().eot);
  }
}

TEST(Tokenizer, DecodeLeavesSpecialTokensOut) {
  const Tokenizer& tokenizer = demo_tokenizer();
  const SpecialTokens& special = tokenizer.special();
  std::vector<TokenId> tokens = {special.sot, special.timestamp_begin};
  for (const TokenId id : tokenizer.encode(" a word")) tokens.push_back(id);
  tokens.push_back(special.timestamp_begin + 54);
  tokens.push_back(special.eot);
  tokens.push_back(-1);
  tokens.push_back(1 << 30);
  EXPECT_EQ(tokenizer.decode(tokens), " a word");
  EXPECT_EQ(tokenizer.decode_text(tokens), " a word");
  EXPECT_EQ(tokenizer.decode_with_timestamps(tokens), "<|0.00|> a word<|1.08|>");
  EXPECT_TRUE(tokenizer.is_timestamp(special.timestamp_begin));
  EXPECT_FALSE(tokenizer.is_timestamp(special.timestamp_end));
  EXPECT_FALSE(tokenizer.is_timestamp(special.no_timestamps));
  EXPECT_DOUBLE_EQ(tokenizer.timestamp_s(special.timestamp_begin + 54), 1.08);
}

TEST(Tokenizer, BothFileLayoutsGiveTheSameVocabulary) {
  const auto folder = std::filesystem::path(::testing::TempDir()) / "amanuensis_tokenizer_slow_files";
  std::filesystem::create_directories(folder);
  for (const char* name : {"vocab.json", "merges.txt", "added_tokens.json"}) {
    std::filesystem::copy_file(demo_directory() / name, folder / name,
                               std::filesystem::copy_options::overwrite_existing);
  }
  const Vocabulary a = read_vocabulary(demo_directory());
  const Vocabulary b = read_vocabulary(folder);
  EXPECT_EQ(a.tokens, b.tokens);
  EXPECT_EQ(a.merges, b.merges);
  EXPECT_EQ(a.special, b.special);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace amanuensis::model
