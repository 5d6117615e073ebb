// A whole encoder block in one launch: packing its weights, and checking what comes back.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "device/npu/block_phases.h"
#include "device/npu/operations.h"
#include "device/npu/result_checks.h"

namespace amanuensis::device::npu {
namespace {

constexpr std::size_t kHeadDim = 64;
// Every so many launches all phases are checked; bringing what passed between them back takes longer than a launch.
constexpr std::uint64_t kAuditEvery = 16;
constexpr std::size_t kWork = static_cast<std::size_t>(BlockArgument::kWork);

template <typename T>
void put(std::span<std::byte> buffer, std::size_t at, std::span<const T> values) {
  const auto bytes = std::as_bytes(values);
  std::copy(bytes.begin(), bytes.end(), buffer.begin() + static_cast<std::ptrdiff_t>(at));
}

void pack(std::span<std::byte> to, const PackedProduct& at, const ByteWeights& w) {
  put(to, at.codes, std::span(w.codes).first(at.out * at.in));
  put(to, at.scales, std::span(w.scales).first(at.out));
  put(to, at.bias, std::span(w.bias).first(at.out));
}

void pack(std::span<std::byte> to, const PackedNorm& at, std::span<const float> gamma, std::span<const float> beta) {
  put(to, at.gamma, gamma);
  put(to, at.beta, beta);
}

// What can be seen of a result by itself: numbers, and not the same ones everywhere. Zeros in the place of a result
// are, and so is what the buffer was filled with before the launch.
std::string check_plausible(std::span<const float> y, std::size_t rows, std::size_t width) {
  for (std::size_t r = 0; r < rows; ++r) {
    const auto row = y.subspan(r * width, width);
    float low = row[0];
    float high = row[0];
    for (std::size_t c = 0; c < width; ++c) {
      if (!(std::abs(row[c]) < 1e6F)) return fmt::format("value [{}, {}] is {}", r, c, row[c]);
      low = std::min(low, row[c]);
      high = std::max(high, row[c]);
    }
    if (low == high) return fmt::format("all values of row {} are {}", r, low);
  }
  return {};
}

// The launch's buffers, with every phase's operands found by the layout.
class Audit {
 public:
  Audit(const LaunchShape& shape, const JobArguments& arguments) : shape_(shape), at_(shape), arguments_(arguments) {}

  std::string run() const {
    const std::size_t rows = shape_.rows;
    const std::size_t width = shape_.inner;
    const std::size_t ffn = shape_.cols;
    const TensorView<const float> x(arguments_.get<float>(0).data(), rows, width);
    const TensorView<const float> middle(floats(at_.middle, rows * width).data(), rows, width);
    const TensorView<const float> attended(floats(at_.attended, rows * width).data(), rows, width);
    const TensorView<const float> hidden(floats(at_.hidden, rows * ffn).data(), rows, ffn);
    const auto x_values = std::span<const float>(arguments_.get<float>(0));
    const auto y = std::span<const float>(arguments_.get<float>(3));
    const std::array<std::pair<const char*, std::string>, 9> found = {{
        {"norm before attention", norm(x, at_.attention_norm, at_.codes, at_.scales)},
        {"query, key, value",
         product(at_.query_key_value, at_.codes, at_.scales, {}, floats(at_.qkv, rows * 3 * width))},
        {"attention", heads(attended)},
        {"rounding what was attended", rounding(attended, at_.attended_codes, at_.attended_scales)},
        {"attention's projection", product(at_.attention_out, at_.attended_codes, at_.attended_scales, x_values,
                                           floats(at_.middle, rows * width))},
        {"norm before feed-forward", norm(middle, at_.mlp_norm, at_.middle_codes, at_.middle_scales)},
        {"feed-forward up", product(at_.up, at_.middle_codes, at_.middle_scales, {}, floats(at_.hidden, rows * ffn))},
        {"rounding the hidden layer", rounding(hidden, at_.hidden_codes, at_.hidden_scales)},
        {"feed-forward down",
         product(at_.down, at_.hidden_codes, at_.hidden_scales, floats(at_.middle, rows * width), y)},
    }};
    for (const auto& [phase, problem] : found) {
      if (!problem.empty()) return fmt::format("{}: {}", phase, problem);
    }
    return {};
  }

 private:
  template <typename T>
  static std::span<const T> piece(std::span<std::byte> bytes, std::size_t at, std::size_t values) {
    return {reinterpret_cast<const T*>(bytes.data() + at), values};
  }
  std::span<const float> floats(std::size_t at, std::size_t values) const {
    return piece<float>(arguments_.bytes(kWork), at, values);
  }
  std::span<const std::int8_t> codes(std::size_t at, std::size_t values) const {
    return piece<std::int8_t>(arguments_.bytes(kWork), at, values);
  }

  std::string norm(TensorView<const float> x, const PackedNorm& at, std::size_t to, std::size_t scales) const {
    const auto weights = arguments_.bytes(1);
    return check_layer_norm(
        x, {piece<float>(weights, at.gamma, shape_.inner), piece<float>(weights, at.beta, shape_.inner)},
        codes(to, x.rows() * x.cols()), floats(scales, x.rows()));
  }
  std::string rounding(TensorView<const float> x, std::size_t to, std::size_t scales) const {
    return check_rounding(x, codes(to, x.rows() * x.cols()), floats(scales, x.rows()));
  }
  std::string product(const PackedProduct& at, std::size_t from, std::size_t scales, std::span<const float> residual,
                      std::span<const float> y) const {
    const auto weights = arguments_.bytes(1);
    return check_product({.a = codes(from, shape_.rows * at.in),
                          .row_scale = floats(scales, shape_.rows),
                          .b = piece<std::int8_t>(weights, at.codes, at.out * at.in),
                          .col_scale = piece<float>(weights, at.scales, at.out),
                          .bias = piece<float>(weights, at.bias, at.out),
                          .residual = residual,
                          .y = y,
                          .inner = at.in,
                          .gelu = &at == &at_.up});
  }
  std::string heads(TensorView<const float> attended) const {
    const std::size_t rows = shape_.rows;
    for (std::size_t h = 0; h < shape_.heads; ++h) {
      const HeadBytes head = {.q = codes(at_.q + h * rows * kHeadDim, rows * kHeadDim),
                              .q_step = piece<std::int32_t>(arguments_.bytes(kWork), at_.q_step + h * rows * 4, rows),
                              .k = codes(at_.k + h * rows * kHeadDim, rows * kHeadDim),
                              .v = codes(at_.v + h * rows * kHeadDim, rows * kHeadDim),
                              .v_scale = floats(at_.v_scale + h * kHeadDim * 4, kHeadDim)};
      std::string problem = values_of(head, h);
      if (problem.empty()) problem = check_head(head, h, shape_.keys, attended.cols_at(h * kHeadDim, kHeadDim));
      if (!problem.empty()) return problem;
    }
    return {};
  }
  // The values that attention read, of every 61st key, against what the product gave.
  std::string values_of(const HeadBytes& head, std::size_t number) const {
    const std::size_t rows = shape_.rows;
    const auto qkv = floats(at_.qkv, rows * 3 * shape_.inner);
    for (std::size_t r = 0; r < shape_.keys; r += 61) {
      for (std::size_t c = 0; c < kHeadDim; ++c) {
        const float expected = qkv[r * 3 * shape_.inner + 2 * shape_.inner + number * kHeadDim + c];
        const float found = static_cast<float>(head.v[c * rows + r]) * head.v_scale[c];
        if (!(std::abs(found - expected) <= 0.6F * head.v_scale[c] + 1e-4F * std::abs(expected))) {
          return fmt::format("value [{}, {}] of head {} is {}, expected {}", r, c, number, found, expected);
        }
      }
    }
    return {};
  }

  const LaunchShape shape_;
  const BlockLayout at_;
  const JobArguments& arguments_;
};

}  // namespace

bool Operations::encoder_block(const BlockOperands& block, TensorView<float> x) {
  const KernelSpec& spec = executor_.catalog().at("encoder_block");
  const std::size_t width = x.cols();
  const LaunchShape shape = {.rows = round_up(x.rows(), kArrayTile),
                             .inner = width,
                             .cols = block.up.out,
                             .heads = block.heads,
                             .keys = x.rows()};
  if (const std::string reason = spec.unfit(shape); !reason.empty()) {
    return finish_block({.done = 0, .reason = reason});
  }
  const bool audits = blocks_.fetch_add(1) % kAuditEvery == 0;
  const std::array<std::size_t, 1> unread = {kWork};
  const std::array<ResidentInput, 1> resident = {
      {{.argument = 1, .key = block.query_key_value.key, .fill = [&](std::span<std::byte> to) {
          const BlockLayout at(shape);
          pack(to, at.attention_norm, block.attention_gamma, block.attention_beta);
          pack(to, at.query_key_value, block.query_key_value);
          pack(to, at.attention_out, block.attention_out);
          pack(to, at.mlp_norm, block.mlp_gamma, block.mlp_beta);
          pack(to, at.up, block.up);
          pack(to, at.down, block.down);
        }}}};
  const Job job = {.spec = spec,
                   .shape = shape,
                   .fill =
                       [&](std::size_t, const JobArguments& arguments) {
                         const auto to = arguments.get<float>(0);
                         for (std::size_t r = 0; r < x.rows(); ++r) {
                           std::copy(x.row(r).begin(), x.row(r).end(),
                                     to.begin() + static_cast<std::ptrdiff_t>(r * width));
                         }
                         std::fill(to.begin() + static_cast<std::ptrdiff_t>(x.rows() * width), to.end(), 0.0F);
                       },
                   .drain = [&](std::size_t, const JobArguments& arguments) -> std::string {
                     const auto y = arguments.get<float>(3);
                     std::string problem = check_plausible(y, x.rows(), width);
                     if (problem.empty() && audits) problem = Audit(shape, arguments).run();
                     if (!problem.empty()) return problem;
                     for (std::size_t r = 0; r < x.rows(); ++r) {
                       std::copy_n(y.begin() + static_cast<std::ptrdiff_t>(r * width), width, x.row(r).begin());
                     }
                     return {};
                   },
                   .resident = resident,
                   .unread = audits ? std::span<const std::size_t>() : unread,
                   .poison = true};
  return finish_block(executor_.run(job));
}

bool Operations::finish_block(const JobResult& result) {
  const std::scoped_lock lock(mutex_);
  OperationCount& count = counts_[static_cast<std::size_t>(Operation::kEncoderBlock)];
  const bool whole = result.done == 1;
  ++(whole ? count.npu : count.npu_single);
  if (!whole) count.reason = result.reason;
  return whole;
}

}  // namespace amanuensis::device::npu
