#include "base/nearest_name.h"

#include <gtest/gtest.h>

#include <array>

namespace amanuensis {
namespace {

constexpr std::array<std::string_view, 6> kNames{"tiny", "base", "base.en", "small", "medium", "large-v3"};

TEST(NearestNameTest, DistanceCountsEditsAndSwapsWithoutCase) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("base", "base"), 0U);
  EXPECT_EQ(edit_distance("BASE", "base"), 0U);
  EXPECT_EQ(edit_distance("bse", "base"), 1U);
  EXPECT_EQ(edit_distance("bsae", "base"), 1U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(NearestNameTest, SuggestsTypingMistakesOnly) {
  EXPECT_EQ(did_you_mean("bse", kNames), "; did you mean 'base'?");
  EXPECT_EQ(did_you_mean("large_v3", kNames), "; did you mean 'large-v3'?");
  EXPECT_EQ(did_you_mean("elephant", kNames), "");
  EXPECT_EQ(did_you_mean("", kNames), "");
}

}  // namespace
}  // namespace amanuensis
