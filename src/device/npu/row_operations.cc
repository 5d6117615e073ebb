// Operations that work row by row: layer norm, GELU, softmax, residual add.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "device/npu/operations.h"
#include "device/npu/result_checks.h"

namespace amanuensis::device::npu {
namespace {

// The kernel of an operation whose rows are wide enough, or null.
const KernelSpec* narrowest(const Catalog& catalog, Operation operation, std::size_t cols) {
  const KernelSpec* best = nullptr;
  for (const KernelSpec& spec : catalog.kernels()) {
    if (spec.operation != operation || spec.max_cols < cols) continue;
    if (best == nullptr || spec.max_cols < best->max_cols) best = &spec;
  }
  return best;
}

// Rows that every tile of the array gets the same number of.
std::size_t padded_rows(const KernelSpec& spec, std::size_t rows) {
  return round_up(rows, spec.block_rows * spec.tiles * kMaxColumns);
}

std::string no_kernel(std::size_t cols) { return fmt::format("no kernel takes rows of {} values", cols); }

template <typename T>
void copy_in(TensorView<const T> from, std::span<T> to) {
  for (std::size_t r = 0; r < from.rows(); ++r) {
    std::copy(from.row(r).begin(), from.row(r).end(), to.begin() + static_cast<std::ptrdiff_t>(r * from.cols()));
  }
}

float gelu_exactly(float x) { return 0.5F * x * (1 + std::erf(x / std::numbers::sqrt2_v<float>)); }

float limited_byte(float x) { return std::clamp(std::round(x), -127.0F, 127.0F); }

// Every 61st row is computed here as well.
constexpr std::size_t kCheckedRows = 61;

}  // namespace

bool Operations::layer_norm(TensorView<const float> x, std::span<const float> gamma, std::span<const float> beta,
                            ByteRows& y) {
  const std::size_t cols = x.cols();
  const KernelSpec* spec = narrowest(executor_.catalog(), Operation::kLayerNorm, cols);
  if (spec == nullptr) return refuse(Operation::kLayerNorm, no_kernel(cols));
  y.reset(x.rows(), cols);
  const Job job = {.spec = *spec,
                   .shape = {.rows = y.padded_rows, .cols = cols},
                   .fill =
                       [&](std::size_t, const JobArguments& arguments) {
                         const auto to = arguments.get<float>(0);
                         copy_in(x, to);
                         std::fill(to.begin() + static_cast<std::ptrdiff_t>(x.rows() * cols), to.end(), 0.0F);
                         std::copy(gamma.begin(), gamma.end(), arguments.get<float>(1).begin());
                         std::copy(beta.begin(), beta.end(), arguments.get<float>(2).begin());
                       },
                   .drain = [&](std::size_t, const JobArguments& arguments) -> std::string {
                     const auto codes = arguments.get<std::int8_t>(3);
                     const auto scales = arguments.get<float>(4);
                     std::string problem = check_layer_norm(x, {gamma, beta}, codes, scales);
                     if (!problem.empty()) return problem;
                     for (std::size_t r = 0; r < x.rows(); ++r) {
                       std::copy_n(codes.begin() + static_cast<std::ptrdiff_t>(r * cols), cols,
                                   y.codes.begin() + static_cast<std::ptrdiff_t>(r * y.padded_cols));
                       y.scales[r] = scales[r];
                     }
                     return {};
                   }};
  return finish(Operation::kLayerNorm, executor_.run(job), 1);
}

bool Operations::gelu(TensorView<const float> x, float x_limit, float y_limit, TensorView<float> y) {
  const std::size_t cols = x.cols();
  const KernelSpec* spec = narrowest(executor_.catalog(), Operation::kGelu, cols);
  if (spec == nullptr) return refuse(Operation::kGelu, no_kernel(cols));
  const float x_step = x_limit / 127;
  const float y_step = y_limit / 127;
  std::array<std::int8_t, 256> table = {};
  for (std::size_t i = 0; i < table.size(); ++i) {
    const float x_value = (static_cast<float>(i) - 128) * x_step;
    table[i] = static_cast<std::int8_t>(limited_byte(gelu_exactly(x_value) / y_step));
  }
  const std::size_t rows = padded_rows(*spec, x.rows());
  const Job job = {.spec = *spec,
                   .shape = {.rows = rows, .cols = cols},
                   .fill =
                       [&](std::size_t, const JobArguments& arguments) {
                         const auto codes = arguments.get<std::int8_t>(0);
                         std::fill(codes.begin(), codes.end(), std::int8_t{0});
                         for (std::size_t r = 0; r < x.rows(); ++r) {
                           for (std::size_t c = 0; c < cols; ++c) {
                             codes[r * cols + c] = static_cast<std::int8_t>(limited_byte(x(r, c) / x_step));
                           }
                         }
                         std::copy(table.begin(), table.end(), arguments.get<std::int8_t>(1).begin());
                       },
                   .drain = [&](std::size_t, const JobArguments& arguments) -> std::string {
                     const auto in = arguments.get<std::int8_t>(0);
                     const auto out = arguments.get<std::int8_t>(2);
                     for (std::size_t i = 0; i < in.size(); i += kCheckedRows) {
                       const std::int8_t expected = table[static_cast<std::uint8_t>(in[i]) ^ 128U];
                       if (out[i] != expected) return fmt::format("value {} is {}, expected {}", i, out[i], expected);
                     }
                     for (std::size_t r = 0; r < x.rows(); ++r) {
                       for (std::size_t c = 0; c < cols; ++c) y(r, c) = static_cast<float>(out[r * cols + c]) * y_step;
                     }
                     return {};
                   }};
  return finish(Operation::kGelu, executor_.run(job), 1);
}

bool Operations::softmax(TensorView<const std::int32_t> scores, std::span<const float> step, TensorView<float> y) {
  const std::size_t cols = scores.cols();
  const KernelSpec* spec = narrowest(executor_.catalog(), Operation::kSoftmax, cols);
  if (spec == nullptr) return refuse(Operation::kSoftmax, no_kernel(cols));
  const Job job = {.spec = *spec,
                   .shape = {.rows = padded_rows(*spec, scores.rows()), .cols = cols},
                   .fill =
                       [&](std::size_t, const JobArguments& arguments) {
                         const auto to = arguments.get<std::int32_t>(0);
                         std::fill(to.begin(), to.end(), 0);
                         copy_in(scores, to);
                         const auto steps = arguments.get<std::int32_t>(1);
                         std::fill(steps.begin(), steps.end(), 0);
                         for (std::size_t r = 0; r < scores.rows(); ++r) {
                           steps[r] = static_cast<std::int32_t>(
                               std::lround(static_cast<double>(step[r]) * std::numbers::log2e * (1 << 24)));
                         }
                       },
                   .drain = [&](std::size_t, const JobArguments& arguments) -> std::string {
                     const auto out = arguments.get<std::int16_t>(2);
                     for (std::size_t r = 0; r < scores.rows(); ++r) {
                       std::int64_t sum = 0;
                       for (std::size_t c = 0; c < cols; ++c) {
                         const std::int16_t value = out[r * cols + c];
                         if (value < 0) return fmt::format("value [{}, {}] is below zero", r, c);
                         sum += value;
                         y(r, c) = static_cast<float>(value) / 32768;
                       }
                       if (std::abs(sum - 32768) > static_cast<std::int64_t>(cols) / 2 + 16) {
                         return fmt::format("row {} sums to {} / 32768", r, sum);
                       }
                     }
                     return {};
                   }};
  return finish(Operation::kSoftmax, executor_.run(job), 1);
}

bool Operations::residual_add(TensorView<const float> a, TensorView<const float> b, TensorView<float> y) {
  const std::size_t cols = a.cols();
  const KernelSpec* spec = narrowest(executor_.catalog(), Operation::kResidualAdd, cols);
  if (spec == nullptr) return refuse(Operation::kResidualAdd, no_kernel(cols));
  const Job job = {.spec = *spec,
                   .shape = {.rows = padded_rows(*spec, a.rows()), .cols = cols},
                   .fill =
                       [&](std::size_t, const JobArguments& arguments) {
                         for (std::size_t i = 0; i < 2; ++i) {
                           const auto to = arguments.get<float>(i);
                           std::fill(to.begin(), to.end(), 0.0F);
                           copy_in(i == 0 ? a : b, to);
                         }
                       },
                   .drain = [&](std::size_t, const JobArguments& arguments) -> std::string {
                     const auto out = arguments.get<float>(2);
                     for (std::size_t r = 0; r < a.rows(); ++r) {
                       const std::size_t c = r % cols;
                       if (!(std::abs(out[r * cols + c] - (a(r, c) + b(r, c))) <= 1e-5F)) {
                         return fmt::format("value [{}, {}] is {}, expected {}", r, c, out[r * cols + c],
                                            a(r, c) + b(r, c));
                       }
                     }
                     for (std::size_t r = 0; r < a.rows(); ++r) {
                       std::copy_n(out.begin() + static_cast<std::ptrdiff_t>(r * cols), cols, y.row(r).begin());
                     }
                     return {};
                   }};
  return finish(Operation::kResidualAdd, executor_.run(job), 1);
}

}  // namespace amanuensis::device::npu
