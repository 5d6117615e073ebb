// `amanuensis eval` as a program: files and folders in, text and JSON out, one clear line for what is wrong.
#include <nlohmann/json.hpp>

#include "e2e/program_fixture.h"

namespace amanuensis::e2e {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class EvalTest : public ProgramFixture {
 protected:
  nlohmann::json json(const std::vector<std::string>& arguments) const {
    const test::RunResult result = run(with({"eval"}, arguments));
    EXPECT_EQ(result.exit_code, 0) << result.error;
    return nlohmann::json::parse(result.out);
  }
  std::string file(const std::string& name, const std::string& text) const {
    return folder_.write(name, text).string();
  }
};

TEST_F(EvalTest, WordsOfOnePairAreShownWithTheirErrors) {
  const std::string said = file("said.txt", "And so my fellow Americans, ask not what your country can do for you.\n");
  const std::string found =
      file("found.txt", "And so my fellows Americans ask not what your country can for you, please");
  const test::RunResult result = run({"eval", "wer", said, found});
  EXPECT_EQ(result.exit_code, 0) << result.error;
  EXPECT_THAT(result.out, AllOf(HasSubstr("found.txt: WER 21.43 % (14 words, 1 substituted, 1 deleted, 1 inserted)\n"),
                                HasSubstr("\n  so my [fellow -> fellows] americans ask\n"), HasSubstr("[-do]"),
                                HasSubstr("[+please]")));
}

TEST_F(EvalTest, FoldersArePairedByNameAndSummedUp) {
  file("ref/a.txt", "the cat sat");
  file("ref/b.txt", "it is a colour");
  file("hyp/a.json", R"({"text": " The cat sits.", "segments": []})");
  file("hyp/b.txt", "it's a color");
  file("hyp/c.srt", "not looked at");
  const nlohmann::json result = json({"wer", path("ref"), path("hyp"), "--json"});
  ASSERT_EQ(result["files"].size(), 2U);
  EXPECT_EQ(result["files"][0]["substitutions"], 1);
  EXPECT_EQ(result["files"][0]["errors"].size(), 1U);
  EXPECT_EQ(result["files"][1]["wer"], 0.0);
  EXPECT_EQ(result["total"]["words"], 7);
  EXPECT_DOUBLE_EQ(result["total"]["wer"].get<double>(), 1.0 / 7);
}

TEST_F(EvalTest, WordsMayBeComparedLineByLineAndAsTheyAre) {
  const std::string said = file("said.txt", "Eins zwei\ndrei\n");
  const std::string found = file("found.txt", "Eins\nzwei drei\n");
  EXPECT_EQ(json({"wer", said, found, "--json", "--normalizer", "basic"})["total"]["wer"], 0.0);
  EXPECT_EQ(json({"wer", said, found, "--json", "--by-line"})["total"]["deletions"], 1);
  const std::string loud = file("loud.txt", "EINS zwei drei");
  EXPECT_EQ(json({"wer", said, loud, "--json", "--normalizer", "none"})["total"]["substitutions"], 1);
  expect_one_line(run({"eval", "wer", said, loud, "--by-line"}), 4, "2 lines");
}

TEST_F(EvalTest, SpeakersAreScoredByRecording) {
  const std::string said = file("said.rttm",
                                "SPEAKER a 1 0 10 <NA> <NA> ann <NA> <NA>\nSPEAKER a 1 10 10 <NA> <NA> bob <NA> <NA>\n"
                                "SPEAKER b 1 0 5 <NA> <NA> ann <NA> <NA>\n");
  const std::string found =
      file("found.rttm", "SPEAKER a 1 0 12 <NA> <NA> S1 <NA> <NA>\nSPEAKER a 1 12 8 <NA> <NA> S0 <NA> <NA>\n");
  const nlohmann::json result = json({"der", said, found, "--json"});
  ASSERT_EQ(result["files"].size(), 2U);
  EXPECT_DOUBLE_EQ(result["files"][0]["confusion"].get<double>(), 2.0);
  EXPECT_DOUBLE_EQ(result["files"][0]["der"].get<double>(), 0.1);
  EXPECT_EQ(result["files"][0]["mapping"]["S1"], "ann");
  EXPECT_DOUBLE_EQ(result["files"][1]["missed"].get<double>(), 5.0);
  EXPECT_DOUBLE_EQ(result["total"]["der"].get<double>(), 7.0 / 25);
  EXPECT_DOUBLE_EQ(json({"der", said, found, "--json", "--collar", "4"})["files"][0]["confusion"].get<double>(), 0.0);

  const std::string uem = file("a.uem", "a 1 0 10\nb 1 0 1\n");
  const nlohmann::json part = json({"der", said, found, "--json", "--uem", uem});
  EXPECT_DOUBLE_EQ(part["files"][0]["der"].get<double>(), 0.0);
  EXPECT_DOUBLE_EQ(part["files"][1]["missed"].get<double>(), 1.0);
  EXPECT_THAT(run({"eval", "der", said, found}).out, AllOf(HasSubstr("10.00 %"), HasSubstr("total")));
}

TEST_F(EvalTest, WhatIsWrongIsOneLine) {
  const std::string bad =
      file("bad.rttm", "SPEAKER a 1 0 10 <NA> <NA> ann <NA> <NA>\nSPEAKER a 1 zero 10 <NA> <NA> ann\n");
  const std::string good = file("good.rttm", "SPEAKER a 1 0 10 <NA> <NA> ann <NA> <NA>\n");
  expect_one_line(run({"eval", "der", good, bad}), 4, "bad.rttm: line 2: field 4 (start) is 'zero'");
  expect_one_line(run({"eval", "der", good, path("none.rttm")}), 3, "none.rttm: no such file");
  expect_one_line(run({"eval", "der", good}), 2, "a reference and a hypothesis, in turn");
  expect_one_line(run({"eval", "der", good, good, "--collar", "-1"}), 2, "--collar");
  expect_one_line(run({"eval", "wer", good, good, "--normalizer", "englisch"}), 2, "english");
  file("ref/a.txt", "x");
  file("hyp/b.txt", "x");
  expect_one_line(run({"eval", "wer", path("ref"), path("hyp")}), 3, "nothing for");
  expect_one_line(run({"eval", "wer", path("ref"), good}), 2, "one is a folder");
  file("t.json", "[1]");
  expect_one_line(run({"eval", "wer", good, path("t.json")}), 4, "no transcript");
}

TEST_F(EvalTest, SilenceHasNoErrors) {
  const std::string nothing = file("nothing.rttm", "");
  EXPECT_EQ(json({"der", nothing, nothing, "--json"})["total"]["der"], 0.0);
  EXPECT_EQ(json({"wer", nothing, nothing, "--json"})["total"]["wer"], 0.0);
  const std::string some = file("some.rttm", "SPEAKER a 1 0 10 <NA> <NA> ann <NA> <NA>\n");
  EXPECT_EQ(json({"der", nothing, some, "--json"})["total"]["der"], 1.0);
  EXPECT_EQ(json({"der", some, nothing, "--json"})["total"]["der"], 1.0);
}

}  // namespace
}  // namespace amanuensis::e2e
