// The network that counts who speaks, with the weights that are part of the program.
#include "model/speaker/activity_net.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "support/cpu_machine.h"

namespace amanuensis::model {
namespace {

constexpr std::size_t kBands = 40;

// Louder and softer in every band, by no rule that ends.
std::vector<float> sound(std::size_t frames) {
  std::vector<float> mel(frames * kBands);
  for (std::size_t frame = 0; frame < frames; ++frame) {
    const auto at = static_cast<double>(frame);
    for (std::size_t band = 0; band < kBands; ++band) {
      const double wave = std::sin(0.21 * at + 0.4 * static_cast<double>(band)) * std::sin(0.0173 * at);
      mel[frame * kBands + band] = static_cast<float>(3 + 3 * wave);
    }
  }
  return mel;
}

class ActivityNetTest : public testing::Test {
 protected:
  test::CpuMachine machine_;
  ActivityNet net_{machine_.backend()};

  std::vector<ActivityFrame> run(const std::vector<float>& mel) const {
    return net_.run({mel.data(), mel.size() / kBands, kBands});
  }
};

TEST_F(ActivityNetTest, EveryStrideHasProbabilities) {
  for (const std::size_t frames : {0, 1, 2, 3, 4, 5, 6, 999, 1000}) {
    const std::vector<ActivityFrame> results = run(sound(frames));
    ASSERT_EQ(results.size(), (frames + kActivityStride - 1) / kActivityStride) << frames;
    for (const ActivityFrame& each : results) EXPECT_NEAR(std::accumulate(each.begin(), each.end(), 0.0), 1, 1e-5);
  }
}

TEST_F(ActivityNetTest, APieceGivesWhatTheWholeDoes) {
  const std::vector<float> mel = sound(4000);
  const std::vector<ActivityFrame> whole = run(mel);
  constexpr std::size_t kFirst = 100 * kActivityPlace;
  const std::vector<ActivityFrame> piece = run({mel.begin() + kFirst * kBands, mel.begin() + 3000 * kBands});
  const std::size_t margin = (net_.reach() + kActivityPlace) / kActivityStride;
  ASSERT_GT(piece.size(), 2 * margin);
  for (std::size_t i = margin; i + margin < piece.size(); ++i) {
    for (std::size_t k = 0; k < kActivityClasses; ++k) {
      ASSERT_NEAR(piece[i][k], whole[kFirst / kActivityStride + i][k], 1e-4) << i;
    }
  }
}

}  // namespace
}  // namespace amanuensis::model
