// What the simulated array notices: the mistakes that batched kernels have been seen to make.
#include "device/npu/simulator/simulator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "npu_rig.h"
#include "support/error_of.h"

namespace amanuensis::device::npu {
namespace {

using test::error_of;
using ::testing::HasSubstr;

TileKernels kernels_with(void (*log_mel)(const std::int16_t*, std::int8_t*, std::int32_t)) {
  TileKernels kernels = tile_kernel_variants().back();
  kernels.log_mel = log_mel;
  return kernels;
}

const TileKernels& good() { return tile_kernel_variants().back(); }

// Why the executor does not use log_mel_20 with these tile kernels.
std::string reason_with(const TileKernels& kernels) {
  NpuRig rig([&] { return make_simulator({.threads = 1, .kernels = &kernels}); });
  return rig.executor.prepare(rig.catalog.at("log_mel_20"));
}

TEST(Simulator, AGoodKernelIsUsed) { EXPECT_EQ(reason_with(good()), ""); }

TEST(Simulator, SaysThatItIsOne) {
  const DeviceInfo info = make_simulator({.threads = 1})->info();
  EXPECT_TRUE(info.simulated);
  EXPECT_THAT(info.name, HasSubstr("simulated"));
}

TEST(Simulator, AKernelThatDoesOnlyTheFirstFrameIsFoundOut) {
  const TileKernels kernels = kernels_with(
      [](const std::int16_t* samples, std::int8_t* bands, std::int32_t) { good().log_mel(samples, bands, 1); });
  EXPECT_THAT(reason_with(kernels), HasSubstr("19 of 20 rows of its output 'bands' unwritten"));
}

TEST(Simulator, AKernelThatDoesTheFirstFrameTwentyTimesIsFoundOut) {
  const TileKernels kernels = kernels_with([](const std::int16_t* samples, std::int8_t* bands, std::int32_t frames) {
    for (std::int32_t f = 0; f < frames; ++f) good().log_mel(samples, bands + f * 80, 1);
  });
  EXPECT_THAT(reason_with(kernels), HasSubstr("values are wrong"));
}

TEST(Simulator, AKernelThatWritesPastItsOutputIsFoundOut) {
  const TileKernels kernels = kernels_with([](const std::int16_t* samples, std::int8_t* bands, std::int32_t frames) {
    good().log_mel(samples, bands, frames);
    bands[frames * 80] = 1;
  });
  EXPECT_THAT(reason_with(kernels), HasSubstr("wrote past the end of 'bands"));
}

TEST(Simulator, AKernelThatWritesInFrontOfItsOutputIsFoundOut) {
  const TileKernels kernels = kernels_with([](const std::int16_t* samples, std::int8_t* bands, std::int32_t frames) {
    good().log_mel(samples, bands, frames);
    bands[-1] = 1;
  });
  EXPECT_THAT(reason_with(kernels), HasSubstr("wrote"));
}

// Partial sums clamped before the K loop ends; the reports had both of these.
TEST(Simulator, SumsThatAreClampedOnTheWayAreFoundOut) {
  TileKernels kernels = good();
  kernels.matmul_64 = [](const std::int8_t* a, const std::int8_t* b, std::int32_t* acc) {
    good().matmul_64(a, b, acc);
    for (int i = 0; i < 64 * 64; ++i) acc[i] = std::clamp(acc[i], -32768, 32767);
  };
  NpuRig rig([&] { return make_simulator({.threads = 1, .kernels = &kernels}); });
  EXPECT_THAT(rig.executor.prepare(rig.catalog.at("matmul_64")), HasSubstr("values are wrong"));
}

TEST(Simulator, ScalesThatAreDroppedAreFoundOut) {
  TileKernels kernels = good();
  kernels.layer_norm = [](const float* x, const tile::LayerNormRows& norm, float* scratch, std::int8_t* y,
                          float* y_scale) {
    good().layer_norm(x, norm, scratch, y, y_scale);
    for (std::int32_t r = 0; r < norm.rows; ++r) y_scale[r] = 1.0F / 127;
  };
  NpuRig rig([&] { return make_simulator({.threads = 1, .kernels = &kernels}); });
  EXPECT_THAT(rig.executor.prepare(rig.catalog.at("layer_norm_256")), HasSubstr("values are wrong"));
}

// Each block of keys by itself, as if the others did not exist.
TEST(Simulator, AttentionBlockByBlockIsFoundOut) {
  TileKernels kernels = good();
  kernels.attention_accumulate = [](const tile::AttentionBlock& block, tile::AttentionState* state) {
    good().attention_begin(state);
    good().attention_accumulate(block, state);
  };
  NpuRig rig([&] { return make_simulator({.threads = 1, .kernels = &kernels}); });
  EXPECT_THAT(rig.executor.prepare(rig.catalog.at("attention_64")), HasSubstr("values are wrong"));
}

struct Launch {
  std::unique_ptr<NpuRuntime> runtime = make_simulator({.threads = 1});
  Catalog catalog;
  std::unique_ptr<NpuKernel> kernel = runtime->load_kernel({.spec = catalog.at("log_mel_1"), .shape = {.rows = 1}});
  std::unique_ptr<NpuBuffer> frames = runtime->allocate(*kernel, 0);
  std::unique_ptr<NpuBuffer> bands = runtime->allocate(*kernel, 1);

  RunResult run() {
    const std::array<NpuBuffer*, 2> arguments = {frames.get(), bands.get()};
    const auto running = runtime->start(*kernel, arguments);
    return runtime->wait(*running, std::chrono::seconds(20));
  }
};

TEST(Simulator, AForgottenSyncShows) {
  Launch launch;
  launch.runtime->sync_to_device(*launch.frames);
  ASSERT_EQ(launch.run().status, RunStatus::kCompleted);
  EXPECT_EQ(launch.bands->bytes()[0], std::byte{0}) << "the host sees a result that was not brought to it";
  launch.runtime->sync_from_device(*launch.bands);
  EXPECT_EQ(static_cast<std::int8_t>(launch.bands->bytes()[0]), -127);  // of silence
}

TEST(Simulator, ABufferOfAnotherSizeIsRefused) {
  Launch launch;
  const auto wrong = launch.runtime->allocate(*launch.kernel, 0);
  const std::array<NpuBuffer*, 2> arguments = {launch.frames.get(), wrong.get()};
  const auto error = error_of([&] { (void)launch.runtime->start(*launch.kernel, arguments); });
  EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.message, ::testing::AllOf(HasSubstr("log_mel_1"), HasSubstr("800"), HasSubstr("80")));
}

TEST(Simulator, ABatchThatIsNotTheKernelsIsRefused) {
  Catalog catalog;
  const auto runtime = make_simulator({.threads = 1});
  const auto error =
      error_of([&] { (void)runtime->load_kernel({.spec = catalog.at("log_mel_10"), .shape = {.rows = 100}}); });
  EXPECT_THAT(error.message, HasSubstr("batch 10"));
}

TEST(Simulator, SixHardwareContextsAndNoMore) {
  Catalog catalog;
  const auto runtime = make_simulator({.threads = 1});
  std::vector<std::unique_ptr<NpuKernel>> kernels;
  const auto load = [&](const char* name, const LaunchShape& shape) {
    kernels.push_back(runtime->load_kernel({.spec = catalog.at(name), .shape = shape}));
  };
  load("log_mel_1", {.rows = 1});
  load("log_mel_10", {.rows = 10});
  load("log_mel_20", {.rows = 20});
  load("log_mel_100", {.rows = 100});
  load("residual_add", {.rows = 4, .cols = 8});
  load("matmul_64", {.rows = 64, .inner = 64, .cols = 64});
  load("matmul_64", {.rows = 128, .inner = 64, .cols = 64});  // another shape, the same context
  const auto error = error_of([&] { load("matmul_16", {.rows = 16, .inner = 16, .cols = 16}); });
  EXPECT_EQ(error.code, ErrorCode::kResourceExhausted);
  kernels.erase(kernels.begin());
  EXPECT_NO_THROW(load("matmul_16", {.rows = 16, .inner = 16, .cols = 16}));
}

TEST(Simulator, ARunThatTakesLongerThanTheWaitTimesOutAndHarmsNobody) {
  static const auto slow = [](const std::int16_t* samples, std::int8_t* bands, std::int32_t frames) {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    good().log_mel(samples, bands, frames);
  };
  const TileKernels kernels = kernels_with(slow);
  Launch launch;
  launch.bands.reset();
  launch.frames.reset();
  launch.kernel.reset();
  launch.runtime = make_simulator({.threads = 1, .kernels = &kernels});
  launch.kernel = launch.runtime->load_kernel({.spec = launch.catalog.at("log_mel_1"), .shape = {.rows = 1}});
  launch.frames = launch.runtime->allocate(*launch.kernel, 0);
  launch.bands = launch.runtime->allocate(*launch.kernel, 1);
  const std::array<NpuBuffer*, 2> arguments = {launch.frames.get(), launch.bands.get()};
  const auto running = launch.runtime->start(*launch.kernel, arguments);
  EXPECT_EQ(launch.runtime->wait(*running, std::chrono::milliseconds(1)).status, RunStatus::kTimedOut);
  // Buffers and kernel go while the array still works.
  launch.frames.reset();
  launch.bands.reset();
  launch.kernel.reset();
}

TEST(Simulator, EveryTileVariantAgrees) {
  for (const TileKernels& variant : tile_kernel_variants()) {
    if (!kernels::runs_on(variant.isa, detect_cpu_features())) continue;
    NpuRig rig([&] { return make_simulator({.threads = 1, .kernels = &variant}); });
    for (const KernelSpec& spec : rig.catalog.kernels()) {
      EXPECT_EQ(rig.executor.prepare(spec), "") << kernels::to_string(variant.isa) << " " << spec.name;
      rig.executor.unload(spec);
    }
  }
}

}  // namespace
}  // namespace amanuensis::device::npu
