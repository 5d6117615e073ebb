#include "decoding/search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <numeric>
#include <optional>
#include <vector>

#include "base/error.h"
#include "scripted_logits.h"

namespace amanuensis::decoding {
namespace {

using testing::ElementsAre;
using testing::FloatNear;

constexpr TokenId kEnd = 3;

void advance(TokenSearch& search, const std::vector<std::vector<float>>& rows) {
  AlignedBuffer<float> logits(rows.size() * rows[0].size());
  for (std::size_t i = 0; i < rows.size(); ++i)
    std::copy(rows[i].begin(), rows[i].end(), logits.data() + i * rows[i].size());
  search.advance(std::as_const(logits).matrix(rows.size(), rows[0].size()));
}

TEST(SampleSearch, GreedyTakesTheBestTokenUntilTheEnd) {
  const auto search = make_sample_search({.eot = kEnd});
  ASSERT_EQ(search->live().size(), 1U);
  advance(*search, {{0, 5, 0, 0}});
  advance(*search, {{4, 0, 0, 1}});
  EXPECT_FALSE(search->complete());
  EXPECT_THAT(search->live()[0].tokens, ElementsAre(1, 0));
  advance(*search, {{0, 0, 0, 2}});
  EXPECT_TRUE(search->complete());
  const auto candidates = search->finish();
  ASSERT_EQ(candidates.size(), 1U);
  EXPECT_THAT(candidates[0].tokens, ElementsAre(1, 0));
  const auto logprob = [](double best, std::vector<double> others) {
    double sum = std::exp(best);
    for (const double x : others) sum += std::exp(x);
    return best - std::log(sum);
  };
  EXPECT_NEAR(candidates[0].sum_logprob, logprob(5, {0, 0, 0}) + logprob(4, {0, 0, 1}) + logprob(2, {0, 0, 0}), 1e-5);
  EXPECT_THAT(candidates[0].token_logprobs, ElementsAre(FloatNear(static_cast<float>(logprob(5, {0, 0, 0})), 1e-5F),
                                                        FloatNear(static_cast<float>(logprob(4, {0, 0, 1})), 1e-5F)));
}

TEST(SampleSearch, SamplesAreIndependentRepeatableAndCompacted) {
  const auto run = [](std::uint64_t seed) {
    const auto search = make_sample_search({.temperature = 1.0, .samples = 6, .seed = seed, .eot = kEnd});
    std::size_t steps = 0;
    while (!search->complete() && ++steps < 50) {
      const std::size_t before = search->live().size();
      advance(*search, std::vector<std::vector<float>>(before, {1, 1, 1, 0.5}));
      EXPECT_EQ(search->sources().size(), search->live().size());
      for (std::size_t i = 0; i < search->sources().size(); ++i) EXPECT_LT(search->sources()[i], before);
    }
    return search->finish();
  };
  const auto first = run(1);
  const auto again = run(1);
  const auto other = run(2);
  ASSERT_EQ(first.size(), 6U);
  bool differs = false;
  bool samples_differ = false;
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(first[i].tokens, again[i].tokens);
    EXPECT_EQ(first[i].sum_logprob, again[i].sum_logprob);
    EXPECT_THAT(first[i].tokens, testing::Not(testing::Contains(kEnd)));
    differs |= first[i].tokens != other[i].tokens;
    samples_differ |= first[i].tokens != first[0].tokens;
  }
  EXPECT_TRUE(differs);
  EXPECT_TRUE(samples_differ);
}

TEST(BeamSearch, KeepsTheBestAndFillsUpWithWhatWasCutOff) {
  const auto search = make_beam_search(2, 1.0, kEnd);
  advance(*search, {{2, 1, 0, -9}});
  ASSERT_EQ(search->live().size(), 2U);
  EXPECT_THAT(search->sources(), ElementsAre(0, 0));
  EXPECT_THAT(search->live()[0].tokens, ElementsAre(0));
  EXPECT_THAT(search->live()[1].tokens, ElementsAre(1));
  // Both best continuations belong to the second sequence: the cache of the first is given up.
  advance(*search, {{-50, -50, -50, 9}, {9, 8.9F, -50, -50}});
  EXPECT_THAT(search->live()[0].tokens, ElementsAre(1, 0));
  EXPECT_THAT(search->live()[1].tokens, ElementsAre(1, 1));
  EXPECT_THAT(search->sources(), ElementsAre(1, 1));
  EXPECT_FALSE(search->complete()) << "one of two has ended";
  const auto candidates = search->finish();
  ASSERT_EQ(candidates.size(), 2U);
  EXPECT_THAT(candidates[0].tokens, ElementsAre(0)) << "ended ones come first";
  EXPECT_THAT(candidates[1].tokens, ElementsAre(1, 0)) << "then the best that was cut off";
}

TEST(BeamSearch, AWhollyForbiddenRowEndsTheSearch) {
  const auto search = make_beam_search(3, 1.0, kEnd);
  constexpr float kForbidden = -std::numeric_limits<float>::infinity();
  advance(*search, {{kForbidden, kForbidden, kForbidden, kForbidden}});
  EXPECT_TRUE(search->complete());
  EXPECT_EQ(search->finish().size(), 1U);
}

TEST(Search, FindsWhatTheReferenceFinds) {
  const nlohmann::json golden = test::read_golden("decoding_search.json");
  for (const nlohmann::json& c : golden.at("cases")) {
    const LogitRules rules = golden_rules(golden, c.at("timestamps"), golden.at("max_initial"));
    DecodingOptions options;
    if (!c.at("beam_size").is_null()) options.beam_size = c.at("beam_size");
    if (!c.at("patience").is_null()) options.patience = c.at("patience");
    if (!c.at("length_penalty").is_null()) options.length_penalty = c.at("length_penalty").get<double>();
    const auto search = make_search(options, rules.eot);
    run_search(*search, rules, c.at("name"), c.at("steps"));
    const auto candidates = search->finish();
    const Hypothesis& best = candidates[best_candidate(candidates, options.length_penalty)];
    EXPECT_EQ(best.tokens, c.at("tokens").get<std::vector<TokenId>>()) << c.dump();
    EXPECT_NEAR(best.sum_logprob, c.at("sum_logprob").get<double>(), 1e-4) << c.dump();
    // What is missing is the end-of-text token's, where it was sampled.
    ASSERT_EQ(best.token_logprobs.size(), best.tokens.size());
    const double sum = std::accumulate(best.token_logprobs.begin(), best.token_logprobs.end(), 0.0);
    EXPECT_GE(sum, static_cast<double>(best.sum_logprob) - 1e-4) << c.dump();
    EXPECT_EQ(candidates.size(), c.at("candidates").get<std::size_t>()) << c.dump();
  }
}

TEST(BestCandidate, DividesByLengthOrByThePenalty) {
  const std::vector<Hypothesis> candidates = {{.tokens = {1, 2}, .sum_logprob = -2.0F},
                                              {.tokens = {1, 2, 3, 4, 5, 6}, .sum_logprob = -5.0F},
                                              {.tokens = {}, .sum_logprob = -0.1F}};
  EXPECT_EQ(best_candidate(candidates, std::nullopt), 1U);
  EXPECT_EQ(best_candidate(std::span(candidates).first(2), 0.0), 0U);
  EXPECT_EQ(best_candidate(std::span(candidates).first(2), 1.0), 0U);  // -2 / (7/6) against -5 / (11/6)
  const std::vector<Hypothesis> equal = {{.tokens = {1}, .sum_logprob = -1}, {.tokens = {2}, .sum_logprob = -1}};
  EXPECT_EQ(best_candidate(equal, std::nullopt), 0U);
}

TEST(MakeSearch, RefusesWhatMakesNoSenseAndNamesIt) {
  const auto refused = [](const std::function<void(DecodingOptions&)>& change) -> std::string {
    DecodingOptions options;
    change(options);
    try {
      make_search(options, kEnd);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(refused([](auto& o) { o.temperature = -0.5; }), testing::HasSubstr("temperature is -0.5"));
  EXPECT_THAT(refused([](auto& o) { o.beam_size = 0; }), testing::HasSubstr("beam size is 0"));
  EXPECT_THAT(refused([](auto& o) { o.beam_size = 100000; }), testing::HasSubstr("beam size is 100000"));
  EXPECT_THAT(refused([](auto& o) { o.patience = 0.1; }), testing::HasSubstr("patience is 0.1"));
  EXPECT_THAT(refused([](auto& o) { o.length_penalty = 1.5; }), testing::HasSubstr("length penalty is 1.5"));
  EXPECT_THAT(refused([](auto& o) { o.temperature = 0.2, o.best_of = 0; }), testing::HasSubstr("best-of is 0"));
  EXPECT_EQ(refused([](auto& o) { o.best_of = 0; }), "accepted") << "best-of does not matter at temperature 0";
}

}  // namespace
}  // namespace amanuensis::decoding
