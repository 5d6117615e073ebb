// Failure and recovery of the unified runtime, with faults at every call of the port.
#include "device/npu/executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/error.h"
#include "npu_rig.h"

namespace amanuensis::device::npu {
namespace {

using ::testing::HasSubstr;

OpenRuntime simulator() {
  return [] { return make_simulator({.threads = 1}); };
}

std::vector<std::int16_t> some_frames(std::size_t count) {
  std::vector<std::int16_t> frames;
  for (const float value : gaussian(count * 400, 77, 3000)) frames.push_back(static_cast<std::int16_t>(value));
  return frames;
}

std::vector<std::int8_t> bands_on_cpu(const std::vector<std::int16_t>& frames) {
  std::vector<std::int8_t> bands(frames.size() / 400 * 80);
  tile_kernel_variants().back().log_mel(frames.data(), bands.data(), static_cast<std::int32_t>(frames.size() / 400));
  return bands;
}

struct Case {
  CallSite site;
  Fault fault;
};

std::vector<Case> every_case() {
  std::vector<Case> cases;
  for (std::size_t i = 0; i < kCallSites; ++i) {
    const auto site = static_cast<CallSite>(i);
    for (const Fault fault : faults_at(site)) cases.push_back({site, fault});
  }
  return cases;
}

// At every call site, in every way, at the first call, during the self-test and in the middle of the work: the result
// is the same to the byte, and the failure is on record.
TEST(Executor, FaultsAnywhereLeaveTheResultAlone) {
  const std::vector<std::int16_t> frames = some_frames(103);
  const std::vector<std::int8_t> expected = bands_on_cpu(frames);
  std::size_t injected = 0;
  for (const Case& each : every_case()) {
    for (const std::size_t after : {0U, 1U, 4U, 7U}) {
      auto plan = std::make_shared<FaultPlan>();
      plan->site = each.site;
      plan->fault = each.fault;
      plan->after = after;
      SCOPED_TRACE(testing::Message() << to_string(each.fault) << " in " << to_string(each.site) << " after " << after);
      NpuRig rig(with_faults(simulator(), plan));
      std::vector<std::int8_t> bands(103 * 80);
      rig.operations.log_mel(frames, bands);
      EXPECT_EQ(bands, expected);
      if (each.site == CallSite::kClose) continue;  // nothing was wrong before the end
      if (plan->injected > 0) {
        ++injected;
        const ExecutorStatus status = rig.executor.status();
        const bool in_kernels = std::any_of(status.kernels.begin(), status.kernels.end(),
                                            [](const KernelStatus& k) { return k.counters.failures > 0; });
        EXPECT_TRUE(in_kernels || !status.reason.empty()) << "the fault left no trace";
        EXPECT_THAT(rig.events, testing::Contains(testing::AnyOf(HasSubstr("next attempt"))));
        const OperationCount count = rig.count("log_mel");
        EXPECT_GT(count.cpu + count.npu_single, 0U) << "nobody took over";
        EXPECT_NE(count.reason, "");
      }
    }
  }
  EXPECT_GE(injected, 40U);
}

TEST(Executor, AFailureOnlyTouchesItsKernel) {
  auto plan = std::make_shared<FaultPlan>();
  plan->site = CallSite::kWait;
  plan->fault = Fault::kTimeout;
  plan->after = 1;  // the self-test goes well
  NpuRig rig(with_faults(simulator(), plan));
  const auto frames = some_frames(45);
  std::vector<std::int8_t> bands(45 * 80);
  rig.operations.log_mel(frames, bands);
  EXPECT_EQ(bands, bands_on_cpu(frames));
  EXPECT_EQ(rig.status("log_mel_20").state, KernelState::kSetAside);
  EXPECT_THAT(rig.status("log_mel_20").reason, HasSubstr("timed out"));
  EXPECT_EQ(rig.status("log_mel_1").state, KernelState::kReady);
  EXPECT_EQ(rig.count("log_mel").npu_single, 45U);
  EXPECT_EQ(rig.count("log_mel").cpu, 0U);
}

TEST(Executor, AKernelThatFailsItsSelfTestIsNotUsed) {
  auto plan = std::make_shared<FaultPlan>();
  plan->site = CallSite::kWait;
  plan->fault = Fault::kGarbage;
  NpuRig rig(with_faults(simulator(), plan));
  EXPECT_THAT(rig.executor.prepare(rig.catalog.at("matmul_64")), HasSubstr("self-test"));
  EXPECT_EQ(rig.status("matmul_64").state, KernelState::kSetAside);
  EXPECT_EQ(rig.executor.prepare(rig.catalog.at("attention_64")), "");
}

TEST(Executor, WaitsLongerBetweenAttemptsAndRecovers) {
  auto plan = std::make_shared<FaultPlan>();
  plan->site = CallSite::kLoad;
  plan->fault = Fault::kError;
  plan->times = 3;
  NpuRig rig(with_faults(simulator(), plan));
  const KernelSpec& spec = rig.catalog.at("residual_add");
  EXPECT_NE(rig.executor.prepare(spec), "");
  EXPECT_EQ(plan->calls, 1U);
  EXPECT_NE(rig.executor.prepare(spec), "");
  EXPECT_EQ(plan->calls, 1U) << "not tried again before it is time";
  rig.clock.advance(std::chrono::milliseconds(1001));
  EXPECT_NE(rig.executor.prepare(spec), "");
  EXPECT_EQ(plan->calls, 2U);
  rig.clock.advance(std::chrono::milliseconds(1001));
  EXPECT_NE(rig.executor.prepare(spec), "");
  EXPECT_EQ(plan->calls, 2U) << "the second wait is twice as long";
  rig.clock.advance(std::chrono::milliseconds(1000));
  EXPECT_NE(rig.executor.prepare(spec), "");
  rig.clock.advance(std::chrono::milliseconds(4001));
  EXPECT_EQ(rig.executor.prepare(spec), "") << "and in the end it works again";
  EXPECT_EQ(rig.status("residual_add").state, KernelState::kReady);
}

TEST(Executor, ALostDeviceIsOpenedAgain) {
  auto plan = std::make_shared<FaultPlan>();
  plan->site = CallSite::kStart;
  plan->fault = Fault::kDeviceLost;
  plan->after = 2;
  NpuRig rig(with_faults(simulator(), plan));
  const auto frames = some_frames(100);
  std::vector<std::int8_t> bands(100 * 80);
  rig.operations.log_mel(frames, bands);
  EXPECT_EQ(bands, bands_on_cpu(frames));
  EXPECT_FALSE(rig.executor.available());
  EXPECT_THAT(rig.executor.status().reason, HasSubstr("lost"));
  rig.operations.log_mel(frames, bands);
  EXPECT_EQ(rig.executor.status().opened, 1U);
  rig.clock.advance(std::chrono::milliseconds(1001));
  const std::uint64_t before = rig.count("log_mel").npu;
  rig.operations.log_mel(frames, bands);
  EXPECT_EQ(bands, bands_on_cpu(frames));
  EXPECT_TRUE(rig.executor.available());
  EXPECT_EQ(rig.executor.status().opened, 2U);
  EXPECT_EQ(rig.count("log_mel").npu - before, 100U);
}

TEST(Executor, CountsWhatHappened) {
  NpuRig rig(simulator());
  const auto frames = some_frames(61);
  std::vector<std::int8_t> bands(61 * 80);
  rig.operations.log_mel(frames, bands);
  const KernelCounters batches = rig.status("log_mel_20").counters;
  EXPECT_EQ(batches.launches, 4U);  // the self-test and three batches
  EXPECT_EQ(batches.rows, 80U);
  EXPECT_EQ(rig.status("log_mel_1").counters.launches, 2U);
  EXPECT_EQ(batches.failures, 0U);
  EXPECT_GT(batches.kernel_s, 0);
  EXPECT_GT(batches.transfer_s, 0);
  EXPECT_NEAR(batches.predicted_s, 4 * (0.3e-3 + 20 * 213e-6), 1e-9);
}

TEST(Executor, ManyThreadsMayCall) {
  NpuRig rig([] { return make_simulator({.threads = 2}); });
  std::vector<std::jthread> threads;
  std::atomic<int> wrong{0};
  for (std::uint32_t t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      std::vector<std::int16_t> frames;
      for (const float value : gaussian(47 * 400, t, 3000)) frames.push_back(static_cast<std::int16_t>(value));
      std::vector<std::int8_t> bands(47 * 80);
      std::vector<float> a = gaussian(8 * 64, 2 * t);
      std::vector<float> sum(a.size());
      for (int round = 0; round < 3; ++round) {
        rig.operations.log_mel(frames, bands, t % 2 == 0 ? "log_mel_20" : "log_mel_10");
        if (bands != bands_on_cpu(frames)) ++wrong;
        const TensorView<const float> x(a.data(), 8, 64);
        if (!rig.operations.residual_add(x, x, TensorView<float>(sum.data(), 8, 64)) || sum[5] != 2 * a[5]) ++wrong;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(rig.count("log_mel").cpu, 0U);
}

TEST(Executor, ThreadsSurviveALostDevice) {
  auto plan = std::make_shared<FaultPlan>();
  plan->site = CallSite::kWait;
  plan->fault = Fault::kDeviceLost;
  plan->after = 9;
  NpuRig rig(with_faults(simulator(), plan));
  std::vector<std::jthread> threads;
  std::atomic<int> wrong{0};
  for (std::uint32_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::vector<std::int16_t> frames;
      for (const float value : gaussian(83 * 400, t, 3000)) frames.push_back(static_cast<std::int16_t>(value));
      std::vector<std::int8_t> bands(83 * 80);
      rig.operations.log_mel(frames, bands);
      if (bands != bands_on_cpu(frames)) ++wrong;
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, 0);
}

TEST(Executor, NoDeviceIsAReasonNotAFailure) {
  NpuRig rig([]() -> std::unique_ptr<NpuRuntime> { throw Error(ErrorCode::kNotFound, "no NPU here"); });
  EXPECT_FALSE(rig.executor.available());
  EXPECT_EQ(rig.executor.status().reason, "no NPU here");
  const auto frames = some_frames(5);
  std::vector<std::int8_t> bands(5 * 80);
  rig.operations.log_mel(frames, bands);
  EXPECT_EQ(bands, bands_on_cpu(frames));
  EXPECT_EQ(rig.count("log_mel").cpu, 5U);
}

}  // namespace
}  // namespace amanuensis::device::npu
