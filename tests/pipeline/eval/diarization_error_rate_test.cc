// Diarization error rates against pyannote.metrics (tools/goldens/eval_der.py), and what must hold for any turns.
#include "pipeline/eval/diarization_error_rate.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "support/goldens.h"

namespace amanuensis::pipeline {
namespace {

std::vector<RttmTurn> turns_of(const nlohmann::json& json) {
  std::vector<RttmTurn> turns;
  for (const nlohmann::json& turn : json) {
    turns.push_back({turn[0].get<std::string>(), turn[1].get<double>(), turn[2].get<double>()});
  }
  return turns;
}

TEST(DiarizationErrorRateTest, EqualsPyannoteMetricsOnMadeUpTurns) {
  const nlohmann::json golden = test::read_golden("eval_der.json");
  ASSERT_GE(golden["cases"].size(), 300U);
  std::size_t number = 0;
  for (const nlohmann::json& each : golden["cases"]) {
    DerOptions options;
    if (!each["uem"].is_null()) {
      const auto bounds = each["uem"].get<std::vector<double>>();
      options.scored = {{bounds[0], bounds[1]}, {bounds[2], bounds[3]}};
    }
    for (std::size_t i = 0; i < golden["options"].size(); ++i) {
      SCOPED_TRACE(fmt::format("case {}, options {}", number, i));
      options.collar_s = golden["options"][i][0].get<double>();
      options.skip_overlap = golden["options"][i][1].get<bool>();
      const auto expected = each["results"][i].get<std::vector<double>>();
      const DerResult result =
          diarization_error_rate(turns_of(each["reference"]), turns_of(each["hypothesis"]), options);
      EXPECT_NEAR(result.components.total_s, expected[0], 1e-6);
      EXPECT_NEAR(result.components.correct_s, expected[1], 1e-6);
      EXPECT_NEAR(result.components.confusion_s, expected[2], 1e-6);
      EXPECT_NEAR(result.components.missed_s, expected[3], 1e-6);
      EXPECT_NEAR(result.components.false_alarm_s, expected[4], 1e-6);
      EXPECT_NEAR(result.components.rate(), expected[5], 1e-6);
    }
    ++number;
  }
}

class RandomTurns {
 public:
  explicit RandomTurns(unsigned seed) : random_(seed) {}
  std::vector<RttmTurn> make(std::size_t count, std::size_t speakers) {
    std::vector<RttmTurn> turns;
    for (std::size_t i = 0; i < count; ++i) {
      turns.push_back({std::string("s") + std::to_string(random_() % speakers),
                       static_cast<double>(random_() % 60000) / 1000, static_cast<double>(random_() % 5000) / 1000});
    }
    return turns;
  }

 private:
  std::mt19937 random_;
};

TEST(DiarizationErrorRateTest, ComponentsAddUp) {
  RandomTurns random(1);
  for (int i = 0; i < 50; ++i) {
    const auto reference = random.make(20, 4);
    const auto hypothesis = random.make(20, 3);
    const DerComponents sum = diarization_error_rate(reference, hypothesis, {}).components;
    double said_s = 0;
    double found_s = 0;
    for (const RttmTurn& turn : reference) said_s += turn.duration_s;
    for (const RttmTurn& turn : hypothesis) found_s += turn.duration_s;
    EXPECT_NEAR(sum.total_s, said_s, 1e-6);
    EXPECT_NEAR(sum.correct_s + sum.confusion_s + sum.missed_s, said_s, 1e-6);
    EXPECT_NEAR(sum.correct_s + sum.confusion_s + sum.false_alarm_s, found_s, 1e-6);
  }
}

TEST(DiarizationErrorRateTest, NamesDoNotMatter) {
  RandomTurns random(2);
  for (int i = 0; i < 30; ++i) {
    const auto reference = random.make(15, 3);
    auto renamed = reference;
    for (RttmTurn& turn : renamed) turn.speaker = "other-" + turn.speaker;
    const DerResult same = diarization_error_rate(reference, renamed, {});
    EXPECT_EQ(same.components.rate(), 0.0);
    for (const auto& [from, to] : same.mapping) EXPECT_EQ(from, "other-" + to);
  }
}

TEST(DiarizationErrorRateTest, MissesAndFalseAlarmsSwapWithTheSides) {
  RandomTurns random(3);
  for (int i = 0; i < 30; ++i) {
    const auto a = random.make(12, 3);
    const auto b = random.make(12, 4);
    const DerComponents one = diarization_error_rate(a, b, {}).components;
    const DerComponents other = diarization_error_rate(b, a, {}).components;
    EXPECT_NEAR(one.missed_s, other.false_alarm_s, 1e-6);
    EXPECT_NEAR(one.false_alarm_s, other.missed_s, 1e-6);
  }
}

TEST(DiarizationErrorRateTest, SilenceIsAllOrNothing) {
  const std::vector<RttmTurn> turn{{"a", 1, 2}};
  EXPECT_EQ(diarization_error_rate({}, {}, {}).components.rate(), 0.0);
  EXPECT_EQ(diarization_error_rate({}, turn, {}).components.rate(), 1.0);
  EXPECT_EQ(diarization_error_rate(turn, {}, {}).components.rate(), 1.0);
  EXPECT_EQ(diarization_error_rate(turn, turn, {.collar_s = 10}).components.total_s, 0.0);
}

}  // namespace
}  // namespace amanuensis::pipeline
