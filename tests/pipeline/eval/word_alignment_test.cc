// Alignments and their counts against jiwer (tools/goldens/eval_text.py).
#include "pipeline/eval/word_alignment.h"

#include <gtest/gtest.h>

#include <array>

#include "support/goldens.h"

namespace amanuensis::pipeline {
namespace {

// jiwer's chunks: runs of one kind, as [kind, reference begin, end, hypothesis begin, end].
using Chunk = std::array<std::size_t, 5>;

std::vector<Chunk> chunks_of(const std::vector<Edit>& edits) {
  std::vector<Chunk> chunks;
  for (const Edit& edit : edits) {
    const std::size_t takes_reference = edit.kind == EditKind::kInsertion ? 0 : 1;
    const std::size_t takes_hypothesis = edit.kind == EditKind::kDeletion ? 0 : 1;
    const std::size_t kind = std::array<std::size_t, 3>{'s', 'd', 'i'}.at(static_cast<std::size_t>(edit.kind));
    const bool goes_on = !chunks.empty() && chunks.back()[0] == kind && chunks.back()[2] == edit.reference &&
                         chunks.back()[4] == edit.hypothesis;
    if (!goes_on) chunks.push_back({kind, edit.reference, edit.reference, edit.hypothesis, edit.hypothesis});
    chunks.back()[2] += takes_reference;
    chunks.back()[4] += takes_hypothesis;
  }
  return chunks;
}

std::size_t count(const std::vector<Edit>& edits, EditKind kind) {
  return static_cast<std::size_t>(std::ranges::count(edits, kind, &Edit::kind));
}

void expect_counts(const std::vector<Edit>& edits, const nlohmann::json& expected) {
  EXPECT_EQ(count(edits, EditKind::kSubstitution), expected["substitutions"].get<std::size_t>());
  EXPECT_EQ(count(edits, EditKind::kDeletion), expected["deletions"].get<std::size_t>());
  EXPECT_EQ(count(edits, EditKind::kInsertion), expected["insertions"].get<std::size_t>());
}

std::vector<std::string> letters(const std::string& text) {
  std::vector<std::string> words;
  for (const char c : text) words.emplace_back(1, c);
  return words;
}

std::size_t hashed_integer(const std::string& name, std::size_t index, std::size_t limit) {
  return static_cast<std::size_t>((static_cast<double>(test::hashed_uniform(name, index)) + 1.0) * 0.5 *
                                  static_cast<double>(limit));
}

TEST(WordAlignmentTest, EqualsJiwersOnRandomWords) {
  const nlohmann::json golden = test::read_golden("eval_wer.json");
  ASSERT_GE(golden["short"].size(), 400U);
  for (const nlohmann::json& each : golden["short"]) {
    const auto reference = each["reference"].get<std::string>();
    const auto hypothesis = each["hypothesis"].get<std::string>();
    SCOPED_TRACE(reference + " / " + hypothesis);
    const std::vector<Edit> edits = align_words(letters(reference), letters(hypothesis));
    expect_counts(edits, each);
    std::vector<Chunk> expected;
    for (const nlohmann::json& chunk : each["chunks"]) {
      const auto kind = static_cast<std::size_t>(chunk[0].get<std::string>().front());
      expected.push_back({kind, chunk[1].get<std::size_t>(), chunk[2].get<std::size_t>(), chunk[3].get<std::size_t>(),
                          chunk[4].get<std::size_t>()});
    }
    EXPECT_EQ(chunks_of(edits), expected);
  }
}

TEST(WordAlignmentTest, EqualsJiwersOnLongTexts) {
  const nlohmann::json golden = test::read_golden("eval_wer.json");
  ASSERT_GE(golden["long"].size(), 5U);
  for (const nlohmann::json& each : golden["long"]) {
    const auto name = each["name"].get<std::string>();
    const auto length = each["length"].get<std::size_t>();
    const auto words = each["words"].get<std::size_t>();
    SCOPED_TRACE(name);
    std::vector<std::string> reference;
    for (std::size_t i = 0; i < length; ++i) reference.push_back(std::to_string(hashed_integer(name, i, words)));
    std::vector<std::string> hypothesis = reference;
    const auto errors = each["errors"].get<std::size_t>();
    for (std::size_t i = 0; i < errors; ++i) {
      const auto place =
          hypothesis.begin() + static_cast<std::ptrdiff_t>(hashed_integer(name + ".places", i, length - errors));
      const std::string other = std::to_string(hashed_integer(name + ".others", i, words));
      switch (hashed_integer(name + ".kinds", i, 3)) {
        case 0:
          *place = other;
          break;
        case 1:
          hypothesis.erase(place);
          break;
        default:
          hypothesis.insert(place, other);
      }
    }
    const std::vector<Edit> edits = align_words(reference, hypothesis);
    expect_counts(edits, each);
    std::size_t checksum = 0;
    const std::vector<Chunk> chunks = chunks_of(edits);
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      checksum += (i + 1) * (chunks[i][1] + chunks[i][2] + chunks[i][3] + chunks[i][4]);
    }
    EXPECT_EQ(checksum % 1000003, each["checksum"].get<std::size_t>());
  }
}

TEST(WordAlignmentTest, EmptyTextsAreAllOrNothing) {
  EXPECT_TRUE(align_words({}, {}).empty());
  const std::vector<std::string> word{"a"};
  EXPECT_EQ(align_words(word, {}), (std::vector<Edit>{{EditKind::kDeletion, 0, 0}}));
  EXPECT_EQ(align_words({}, word), (std::vector<Edit>{{EditKind::kInsertion, 0, 0}}));
}

}  // namespace
}  // namespace amanuensis::pipeline
