#include "decoding/logit_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/error.h"
#include "scripted_logits.h"
#include "support/small_vocabulary.h"

namespace amanuensis::decoding {
namespace {

using testing::ElementsAre;
using testing::IsSupersetOf;

// Ten text tokens (0 is a blank), 10 eot, 11 notimestamps, then time tokens 12 ... 19.
LogitRules small_rules() {
  LogitRules rules;
  rules.suppress_first = {0, 10};
  rules.eot = 10;
  rules.no_timestamps = 11;
  rules.timestamp_begin = 12;
  rules.vocabulary_size = 20;
  return rules;
}

// What may follow `sampled` when every token is as likely as every other, and text a little likelier than time.
std::vector<TokenId> allowed_after(const LogitRules& rules, const std::vector<TokenId>& sampled) {
  std::vector<float> logits(rules.vocabulary_size, -20.0F);
  for (std::size_t i = 0; i < static_cast<std::size_t>(rules.timestamp_begin); ++i) logits[i] = 0.0F;
  apply_logit_rules(rules, sampled, logits);
  std::vector<TokenId> allowed;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (std::isfinite(logits[i])) allowed.push_back(static_cast<TokenId>(i));
  }
  return allowed;
}

TEST(LogitRules, TheFirstTokenIsAnEarlyTimeToken) {
  LogitRules rules = small_rules();
  rules.max_initial_timestamp_index = 2;
  EXPECT_THAT(allowed_after(rules, {}), ElementsAre(12, 13, 14));
  rules.max_initial_timestamp_index.reset();
  EXPECT_EQ(allowed_after(rules, {}).size(), 8U);
  rules.max_initial_timestamp_index = 1000;
  EXPECT_EQ(allowed_after(rules, {}).size(), 8U);
}

TEST(LogitRules, BlankAndEndAreForbiddenOnlyAtFirst) {
  LogitRules rules = small_rules();
  rules.timestamps = false;
  EXPECT_THAT(allowed_after(rules, {}), testing::Not(testing::Contains(0)));
  EXPECT_THAT(allowed_after(rules, {}), testing::Not(testing::Contains(10)));
  EXPECT_THAT(allowed_after(rules, {1}), IsSupersetOf({0, 10, 11}));
}

TEST(LogitRules, TextFollowsTheTimeThatBeginsASegment) {
  EXPECT_THAT(allowed_after(small_rules(), {13}), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
  EXPECT_THAT(allowed_after(small_rules(), {13, 1, 15, 15}), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
}

TEST(LogitRules, AfterTheTimeThatEndsASegmentComesAnotherTimeOrTheEnd) {
  EXPECT_THAT(allowed_after(small_rules(), {13, 1, 15}), ElementsAre(10, 15, 16, 17, 18, 19));
  EXPECT_THAT(allowed_after(small_rules(), {13, 1, 19}), ElementsAre(10, 19));
}

TEST(LogitRules, TimeGoesOnAndNoSegmentIsEmpty) {
  EXPECT_THAT(allowed_after(small_rules(), {13, 1}),
              ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 14, 15, 16, 17, 18, 19));
  EXPECT_THAT(allowed_after(small_rules(), {13, 1, 15, 17, 2}), testing::Not(testing::Contains(17)));
}

TEST(LogitRules, TimeTokensAreTakenWhenTogetherTheyAreLikelier) {
  const LogitRules rules = small_rules();
  std::vector<float> logits(20, -1.0F);
  logits[4] = 0.5F;  // log(6 * exp(-1)) = 0.79 for the six time tokens left
  apply_logit_rules(rules, std::vector<TokenId>{13, 1}, logits);
  EXPECT_FALSE(std::isfinite(logits[4]));
  EXPECT_TRUE(std::isfinite(logits[14]));
  std::vector<float> other(20, -1.0F);
  other[4] = 0.9F;
  apply_logit_rules(rules, std::vector<TokenId>{13, 1}, other);
  EXPECT_TRUE(std::isfinite(other[4]));
}

TEST(LogitRules, PaddingBeyondTheVocabularyIsNeverSampled) {
  const LogitRules rules = small_rules();
  std::vector<float> logits(24, 0.0F);
  apply_logit_rules(rules, std::vector<TokenId>{13, 1}, logits);
  for (std::size_t i = 20; i < 24; ++i) EXPECT_FALSE(std::isfinite(logits[i])) << i;
}

TEST(LogitRules, AllowWhatTheReferenceAllows) {
  const nlohmann::json golden = test::read_golden("decoding_rules.json");
  for (const nlohmann::json& c : golden.at("cases")) {
    const LogitRules rules = golden_rules(golden, c.at("timestamps"), c.at("max_initial"));
    const auto sampled = c.at("sampled").get<std::vector<TokenId>>();
    auto logits = scripted_logits(c.at("name"), sampled, rules.vocabulary_size, rules.eot);
    apply_logit_rules(rules, sampled, logits);
    std::vector<TokenId> allowed;
    for (std::size_t i = 0; i < logits.size(); ++i) {
      if (std::isfinite(logits[i])) allowed.push_back(static_cast<TokenId>(i));
    }
    EXPECT_EQ(allowed, c.at("allowed").get<std::vector<TokenId>>()) << c.dump();
  }
}

TEST(SuppressTokens, MinusOneStandsForTheCheckpointsListAndControlTokensAreAlwaysAdded) {
  const model::Tokenizer tokenizer = test::small_tokenizer();
  const model::SpecialTokens& special = tokenizer.special();
  model::GenerationSettings settings = test::multilingual_settings();
  settings.suppress_tokens = {5, 9};
  const std::vector<TokenId> own = resolve_suppress_tokens(std::vector<TokenId>{-1, 70}, tokenizer, settings);
  EXPECT_THAT(own, testing::UnorderedElementsAre(5, 9, 70, special.transcribe, special.translate, special.sot,
                                                 special.sot_prev, special.sot_lm, special.no_speech));
  EXPECT_TRUE(std::is_sorted(own.begin(), own.end()));

  const std::vector<TokenId> explicit_only = resolve_suppress_tokens(std::vector<TokenId>{70}, tokenizer, settings);
  EXPECT_THAT(explicit_only, testing::Not(testing::Contains(5)));
  EXPECT_THAT(explicit_only, testing::Contains(special.sot));

  EXPECT_TRUE(resolve_suppress_tokens({}, tokenizer, settings).empty());
}

TEST(SuppressTokens, MinusOneMeansSymbolsThatAreNotSpeechWhenTheCheckpointHasNoList) {
  const model::Tokenizer tokenizer = test::small_tokenizer();
  const auto tokens = resolve_suppress_tokens(std::vector<TokenId>{-1}, tokenizer, test::multilingual_settings());
  for (const TokenId id : tokenizer.non_speech_tokens()) EXPECT_THAT(tokens, testing::Contains(id));
}

TEST(SuppressTokens, AnUnknownTokenIsNamed) {
  const model::Tokenizer tokenizer = test::small_tokenizer();
  try {
    resolve_suppress_tokens(std::vector<TokenId>{99999}, tokenizer, test::multilingual_settings());
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.what(), testing::HasSubstr("99999"));
  }
}

TEST(MakeLogitRules, FollowsTheOptions) {
  const model::Tokenizer tokenizer = test::small_tokenizer();
  model::GenerationSettings settings = test::multilingual_settings();
  DecodingOptions options;
  LogitRules rules = make_logit_rules(options, tokenizer, settings);
  EXPECT_EQ(rules.max_initial_timestamp_index, 50U);
  EXPECT_THAT(rules.suppress_first, ElementsAre(' ', tokenizer.special().eot));
  EXPECT_TRUE(rules.timestamps);

  settings.begin_suppress_tokens = {1, 2};
  options.max_initial_timestamp_s = 0.0;
  options.without_timestamps = true;
  rules = make_logit_rules(options, tokenizer, settings);
  EXPECT_THAT(rules.suppress_first, ElementsAre(1, 2));
  EXPECT_FALSE(rules.max_initial_timestamp_index.has_value());
  EXPECT_FALSE(rules.timestamps);

  options.suppress_blank = false;
  EXPECT_TRUE(make_logit_rules(options, tokenizer, settings).suppress_first.empty());
}

TEST(Guards, RepetitionIsPenalisedOnceAndByTheLogitsSign) {
  std::vector<float> logits = {1.0F, 2.0F, -3.0F, 0.0F, 4.0F};
  penalise_repetition(2.0, std::vector<TokenId>{1, 2, 1, 1, 3, 99, -1}, logits);
  EXPECT_THAT(logits, ElementsAre(1.0F, 1.0F, -6.0F, 0.0F, 4.0F));
  penalise_repetition(0.5, std::vector<TokenId>{4, 2}, logits);
  EXPECT_THAT(logits, ElementsAre(1.0F, 1.0F, -3.0F, 0.0F, 8.0F)) << "below 1, repetition is encouraged";
}

TEST(Guards, ASuppressedTokenStaysSuppressed) {
  const float forbidden = -std::numeric_limits<float>::infinity();
  std::vector<float> logits = {forbidden, 1.0F};
  penalise_repetition(1.5, std::vector<TokenId>{0}, logits);
  EXPECT_EQ(logits[0], forbidden);
}

std::vector<TokenId> forbidden_by_ngrams(std::size_t size, const std::vector<TokenId>& sampled) {
  std::vector<float> logits(10, 0.0F);
  forbid_repeated_ngrams(size, sampled, logits);
  std::vector<TokenId> forbidden;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (!std::isfinite(logits[i])) forbidden.push_back(static_cast<TokenId>(i));
  }
  return forbidden;
}

TEST(Guards, ARunOfTokensDoesNotComeTwice) {
  EXPECT_THAT(forbidden_by_ngrams(3, {1, 2, 3, 1, 2}), ElementsAre(3));
  EXPECT_THAT(forbidden_by_ngrams(3, {1, 2, 3, 1, 2, 4, 1, 2}), ElementsAre(3, 4));
  EXPECT_THAT(forbidden_by_ngrams(3, {5, 5, 5}), ElementsAre(5)) << "runs may overlap";
  EXPECT_THAT(forbidden_by_ngrams(2, {7, 8, 7}), ElementsAre(8));
  EXPECT_THAT(forbidden_by_ngrams(1, {7, 8, 7}), ElementsAre(7, 8));
}

TEST(Guards, WithoutARepeatedRunEverythingMayCome) {
  EXPECT_THAT(forbidden_by_ngrams(3, {1, 2, 3, 2, 1}), ElementsAre());
  EXPECT_THAT(forbidden_by_ngrams(3, {1, 2}), ElementsAre());
  EXPECT_THAT(forbidden_by_ngrams(3, {}), ElementsAre());
  EXPECT_THAT(forbidden_by_ngrams(0, {1, 1, 1}), ElementsAre());
  EXPECT_THAT(forbidden_by_ngrams(2, {99, 98, 99}), ElementsAre()) << "beyond the row";
}

TEST(Guards, AreAppliedWithTheOtherRules) {
  LogitRules rules = small_rules();
  rules.timestamps = false;
  rules.no_repeat_ngram_size = 2;
  EXPECT_THAT(allowed_after(rules, {3, 4, 3}), testing::Not(testing::Contains(4)));
  rules = small_rules();
  rules.timestamps = false;
  rules.repetition_penalty = 4.0;
  std::vector<float> logits(20, 1.0F);
  apply_logit_rules(rules, std::vector<TokenId>{5}, logits);
  EXPECT_EQ(logits[5], 0.25F);
  EXPECT_EQ(logits[6], 1.0F);
}

TEST(Guards, APenaltyMustBePositive) {
  const model::Tokenizer tokenizer = test::small_tokenizer();
  for (const double penalty :
       {0.0, -1.0, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    DecodingOptions options;
    options.repetition_penalty = penalty;
    EXPECT_THROW(make_logit_rules(options, tokenizer, test::multilingual_settings()), Error) << penalty;
  }
}

}  // namespace
}  // namespace amanuensis::decoding
