#include "pipeline/clips.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "base/error.h"

namespace amanuensis::pipeline {
namespace {

std::vector<FrameRange> clips(const std::vector<double>& times, std::size_t content_frames = 6000) {
  return clip_frames(times, content_frames);
}

TEST(Clips, NoTimesOrAStartAloneReachToTheEnd) {
  EXPECT_THAT(clips({}), testing::ElementsAre(FrameRange{0, 6000}));
  EXPECT_THAT(clips({0}), testing::ElementsAre(FrameRange{0, 6000}));
  EXPECT_THAT(clips({12.5}), testing::ElementsAre(FrameRange{1250, 6000}));
}

TEST(Clips, ComeInPairsInTheCallersOrder) {
  EXPECT_THAT(clips({40, 50, 1.5, 2, 30}),
              testing::ElementsAre(FrameRange{4000, 5000}, FrameRange{150, 200}, FrameRange{3000, 6000}));
}

TEST(Clips, RoundHalfToEvenAsPythonDoes) {
  EXPECT_THAT(clips({0.125, 0.375}), testing::ElementsAre(FrameRange{12, 38}));
}

TEST(Clips, EndWithTheAudio) {
  EXPECT_THAT(clips({10, 1e300}), testing::ElementsAre(FrameRange{1000, 6000}));
  EXPECT_THAT(clips({90, 100}), testing::ElementsAre(FrameRange{6000, 6000}));
}

TEST(Clips, RefuseTimesThatAreNone) {
  EXPECT_THROW(clips({-1, 5}), Error);
  EXPECT_THROW(clips({std::numeric_limits<double>::quiet_NaN()}), Error);
  EXPECT_THROW(clips({std::numeric_limits<double>::infinity()}), Error);
  EXPECT_THROW(clips({5, 1}), Error);
}

}  // namespace
}  // namespace amanuensis::pipeline
