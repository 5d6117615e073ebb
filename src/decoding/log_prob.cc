#include "decoding/log_prob.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace amanuensis::decoding {

namespace {

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

// Rows are read in blocks, and blocks in lanes that do not depend on each other, so that the compiler can use vectors:
// a vocabulary has 50,000 entries, and every sampled token reads it several times.
constexpr std::size_t kLanes = 16;
constexpr std::size_t kBlock = 256;
static_assert(kBlock % kLanes == 0);

// The largest value of a whole block.
float block_max(const float* x) {
  float lanes[kLanes];
  for (std::size_t j = 0; j < kLanes; ++j) lanes[j] = x[j];
  for (std::size_t i = kLanes; i < kBlock; i += kLanes) {
    for (std::size_t j = 0; j < kLanes; ++j) lanes[j] = x[i + j] > lanes[j] ? x[i + j] : lanes[j];
  }
  float largest = lanes[0];
  for (const float lane : lanes) largest = std::max(largest, lane);
  return largest;
}

// exp(x) for x <= 0, within 2 units in the last place; 0 below -87. Cody and Waite's reduction to [-ln 2 / 2, ln 2 /
// 2], then the Taylor polynomial of degree 7 (remainder below 4e-9 there).
inline float exp_of_negative(float x) {
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: adding it rounds to a whole number
  const float bounded = x > -87.0F ? x : -87.0F;
  const float n = (bounded * 1.44269504F + kRound) - kRound;
  const float r = (bounded - n * 0.693359375F) + n * 2.12194440e-4F;
  float p = 1.0F / 5040.0F;
  p = p * r + 1.0F / 720.0F;
  p = p * r + 1.0F / 120.0F;
  p = p * r + 1.0F / 24.0F;
  p = p * r + 1.0F / 6.0F;
  p = p * r + 0.5F;
  p = p * r + 1.0F;
  p = p * r + 1.0F;
  const float scale = std::bit_cast<float>((static_cast<std::int32_t>(n) + 127) << 23);
  return x > -87.0F ? p * scale : 0.0F;
}

// sum(exp((x - largest) / temperature)). Single-precision exponentials keep the vocabulary's 50,000 of them cheap; the
// sum is what needs the precision.
double sum_exp(std::span<const float> row, float largest, float inverse_temperature) {
  double sum = 0;
  std::size_t i = 0;
  for (; i + kBlock <= row.size(); i += kBlock) {
    float lanes[kLanes] = {};
    for (std::size_t b = i; b < i + kBlock; b += kLanes) {
      for (std::size_t j = 0; j < kLanes; ++j) {
        lanes[j] += exp_of_negative((row[b + j] - largest) * inverse_temperature);
      }
    }
    for (const float lane : lanes) sum += static_cast<double>(lane);
  }
  for (; i < row.size(); ++i) sum += static_cast<double>(exp_of_negative((row[i] - largest) * inverse_temperature));
  return sum;
}

}  // namespace

float max_value(std::span<const float> row) {
  float largest = kMinusInfinity;
  std::size_t i = 0;
  for (; i + kBlock <= row.size(); i += kBlock) largest = std::max(largest, block_max(row.data() + i));
  for (; i < row.size(); ++i) largest = std::max(largest, row[i]);
  return largest;
}

double log_sum_exp(std::span<const float> row) {
  const float largest = max_value(row);
  if (largest == kMinusInfinity) return -std::numeric_limits<double>::infinity();
  return static_cast<double>(largest) + std::log(sum_exp(row, largest, 1.0F));
}

std::size_t arg_max(std::span<const float> row) {
  const float largest = max_value(row);
  for (std::size_t i = 0; i + kBlock <= row.size(); i += kBlock) {
    if (block_max(row.data() + i) != largest) continue;
    for (std::size_t j = i; j < i + kBlock; ++j) {
      if (row[j] == largest) return j;
    }
  }
  return static_cast<std::size_t>(std::find(row.begin(), row.end(), largest) - row.begin());
}

RowSummary summarise(std::span<const float> row) { return {.arg_max = arg_max(row), .log_sum_exp = log_sum_exp(row)}; }

std::size_t top_values(std::span<const float> row, std::span<ScoredIndex> best) {
  std::size_t found = 0;
  if (best.empty()) return found;
  for (std::size_t i = 0; i < row.size(); ++i) {
    // Past the first few blocks hardly one holds a candidate.
    while (found == best.size() && i % kBlock == 0 && i + kBlock <= row.size() &&
           !(block_max(row.data() + i) > best.back().value)) {
      i += kBlock;
    }
    if (i == row.size()) break;
    if (row[i] == kMinusInfinity || (found == best.size() && !(row[i] > best.back().value))) continue;
    if (found < best.size()) ++found;
    std::size_t place = found - 1;
    for (; place > 0 && row[i] > best[place - 1].value; --place) best[place] = best[place - 1];
    best[place] = {.index = i, .value = row[i]};
  }
  return found;
}

std::size_t sample_index(std::span<const float> row, double temperature, double uniform) {
  const float largest = max_value(row);
  if (largest == kMinusInfinity) return 0;
  const auto inverse_temperature = static_cast<float>(1.0 / temperature);
  const double threshold = uniform * sum_exp(row, largest, inverse_temperature);
  double running = 0;
  std::size_t last_possible = 0;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const double weight = std::exp((row[i] - largest) * inverse_temperature);
    if (weight == 0) continue;
    running += weight;
    last_possible = i;
    if (running > threshold) return i;
  }
  return last_possible;
}

}  // namespace amanuensis::decoding
