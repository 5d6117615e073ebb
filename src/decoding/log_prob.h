// Arithmetic on one row of logits: the decoder's scores of every token of the vocabulary, of which rules may have set
// some to -infinity. Pure functions, no allocation; may be called from any thread.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

namespace amanuensis::decoding {

// log(sum(exp(x))) over a row, accumulated in double precision; -infinity for an empty or wholly suppressed row.
double log_sum_exp(std::span<const float> row);

// The largest value; -infinity for an empty row.
float max_value(std::span<const float> row);

// Where the largest value is; the first of equal ones. 0 when all are -infinity. The row must not be empty.
std::size_t arg_max(std::span<const float> row);

// What a search wants to know of every row that it is given.
struct RowSummary {
  std::size_t arg_max = 0;
  double log_sum_exp = 0;
};
// From the functions above. A model does the same faster.
RowSummary summarise(std::span<const float> row);
using Summarise = std::function<RowSummary(std::span<const float>)>;

struct ScoredIndex {
  std::size_t index = 0;
  float value = 0;
};

// Writes the best.size() largest values of a row, best first, equal ones by index, leaving out those at -infinity.
// Returns how many were written.
std::size_t top_values(std::span<const float> row, std::span<ScoredIndex> best);

// The smallest index at which the running sum of softmax(row / temperature) exceeds `uniform`, in [0, 1): a draw from
// that distribution. Never an index at -infinity, unless all are (then 0). temperature > 0.
std::size_t sample_index(std::span<const float> row, double temperature, double uniform);

}  // namespace amanuensis::decoding
