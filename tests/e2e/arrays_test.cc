// `amanuensis features` and `amanuensis logits`: what people compare with other implementations.
#include <cmath>

#include "e2e/program_fixture.h"
#include "support/npy_file.h"

namespace amanuensis::e2e {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ArraysTest : public ProgramFixture {};

TEST_F(ArraysTest, FeaturesAreOneWindowOfLogMel) {
  for (const std::size_t bands : {80U, 128U}) {
    const std::string count = std::to_string(bands);
    const test::RunResult result = run({"features", recording(), "-o", path("mel.npy"), "--n-mels", count});
    ASSERT_EQ(result.exit_code, 0) << result.error;
    EXPECT_EQ(result.out + result.error, "");
    const test::NpyArray mel = test::parse_npy(read("mel.npy"));
    EXPECT_THAT(mel.shape, ElementsAre(bands, 3000));
    const auto [low, high] = std::minmax_element(mel.values.begin(), mel.values.end());
    EXPECT_LE(*high - *low, 2.0001F) << "floored 8 below the maximum, then divided by 4";
  }
}

TEST_F(ArraysTest, FeaturesGoThroughAPipe) {
  const test::RunResult piped = run({"features", "-", "-o", "-"}, {.input_file = recording()});
  ASSERT_EQ(piped.exit_code, 0) << piped.error;
  run({"features", recording(), "-o", path("mel.npy")});
  EXPECT_EQ(piped.out, read("mel.npy"));
}

TEST_F(ArraysTest, LogitsAreOneRowATokenAndPrefixesAgree) {
  const auto logits = [&](const std::string& tokens) {
    const test::RunResult result =
        run({"logits", "--model", "demo", recording(), "--tokens", tokens, "-o", path("logits.npy")});
    EXPECT_EQ(result.exit_code, 0) << result.error;
    return test::parse_npy(read("logits.npy"));
  };
  const test::NpyArray two = logits("1001,1002");
  const test::NpyArray four = logits("1001,1002,1004,1008");
  ASSERT_EQ(two.shape[0], 2U);
  ASSERT_EQ(four.shape[0], 4U);
  ASSERT_EQ(two.shape[1], four.shape[1]);
  for (std::size_t i = 0; i < two.values.size(); ++i) {
    ASSERT_TRUE(std::isfinite(two.values[i]));
    ASSERT_NEAR(two.values[i], four.values[i], 1e-3F) << "a later token must not change an earlier row";
  }
}

TEST_F(ArraysTest, TokensOutsideTheVocabularyAreAnError) {
  expect_one_line(run({"logits", "--model", "demo", recording(), "--tokens", "99999999", "-o", path("x.npy")}), 2,
                  "99999999");
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "x.npy"));
}

TEST_F(ArraysTest, MissingFolderIsSaid) {
  expect_one_line(run({"features", recording(), "-o", path("absent/mel.npy")}), 3, "absent/mel.npy");
}

}  // namespace
}  // namespace amanuensis::e2e
