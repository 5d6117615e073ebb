#include "device/npu/operations.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "device/npu/kernels/log_mel.h"
#include "device/npu/result_checks.h"

namespace amanuensis::device::npu {
namespace {

constexpr float kLargestByte = 127.0F;

// Written so that compilers turn both loops into vector instructions: sizes compare as their bits do.
float quantize(std::span<const float> values, std::int8_t* codes) {
  std::uint32_t bits = 0;
  for (const float value : values) bits = std::max(bits, std::bit_cast<std::uint32_t>(value) & 0x7FFFFFFFU);
  const auto largest = std::bit_cast<float>(bits);
  const float factor = largest > 0 ? kLargestByte / largest : 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float x = values[i] * factor;
    codes[i] = static_cast<std::int8_t>(static_cast<std::int32_t>(x + (x < 0 ? -0.5F : 0.5F)));
  }
  return largest / kLargestByte;
}

// Rows behind the last real one are left as they are: what padding gives is not looked at.
void copy_rows(TensorView<const float> from, std::span<float> to, std::size_t stride) {
  for (std::size_t r = 0; r < from.rows(); ++r) {
    std::copy(from.row(r).begin(), from.row(r).end(), to.begin() + static_cast<std::ptrdiff_t>(r * stride));
  }
}

}  // namespace

void ByteRows::reset(std::size_t new_rows, std::size_t cols) {
  rows = new_rows;
  padded_rows = round_up(rows, kArrayTile);
  padded_cols = round_up(cols, kRowTile);
  codes.assign(padded_rows * padded_cols, 0);
  scales.assign(padded_rows, 0);
}

void quantize_rows(TensorView<const float> x, ByteRows& out) {
  out.reset(x.rows(), x.cols());
  for (std::size_t r = 0; r < x.rows(); ++r) out.scales[r] = quantize(x.row(r), out.codes.data() + r * out.padded_cols);
}

Operations::Operations(Executor& executor, const TileKernels& host) : executor_(executor), host_(host) {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i].name = to_string(static_cast<Operation>(i));
}

ByteWeights Operations::make_weights(std::size_t out, std::size_t in,
                                     const std::function<void(std::size_t, std::span<float>)>& weight,
                                     std::span<const float> bias) {
  ByteWeights weights;
  weights.in = in;
  weights.out = out;
  weights.padded_in = round_up(in, kRowTile);
  weights.padded_out = round_up(out, kArrayTile);
  weights.codes.assign(weights.padded_out * weights.padded_in, 0);
  weights.scales.assign(weights.padded_out, 0);
  weights.bias.assign(weights.padded_out, 0);
  std::copy(bias.begin(), bias.end(), weights.bias.begin());
  std::vector<float> row(in);
  for (std::size_t r = 0; r < out; ++r) {
    weight(r, row);
    weights.scales[r] = quantize(row, weights.codes.data() + r * weights.padded_in);
  }
  weights.key = next_key_.fetch_add(1);
  return weights;
}

bool Operations::finish(Operation operation, const JobResult& result, std::size_t batches) {
  const std::scoped_lock lock(mutex_);
  OperationCount& count = counts_[static_cast<std::size_t>(operation)];
  const bool whole = result.done == batches;
  ++(whole ? count.npu : count.cpu);
  if (!whole) count.reason = result.reason;
  return whole;
}

bool Operations::refuse(Operation operation, const std::string& reason) {
  return finish(operation, {.done = 0, .reason = reason}, 1);
}

std::size_t Operations::log_mel_batches(const KernelSpec& spec, std::span<const std::int16_t> frames,
                                        std::span<std::int8_t> bands, std::string& reason) {
  const std::size_t batch_samples = spec.batch * tile::kFrameSamples;
  const std::size_t batch_bands = spec.batch * tile::kMelBands;
  const Job job = {
      .spec = spec,
      .shape = {.rows = spec.batch},
      .batches = bands.size() / batch_bands,
      .fill =
          [&](std::size_t batch, const JobArguments& arguments) {
            const auto from = frames.subspan(batch * batch_samples, batch_samples);
            std::copy(from.begin(), from.end(), arguments.get<std::int16_t>(0).begin());
          },
      .drain = [&](std::size_t batch, const JobArguments& arguments) -> std::string {
        const auto result = arguments.get<std::int8_t>(1);
        // One frame of each batch, another one every time.
        const std::size_t frame = batch % spec.batch;
        std::array<std::int8_t, tile::kMelBands> expected = {};
        host_.log_mel(frames.data() + batch * batch_samples + frame * tile::kFrameSamples, expected.data(), 1);
        if (!std::equal(expected.begin(), expected.end(), result.begin() + frame * tile::kMelBands)) {
          return fmt::format("frame {} of a batch differs from the host's", frame);
        }
        std::copy(result.begin(), result.end(), bands.begin() + static_cast<std::ptrdiff_t>(batch * batch_bands));
        return {};
      }};
  const JobResult result = executor_.run(job);
  if (!result.reason.empty()) reason = result.reason;
  return result.done * spec.batch;
}

void Operations::log_mel(std::span<const std::int16_t> frames, std::span<std::int8_t> bands,
                         std::string_view batch_kernel) {
  constexpr std::size_t kSamples = tile::kFrameSamples;
  constexpr std::size_t kBands = tile::kMelBands;
  const std::size_t count = bands.size() / kBands;
  std::string reason;
  const std::size_t batched = log_mel_batches(executor_.catalog().at(batch_kernel), frames, bands, reason);
  const std::size_t single = log_mel_batches(executor_.catalog().at("log_mel_1"), frames.subspan(batched * kSamples),
                                             bands.subspan(batched * kBands), reason);
  const std::size_t done = batched + single;
  host_.log_mel(frames.data() + done * kSamples, bands.data() + done * kBands, static_cast<std::int32_t>(count - done));
  const std::scoped_lock lock(mutex_);
  OperationCount& total = counts_[static_cast<std::size_t>(Operation::kLogMel)];
  total.npu += batched;
  total.npu_single += single;
  total.cpu += count - done;
  if (!reason.empty()) total.reason = reason;
}

bool Operations::matmul(const ByteRows& x, const ByteWeights& w, TensorView<float> y, const MatmulOptions& options,
                        std::string_view kernel) {
  const KernelSpec& spec = executor_.catalog().at(kernel);
  if (x.padded_cols != w.padded_in) return refuse(Operation::kMatmul, "rows and weights differ in length");
  const std::size_t cols = w.padded_out;
  const bool adds = options.residual.rows() > 0;
  const std::size_t behind = spec.packed ? 1 : 2;  // the arguments behind the operands
  const auto copy_to = [](const auto& from, auto to) { std::copy(from.begin(), from.end(), to.begin()); };
  std::vector<ResidentInput> resident = {
      {.argument = behind + 1,
       .key = w.key,
       .fill = [&](std::span<std::byte> to) { copy_to(std::as_bytes(std::span(w.scales)), to); }},
      {.argument = behind + 2, .key = w.key, .fill = [&](std::span<std::byte> to) {
         copy_to(std::as_bytes(std::span(w.bias)), to);
       }}};
  if (!spec.packed) {
    resident.push_back({.argument = 1, .key = w.key, .fill = [&](std::span<std::byte> to) {
                          copy_to(std::as_bytes(std::span(w.codes)), to);
                        }});
  }
  const Job job = {
      .spec = spec,
      .shape = {.rows = x.padded_rows, .inner = w.padded_in, .cols = cols, .gelu = options.gelu, .add_residual = adds},
      .fill =
          [&](std::size_t, const JobArguments& arguments) {
            copy_to(x.codes, arguments.get<std::int8_t>(0));
            if (spec.packed) copy_to(w.codes, arguments.get<std::int8_t>(0).subspan(x.codes.size()));
            copy_to(x.scales, arguments.get<float>(behind));
            if (adds) copy_rows(options.residual, arguments.get<float>(behind + 3), cols);
          },
      .drain = [&](std::size_t, const JobArguments& arguments) -> std::string {
        const auto result = arguments.get<float>(behind + 4);
        const auto residual = adds ? arguments.get<float>(behind + 3) : std::span<float>();
        std::string problem = check_product({.a = x.codes,
                                             .row_scale = x.scales,
                                             .b = w.codes,
                                             .col_scale = w.scales,
                                             .bias = w.bias,
                                             .residual = residual,
                                             .y = result,
                                             .inner = w.padded_in,
                                             .gelu = options.gelu});
        if (!problem.empty()) return problem;
        for (std::size_t r = 0; r < x.rows; ++r) {
          std::copy_n(result.begin() + static_cast<std::ptrdiff_t>(r * cols), w.out, y.row(r).begin());
        }
        return {};
      },
      .resident = resident};
  return finish(Operation::kMatmul, executor_.run(job), 1);
}

void Operations::add_audio(const AudioTotals& audio) {
  const std::scoped_lock lock(mutex_);
  audio_.log_mel_s += audio.log_mel_s;
  audio_.encoder_s += audio.encoder_s;
}

AudioTotals Operations::audio() const {
  const std::scoped_lock lock(mutex_);
  return audio_;
}

std::vector<OperationCount> Operations::counts() const {
  const std::scoped_lock lock(mutex_);
  return {counts_.begin(), counts_.end()};
}

}  // namespace amanuensis::device::npu
