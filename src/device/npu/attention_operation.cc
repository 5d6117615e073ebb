// Attention over one window: rounding queries, keys and values to bytes so that little is lost, and checking the
// result.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "device/npu/operations.h"
#include "device/npu/result_checks.h"

namespace amanuensis::device::npu {
namespace {

constexpr std::size_t kHeadDim = 64;

// One head's operands, views into a launch's arguments. rows is padded, frames is not.
struct HeadRoom {
  std::span<std::int8_t> q;        // [rows, 64]
  std::span<std::int32_t> q_step;  // [rows]
  std::span<std::int8_t> k;        // [rows, 64]
  std::span<std::int8_t> v;        // [64, rows]
  std::span<float> v_scale;        // [64]
};

std::int8_t to_byte(float x) { return static_cast<std::int8_t>(std::clamp(std::round(x), -127.0F, 127.0F)); }

// What is the same for all keys does not change a softmax, so the middle of each channel's range is taken off; and
// a factor between a channel of the queries and the same channel of the keys is free to choose, so that no channel
// wastes the bytes' range.
struct Channels {
  std::array<float, kHeadDim> middle = {};
  std::array<float, kHeadDim> factor = {};  // queries are multiplied by it, keys divided
};

Channels channels_of(TensorView<const float> q, TensorView<const float> k) {
  std::array<float, kHeadDim> low;
  std::array<float, kHeadDim> high;
  std::array<float, kHeadDim> largest = {};
  low.fill(std::numeric_limits<float>::infinity());
  high.fill(-std::numeric_limits<float>::infinity());
  for (std::size_t r = 0; r < k.rows(); ++r) {
    for (std::size_t c = 0; c < kHeadDim; ++c) {
      low[c] = std::min(low[c], k(r, c));
      high[c] = std::max(high[c], k(r, c));
    }
  }
  for (std::size_t r = 0; r < q.rows(); ++r) {
    for (std::size_t c = 0; c < kHeadDim; ++c) largest[c] = std::max(largest[c], std::abs(q(r, c)));
  }
  Channels channels;
  for (std::size_t c = 0; c < kHeadDim; ++c) {
    channels.middle[c] = (low[c] + high[c]) / 2;
    const float range = (high[c] - low[c]) / 2;
    channels.factor[c] = range > 0 && largest[c] > 0 ? std::sqrt(range / largest[c]) : 1.0F;
  }
  return channels;
}

void quantize_queries_and_keys(TensorView<const float> q, TensorView<const float> k, const HeadRoom& out) {
  const Channels channels = channels_of(q, k);
  float largest_key = 0;
  for (std::size_t r = 0; r < k.rows(); ++r) {
    for (std::size_t c = 0; c < kHeadDim; ++c) {
      largest_key = std::max(largest_key, std::abs(k(r, c) - channels.middle[c]) / channels.factor[c]);
    }
  }
  const float key_factor = largest_key > 0 ? 127 / largest_key : 0;
  const double to_log2 = largest_key / 127.0 / std::sqrt(static_cast<double>(kHeadDim)) * std::numbers::log2e;
  for (std::size_t r = 0; r < q.rows(); ++r) {
    float largest = 0;
    for (std::size_t c = 0; c < kHeadDim; ++c) {
      largest = std::max(largest, std::abs(q(r, c) * channels.factor[c]));
      out.k[r * kHeadDim + c] = to_byte((k(r, c) - channels.middle[c]) / channels.factor[c] * key_factor);
    }
    const float factor = largest > 0 ? 127 / largest : 0;
    for (std::size_t c = 0; c < kHeadDim; ++c) {
      out.q[r * kHeadDim + c] = to_byte(q(r, c) * channels.factor[c] * factor);
    }
    const double step = largest / 127.0 * to_log2 * (1 << 24);
    out.q_step[r] = static_cast<std::int32_t>(std::min(step + 0.5, 2147483000.0));
  }
}

void quantize_values(TensorView<const float> v, std::size_t rows, const HeadRoom& out) {
  for (std::size_t c = 0; c < kHeadDim; ++c) {
    float largest = 0;
    for (std::size_t r = 0; r < v.rows(); ++r) largest = std::max(largest, std::abs(v(r, c)));
    const float factor = largest > 0 ? 127 / largest : 0;
    for (std::size_t r = 0; r < v.rows(); ++r) out.v[c * rows + r] = to_byte(v(r, c) * factor);
    out.v_scale[c] = largest / 127;
  }
}

HeadBytes bytes_of(const HeadRoom& room) { return {room.q, room.q_step, room.k, room.v, room.v_scale}; }

HeadRoom head_room(const JobArguments& arguments, std::size_t head, std::size_t rows) {
  return {.q = arguments.get<std::int8_t>(0).subspan(head * rows * kHeadDim, rows * kHeadDim),
          .q_step = arguments.get<std::int32_t>(1).subspan(head * rows, rows),
          .k = arguments.get<std::int8_t>(2).subspan(head * rows * kHeadDim, rows * kHeadDim),
          .v = arguments.get<std::int8_t>(3).subspan(head * rows * kHeadDim, rows * kHeadDim),
          .v_scale = arguments.get<float>(4).subspan(head * kHeadDim, kHeadDim)};
}

}  // namespace

bool Operations::attention(TensorView<const float> q, TensorView<const float> k, TensorView<const float> v,
                           std::size_t heads, TensorView<float> out) {
  if (heads == 0 || q.cols() != heads * kHeadDim || k.rows() != q.rows()) {
    return refuse(Operation::kAttention,
                  fmt::format("{} heads of {} values; the kernel takes heads of {} and as many keys as queries", heads,
                              heads == 0 ? 0 : q.cols() / heads, kHeadDim));
  }
  const std::size_t frames = q.rows();
  const std::size_t rows = round_up(frames, kArrayTile);
  const Job job = {
      .spec = executor_.catalog().at("attention_64"),
      .shape = {.rows = rows, .heads = heads, .keys = frames},
      .fill =
          [&](std::size_t, const JobArguments& arguments) {
            for (std::size_t h = 0; h < heads; ++h) {
              const HeadRoom head = head_room(arguments, h, rows);
              const auto columns = [&](TensorView<const float> x) { return x.cols_at(h * kHeadDim, kHeadDim); };
              quantize_queries_and_keys(columns(q), columns(k), head);
              quantize_values(columns(v), rows, head);
            }
          },
      .drain = [&](std::size_t, const JobArguments& arguments) -> std::string {
        const TensorView<const float> result(arguments.get<float>(5).data(), rows, heads * kHeadDim);
        for (std::size_t h = 0; h < heads; ++h) {
          std::string problem =
              check_head(bytes_of(head_room(arguments, h, rows)), h, frames, result.cols_at(h * kHeadDim, kHeadDim));
          if (!problem.empty()) return problem;
        }
        for (std::size_t r = 0; r < frames; ++r) {
          std::copy(result.row(r).begin(), result.row(r).end(), out.row(r).begin());
        }
        return {};
      }};
  return finish(Operation::kAttention, executor_.run(job), 1);
}

}  // namespace amanuensis::device::npu
