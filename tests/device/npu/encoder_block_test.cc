// A whole transformer block in one launch: against float32, against the same block by seven kernels, and when it fails.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "device/cpu/cpu_backend.h"
#include "device/npu/block_phases.h"
#include "device/npu/npu_backend.h"
#include "npu_rig.h"
#include "support/cpu_machine.h"
#include "support/error_of.h"

namespace amanuensis::device::npu {
namespace {

using test::error_of;
using ::testing::HasSubstr;

class Weights final : public MatrixSource {
 public:
  Weights(std::size_t rows, std::size_t cols, std::uint32_t seed)
      : values_(gaussian(rows * cols, seed, 0.7F / std::sqrt(static_cast<float>(cols)))), rows_(rows), cols_(cols) {}
  std::size_t rows() const override { return rows_; }
  std::size_t cols() const override { return cols_; }
  void read_row(std::size_t row, std::span<float> out) const override {
    std::copy_n(values_.begin() + static_cast<std::ptrdiff_t>(row * cols_), cols_, out.begin());
  }

 private:
  std::vector<float> values_;
  std::size_t rows_;
  std::size_t cols_;
};

// A block with weights of its own, on any backend.
struct TestBlock {
  TestBlock(std::size_t width_, std::size_t heads_, std::size_t ffn_)
      : width(width_),
        heads(heads_),
        qkv(3 * width, width, 1),
        out(width, width, 2),
        up(ffn_, width, 3),
        down(width, ffn_, 4),
        gamma(gaussian(width, 5, 0.2F)),
        beta(gaussian(width, 6, 0.1F)),
        qkv_bias(gaussian(3 * width, 7, 0.3F)),
        up_bias(gaussian(ffn_, 8, 0.3F)),
        width_bias(gaussian(width, 9, 0.3F)) {
    for (float& value : gamma) value += 1;
  }

  // x through the block as float32 has it.
  void on_cpu(Backend& backend, TensorView<float> x) const {
    const auto linear = [&](const Weights& weights, const std::vector<float>& bias) {
      return backend.prepare_linear(weights, bias);
    };
    const auto w_qkv = linear(qkv, qkv_bias);
    const auto w_out = linear(out, width_bias);
    const auto w_up = linear(up, up_bias);
    const auto w_down = linear(down, width_bias);
    std::vector<float> wide(x.rows() * std::max(3 * width, up.rows()));
    std::vector<float> attended(x.rows() * width);
    const TensorView<float> q(wide.data(), x.rows(), 3 * width);
    const TensorView<float> a(attended.data(), x.rows(), width);
    backend.norm_linear(*w_qkv, {gamma, beta}, x, q, {});
    backend.self_attention(q.cols_at(0, width), q.cols_at(width, width), q.cols_at(2 * width, width), heads, a);
    backend.linear(*w_out, a, x, {.residual = x.data(), .residual_stride = x.stride()});
    const TensorView<float> hidden(wide.data(), x.rows(), up.rows());
    backend.norm_linear(*w_up, {gamma, beta}, x, hidden, {.gelu = true});
    backend.linear(*w_down, hidden, x, {.residual = x.data(), .residual_stride = x.stride()});
  }

  void on_npu(EncoderBackend& backend, TensorView<float> x) const {
    const auto w_qkv = backend.prepare_encoder_linear(qkv, qkv_bias);
    const auto w_out = backend.prepare_encoder_linear(out, width_bias);
    const auto w_up = backend.prepare_encoder_linear(up, up_bias);
    const auto w_down = backend.prepare_encoder_linear(down, width_bias);
    backend.encoder_block({.attention_norm = {gamma, beta},
                           .query_key_value = w_qkv.get(),
                           .attention_out = w_out.get(),
                           .heads = heads,
                           .mlp_norm = {gamma, beta},
                           .mlp_up = w_up.get(),
                           .mlp_down = w_down.get()},
                          x);
  }

  std::size_t width;
  std::size_t heads;
  Weights qkv;
  Weights out;
  Weights up;
  Weights down;
  std::vector<float> gamma;
  std::vector<float> beta;
  std::vector<float> qkv_bias;
  std::vector<float> up_bias;
  std::vector<float> width_bias;
};

struct Machine {
  explicit Machine(NpuRig& rig)
      : pool(2),
        backend(
            make_npu_backend({.cpu = make_cpu_backend({.pool = pool,
                                                       .kernels = kernels::select_kernels(detect_cpu_features(), {}),
                                                       .compute_type = ComputeType::kInt8}),
                              .operations = rig.operations})) {}
  ThreadPool pool;
  std::unique_ptr<EncoderBackend> backend;
};

struct Size {
  std::size_t frames, width, heads, ffn;
};

// What the block adds to x is compared, for x itself would hide much.
TEST(EncoderBlock, IsOneLaunchAndCloseToFloat32AtEverySize) {
  for (const Size& size : {Size{1500, 512, 8, 2048}, Size{1500, 384, 6, 1536}, Size{333, 768, 12, 3072},
                           Size{1, 64, 1, 64}, Size{257, 192, 3, 768}}) {
    SCOPED_TRACE(testing::Message() << size.frames << " x " << size.width);
    const TestBlock block(size.width, size.heads, size.ffn);
    const std::vector<float> x = gaussian(size.frames * size.width, 11, 1.5F);
    std::vector<float> expected = x;
    test::CpuMachine cpu(ComputeType::kFloat32);
    block.on_cpu(cpu.backend(), TensorView<float>(expected.data(), size.frames, size.width));
    NpuRig rig;
    const Machine machine(rig);
    std::vector<float> found = x;
    block.on_npu(*machine.backend, TensorView<float>(found.data(), size.frames, size.width));
    EXPECT_EQ(rig.count("encoder_block").npu, 1U) << rig.count("encoder_block").reason;
    EXPECT_EQ(rig.count("matmul").npu, 0U);
    EXPECT_EQ(rig.status("encoder_block").counters.launches, 2U);  // the self-test and this one
    for (std::size_t i = 0; i < x.size(); ++i) {
      expected[i] -= x[i];
      found[i] -= x[i];
    }
    EXPECT_GE(correlation(found, expected), 0.999);
  }
}

TEST(EncoderBlock, WhatItCannotDoGoesToTheSmallerKernels) {
  NpuRig rig;
  const Machine machine(rig);
  const TestBlock block(1280, 20, 5120);
  std::vector<float> x = gaussian(64 * 1280, 12, 1);
  block.on_npu(*machine.backend, TensorView<float>(x.data(), 64, 1280));
  EXPECT_EQ(rig.count("encoder_block").npu, 0U);
  EXPECT_EQ(rig.count("encoder_block").npu_single, 1U);
  EXPECT_THAT(rig.count("encoder_block").reason, HasSubstr("5120"));
  EXPECT_EQ(rig.count("matmul").npu, 4U);
  EXPECT_EQ(rig.status("encoder_block").counters.failures, 0U) << "no fault of the kernel";
}

TEST(EncoderBlock, AFailureStepsDownToTheSmallerKernelsOnTheNpu) {
  auto plan = std::make_shared<FaultPlan>();
  plan->site = CallSite::kWait;
  plan->fault = Fault::kTimeout;
  plan->after = 1;  // its self-test goes well
  NpuRig rig(with_faults([] { return make_simulator({.threads = 2}); }, plan));
  const Machine machine(rig);
  const TestBlock block(128, 2, 256);
  std::vector<float> x = gaussian(100 * 128, 13, 1);
  std::vector<float> expected = x;
  test::CpuMachine cpu(ComputeType::kFloat32);
  block.on_cpu(cpu.backend(), TensorView<float>(expected.data(), 100, 128));
  block.on_npu(*machine.backend, TensorView<float>(x.data(), 100, 128));
  EXPECT_GE(correlation(x, expected), 0.999);
  EXPECT_EQ(rig.status("encoder_block").state, KernelState::kSetAside);
  EXPECT_EQ(rig.count("encoder_block").npu_single, 1U);
  EXPECT_EQ(rig.count("attention").npu, 1U);
  EXPECT_EQ(rig.count("attention").cpu, 0U);
}

// A device that ends at once and computes nothing leaves what was there before the launch.
TEST(EncoderBlock, WrongResultsAreFoundOut) {
  for (const Fault fault : {Fault::kGarbage, Fault::kZeros}) {
    for (const std::size_t after : {1U, 2U}) {  // at the audited first launch, and at the next
      auto plan = std::make_shared<FaultPlan>();
      plan->site = CallSite::kWait;
      plan->fault = fault;
      plan->after = after;
      NpuRig rig(with_faults([] { return make_simulator({.threads = 2}); }, plan));
      const Machine machine(rig);
      const TestBlock block(128, 2, 256);
      for (int i = 0; i < 2; ++i) {
        std::vector<float> x = gaussian(100 * 128, 14, 1);
        block.on_npu(*machine.backend, TensorView<float>(x.data(), 100, 128));
      }
      EXPECT_THAT(rig.status("encoder_block").reason, HasSubstr("wrong result")) << to_string(fault) << after;
    }
  }
}

// Kernels with one phase spoilt a little: sums of products are 1 % off.
TEST(EncoderBlock, TheAuditNamesThePhaseThatIsWrong) {
  static const TileKernels& good = best_tile_kernels(detect_cpu_features());
  static bool spoil = false;
  TileKernels kernels = good;
  kernels.quantize_row = [](const float* const* parts, std::int32_t cols, std::int8_t* y, float* scale) {
    good.quantize_row(parts, cols, y, scale);
    if (spoil) *scale *= 1.01F;
  };
  spoil = false;
  NpuRig rig([&] { return make_simulator({.threads = 1, .kernels = &kernels}); });
  const Machine machine(rig);
  const TestBlock block(128, 2, 256);
  ASSERT_EQ(rig.executor.prepare(rig.catalog.at("encoder_block")), "");
  spoil = true;
  std::vector<float> x = gaussian(100 * 128, 15, 1);
  block.on_npu(*machine.backend, TensorView<float>(x.data(), 100, 128));
  EXPECT_THAT(rig.status("encoder_block").reason, HasSubstr("rounding what was attended"));
}

TEST(EncoderBlock, PhasesThatNeedMoreThanTheCatalogStatesAreRefused) {
  const Catalog catalog;
  KernelSpec spec = catalog.at("encoder_block");
  const LaunchShape shape = {.rows = 1536, .inner = 512, .cols = 2048, .heads = 8, .keys = 1500};
  EXPECT_EQ(block_phases(spec, shape).size(), 10U);
  spec.fifos[1].depth = 4;
  const auto error = error_of([&] { (void)block_phases(spec, shape); });
  EXPECT_EQ(error.code, ErrorCode::kBadData);
  EXPECT_THAT(error.message, testing::AllOf(HasSubstr("encoder_block"), HasSubstr("5 elements of 4096 bytes")));
}

// Every byte of every argument belongs to exactly one thing.
TEST(EncoderBlock, TheLayoutHasNoGapsAndNoOverlaps) {
  const Catalog catalog;
  const LaunchShape shape = {.rows = 256, .inner = 192, .cols = 768, .heads = 3, .keys = 200};
  const BlockLayout at(shape);
  std::vector<int> weights(at.weights_bytes);
  std::vector<int> work(at.work_bytes);
  for (const BlockPhase& phase : block_phases(catalog.at("encoder_block"), shape)) {
    for (std::size_t i = 0; i < phase.slices.size(); ++i) {
      const BlockSlice& slice = phase.slices[i];
      const std::size_t size = phase.spec.arguments[i].size_bytes(phase.shape);
      const bool writes = phase.spec.arguments[i].direction == Direction::kOut;
      if (slice.absent || slice.of == BlockArgument::kX || slice.of == BlockArgument::kY) continue;
      auto& bytes = slice.of == BlockArgument::kWeights ? weights : work;
      ASSERT_LE(slice.at + size, bytes.size()) << phase.what;
      for (std::size_t b = slice.at; b < slice.at + size; ++b) {
        if (slice.of == BlockArgument::kWeights || writes) ++bytes[b];
      }
    }
  }
  EXPECT_TRUE(std::all_of(weights.begin(), weights.end(), [](int times) { return times == 1; }));
  EXPECT_TRUE(std::all_of(work.begin(), work.end(), [](int times) { return times == 1; }));
}

}  // namespace
}  // namespace amanuensis::device::npu
