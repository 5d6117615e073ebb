#include "decoding/prompt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "base/error.h"
#include "support/small_vocabulary.h"

namespace amanuensis::decoding {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class PromptTest : public testing::Test {
 protected:
  PromptTest() { options_.language = "en"; }

  InitialTokens make(std::size_t text_context = 448) const {
    return make_initial_tokens(options_, tokenizer_, settings_, text_context);
  }
  std::string refused() const {
    try {
      make();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      return error.what();
    }
    return "accepted";
  }
  static std::vector<TokenId> ascending(std::size_t count) {
    std::vector<TokenId> tokens(count);
    std::iota(tokens.begin(), tokens.end(), 0);
    for (TokenId& id : tokens) id %= 200;
    return tokens;
  }

  const model::Tokenizer tokenizer_ = test::small_tokenizer();
  const model::SpecialTokens& special_ = tokenizer_.special();
  const TokenId english_ = *tokenizer_.language_token("en");
  model::GenerationSettings settings_ = test::multilingual_settings();
  DecodingOptions options_;
};

TEST_F(PromptTest, NamesLanguageAndTask) {
  EXPECT_THAT(make().tokens, ElementsAre(special_.sot, english_, special_.transcribe));
  options_.task = Task::kTranslate;
  options_.without_timestamps = true;
  options_.language = "zh";
  EXPECT_THAT(make().tokens, ElementsAre(special_.sot, english_ + 1, special_.translate, special_.no_timestamps));
  EXPECT_EQ(make().sot_index, 0U);
}

TEST_F(PromptTest, AnEnglishOnlyModelIsToldNothing) {
  settings_.is_multilingual = false;
  EXPECT_THAT(make().tokens, ElementsAre(special_.sot));
  options_.task = Task::kTranslate;
  EXPECT_THAT(refused(), HasSubstr("cannot translate"));
  options_.task = Task::kTranscribe;
  options_.language = "zh";
  EXPECT_THAT(refused(), HasSubstr("'zh'"));
}

TEST_F(PromptTest, AnUnknownLanguageIsAnErrorThatListsTheKnownOnes) {
  options_.language = "fr";
  EXPECT_THAT(refused(), HasSubstr("no language 'fr'; it knows en, zh"));
}

TEST_F(PromptTest, PreviousTextIsCutToItsLastHalfContext) {
  options_.prompt = ascending(300);
  const InitialTokens initial = make();
  ASSERT_EQ(initial.tokens.size(), 1 + 223 + 3U);
  EXPECT_EQ(initial.sot_index, 224U);
  EXPECT_EQ(initial.tokens[0], special_.sot_prev);
  EXPECT_EQ(initial.tokens[1], options_.prompt[300 - 223]);
  EXPECT_EQ(initial.tokens[223], options_.prompt[299]);
  EXPECT_EQ(initial.tokens[224], special_.sot);
}

TEST_F(PromptTest, HotwordsGoBeforeThePreviousTextUnlessThereIsAPrefix) {
  options_.hotwords = {50, 51};
  options_.prompt = {60};
  EXPECT_THAT(make().tokens, ElementsAre(special_.sot_prev, 50, 51, 60, special_.sot, english_, special_.transcribe));
  options_.prompt.clear();
  EXPECT_THAT(make().tokens, ElementsAre(special_.sot_prev, 50, 51, special_.sot, english_, special_.transcribe));
  options_.prefix = {70};
  EXPECT_THAT(make().tokens, ElementsAre(special_.sot, english_, special_.transcribe, 70));
}

TEST_F(PromptTest, LongHotwordsAndLongTextLeaveRoomToSample) {
  options_.hotwords = ascending(300);
  options_.prompt = ascending(300);
  const InitialTokens initial = make();
  EXPECT_EQ(initial.tokens.size(), 336U);
  EXPECT_EQ(initial.tokens[1], options_.hotwords.front()) << "hotwords are cut at their end";
  EXPECT_EQ(initial.tokens[223], options_.hotwords[222]);
  EXPECT_EQ(initial.tokens[initial.sot_index - 1], options_.prompt.back());
}

TEST_F(PromptTest, APrefixIsCutToWhatSamplingLeaves) {
  options_.prefix = {70, 71, 72, 73};
  EXPECT_EQ(make().tokens.size(), 7U) << "all of it with the default sample length, as in the reference";
  options_.sample_length = 222;
  EXPECT_THAT(make().tokens, ElementsAre(special_.sot, english_, special_.transcribe, 72, 73));
  options_.sample_length = 227;  // Python's values[3:]
  EXPECT_THAT(make().tokens, ElementsAre(special_.sot, english_, special_.transcribe, 73));
}

TEST_F(PromptTest, APrefixThatFillsTheContextIsRefused) {
  options_.prefix = ascending(500);
  EXPECT_THAT(refused(), HasSubstr("503 of the decoder's 448 positions"));
}

TEST(PythonTail, IsPythonsSlice) {
  const std::vector<TokenId> values = {1, 2, 3};
  const auto tail = [&values](std::ptrdiff_t n) {
    const auto t = python_tail(values, n);
    return std::vector<TokenId>(t.begin(), t.end());
  };
  EXPECT_THAT(tail(2), ElementsAre(2, 3));
  EXPECT_THAT(tail(9), ElementsAre(1, 2, 3));
  EXPECT_THAT(tail(0), ElementsAre(1, 2, 3));
  EXPECT_THAT(tail(-1), ElementsAre(2, 3));
  EXPECT_TRUE(tail(-9).empty());
}

}  // namespace
}  // namespace amanuensis::decoding
