#include "pipeline/eval/word_alignment.h"

#include <algorithm>
#include <limits>
#include <unordered_map>

namespace amanuensis::pipeline {
namespace {

using Words = std::span<const std::uint32_t>;
using Cost = std::uint32_t;

constexpr Cost kNever = std::numeric_limits<Cost>::max() / 2;

// Beyond this much work on one table the texts are cut in two; where rapidfuzz begins to.
constexpr std::size_t kWholeTableCells = std::size_t{4} << 20U;
constexpr std::size_t kLeastReference = 65;
constexpr std::size_t kLeastHypothesis = 10;

// How the best way to a cell may have come there.
constexpr std::uint8_t kByDeletion = 1;  // one more error than the cell of one reference word less
constexpr std::uint8_t kFewerLater = 2;  // one error less than that cell

struct Place {
  std::size_t reference = 0;
  std::size_t hypothesis = 0;
};

// The table of fewest errors between the first i reference words and the first j of the hypothesis, of which only the
// cells with |i - j| <= bound are looked at; two bits of each are kept.
class Table {
 public:
  Table(Words reference, Words hypothesis, std::size_t bound)
      : reference_(reference),
        hypothesis_(hypothesis),
        bound_(bound),
        width_(std::min(2 * bound, reference.size()) + 1) {
    marks_.resize((hypothesis.size() + 1) * width_);
    fill();
  }

  // Appends the edits, the last one first.
  void trace(Place offset, std::vector<Edit>& out) const {
    std::size_t i = reference_.size();
    std::size_t j = hypothesis_.size();
    const auto add = [&](EditKind kind) { out.push_back({kind, i + offset.reference, j + offset.hypothesis}); };
    while (i > 0 && j > 0) {
      if ((mark(i, j) & kByDeletion) != 0) {
        --i;
        add(EditKind::kDeletion);
      } else if (j > 1 && (mark(i, j - 1) & kFewerLater) != 0) {
        --j;
        add(EditKind::kInsertion);
      } else {
        --i;
        --j;
        if (reference_[i] != hypothesis_[j]) add(EditKind::kSubstitution);
      }
    }
    while (i > 0) {
      --i;
      add(EditKind::kDeletion);
    }
    while (j > 0) {
      --j;
      add(EditKind::kInsertion);
    }
  }

 private:
  std::size_t first(std::size_t j) const { return j > bound_ ? j - bound_ : 0; }
  std::size_t last(std::size_t j) const { return std::min(reference_.size(), j + bound_); }
  std::uint8_t& cell(std::size_t i, std::size_t j) { return marks_[j * width_ + (i - first(j))]; }
  std::uint8_t mark(std::size_t i, std::size_t j) const {
    return i < first(j) || i > last(j) ? std::uint8_t{0} : marks_[j * width_ + (i - first(j))];
  }

  void fill() {
    std::vector<Cost> costs(reference_.size() + 1, kNever);
    for (std::size_t i = 0; i <= last(0); ++i) costs[i] = static_cast<Cost>(i);
    for (std::size_t j = 1; j <= hypothesis_.size(); ++j) {
      const std::size_t begin = first(j);
      // Of the row before: the cell one to the left of the present one.
      Cost diagonal = begin > 0 ? costs[begin - 1] : kNever;
      if (begin > 0) costs[begin - 1] = kNever;
      for (std::size_t i = begin; i <= last(j); ++i) {
        const Cost above = costs[i];
        const Cost left = i > 0 ? costs[i - 1] : kNever;
        Cost best = std::min(above, left) + 1;
        if (i > 0) best = std::min(best, diagonal + (reference_[i - 1] == hypothesis_[j - 1] ? 0U : 1U));
        diagonal = above;
        costs[i] = best;
        if (i == 0) continue;
        if (best == left + 1) cell(i, j) = kByDeletion;
        if (best + 1 == left) cell(i, j) = kFewerLater;
      }
    }
  }

  Words reference_;
  Words hypothesis_;
  std::size_t bound_;
  std::size_t width_;
  std::vector<std::uint8_t> marks_;  // [hypothesis + 1][width]
};

// The fewest errors between all of `hypothesis` and the first i words of `reference`, for each i.
template <typename Range>
std::vector<Cost> last_row(const Range& reference, const Range& hypothesis) {
  const std::vector<std::uint32_t> said(reference.begin(), reference.end());
  std::vector<Cost> costs(said.size() + 1);
  for (std::size_t i = 0; i < costs.size(); ++i) costs[i] = static_cast<Cost>(i);
  for (const std::uint32_t heard : hypothesis) {
    Cost diagonal = costs[0]++;
    for (std::size_t i = 0; i < said.size(); ++i) {
      const Cost replaced = diagonal + (said[i] == heard ? 0U : 1U);
      diagonal = costs[i + 1];
      costs[i + 1] = std::min({replaced, diagonal + 1, costs[i] + 1});
    }
  }
  return costs;
}

struct Cut {
  Place at;
  std::size_t errors_before = 0;
  std::size_t errors_after = 0;
};

// The middle of the hypothesis, and the first place in the reference that a best alignment has there.
Cut find_cut(Words reference, Words hypothesis) {
  const std::size_t middle = hypothesis.size() / 2;
  const std::vector<Cost> before = last_row(reference, hypothesis.first(middle));
  const std::vector<std::uint32_t> said(reference.rbegin(), reference.rend());
  const std::vector<std::uint32_t> heard(hypothesis.rbegin(), hypothesis.rend() - static_cast<std::ptrdiff_t>(middle));
  const std::vector<Cost> after = last_row(said, heard);
  std::size_t best = 0;
  const auto total = [&](std::size_t i) { return before[i] + after[reference.size() - i]; };
  for (std::size_t i = 1; i <= reference.size(); ++i) {
    if (total(i) < total(best)) best = i;
  }
  return {{best, middle}, before[best], after[reference.size() - best]};
}

// `bound`: no fewer than the errors there are. The edits come last one first.
void align(Words reference, Words hypothesis, Place offset, std::size_t bound, std::vector<Edit>& out) {
  const auto [differs, differs_too] = std::ranges::mismatch(reference, hypothesis);
  const auto same = static_cast<std::size_t>(differs - reference.begin());
  reference = reference.subspan(same);
  hypothesis = hypothesis.subspan(same);
  offset.reference += same;
  offset.hypothesis += same;
  while (!reference.empty() && !hypothesis.empty() && reference.back() == hypothesis.back()) {
    reference = reference.first(reference.size() - 1);
    hypothesis = hypothesis.first(hypothesis.size() - 1);
  }
  bound = std::min(bound, std::max(reference.size(), hypothesis.size()));
  const std::size_t band = std::min(reference.size(), 2 * bound + 1);
  if (band * hypothesis.size() < kWholeTableCells || reference.size() < kLeastReference ||
      hypothesis.size() < kLeastHypothesis) {
    Table(reference, hypothesis, bound).trace(offset, out);
    return;
  }
  const Cut cut = find_cut(reference, hypothesis);
  align(reference.subspan(cut.at.reference), hypothesis.subspan(cut.at.hypothesis),
        {offset.reference + cut.at.reference, offset.hypothesis + cut.at.hypothesis}, cut.errors_after, out);
  align(reference.first(cut.at.reference), hypothesis.first(cut.at.hypothesis), offset, cut.errors_before, out);
}

}  // namespace

std::vector<Edit> align_words(std::span<const std::string> reference, std::span<const std::string> hypothesis) {
  std::unordered_map<std::string_view, std::uint32_t> numbers;
  const auto numbered = [&](std::span<const std::string> words) {
    std::vector<std::uint32_t> result;
    result.reserve(words.size());
    for (const std::string& word : words) {
      result.push_back(numbers.emplace(word, static_cast<std::uint32_t>(numbers.size())).first->second);
    }
    return result;
  };
  const std::vector<std::uint32_t> said = numbered(reference);
  const std::vector<std::uint32_t> heard = numbered(hypothesis);
  std::vector<Edit> edits;
  align(said, heard, {}, std::max(said.size(), heard.size()), edits);
  std::ranges::reverse(edits);
  return edits;
}

}  // namespace amanuensis::pipeline
