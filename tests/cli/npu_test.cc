// `amanuensis devices`, `amanuensis npu ...` and --device: what they print, and what they refuse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/engine.h"
#include "cli/npu_device.h"
#include "support/error_of.h"
#include "support/goldens.h"
#include "support/run_in_process.h"

namespace amanuensis::cli {
namespace {

using test::Outcome;
using test::run_in_process;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(DevicesCommand, NamesTheCpuTheMissingNpuAndTheSimulatedOne) {
  const Outcome outcome = run_in_process({"devices"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("cpu "), HasSubstr("npu "), HasSubstr("npu-sim"), HasSubstr("simulated")));
}

TEST(NpuPlanCommand, ShowsBatchesMemoryTheEncoderAndSources) {
  const Outcome outcome = run_in_process({"npu", "plan", "--model", "base"});
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_THAT(outcome.out,
              AllOf(HasSubstr("Predictions of a cost model"), HasSubstr("log_mel_20"), HasSubstr("18000"),
                    HasSubstr("refused"), HasSubstr("of 65536 bytes"), HasSubstr("attention"), HasSubstr("399.7 ms"),
                    HasSubstr("213"), HasSubstr("seven kernels a block"), HasSubstr("32768 launches")));
}

TEST(NpuPlanCommand, RefusesWhatIsNotThere) {
  EXPECT_EQ(run_in_process({"npu", "plan", "--columns", "5"}).code, 2);
  EXPECT_THAT(run_in_process({"npu", "plan", "--model", "bse"}).error, HasSubstr("base"));
}

TEST(NpuSelftestCommand, EveryKernelPassesOnTheSimulator) {
  const Outcome outcome = run_in_process({"npu", "selftest"});
  EXPECT_EQ(outcome.code, 0) << outcome.out;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("simulated"), HasSubstr("all kernels passed")));
}

TEST(NpuSelftestCommand, SaysWhyThereIsNoNpu) {
  const Outcome outcome = run_in_process({"npu", "selftest", "--device", "npu"});
  EXPECT_NE(outcome.code, 0);
  EXPECT_THAT(outcome.error, HasSubstr("no NPU"));
}

TEST(NpuSelftestCommand, AFaultSetsItsKernelAsideAndTheOthersGoOn) {
  const Outcome outcome = run_in_process({"npu", "selftest", "--npu-fault", "wait:garbage-output:2"});
  EXPECT_EQ(outcome.code, 1) << outcome.out;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("FAILED: gave a wrong result: self-test"), HasSubstr("1 kernels failed"),
                                 HasSubstr("passed")));
}

TEST(DevicesCommand, SaysWhyAKernelIsNotUsed) {
  const Outcome outcome = run_in_process({"devices", "--test", "--npu-fault", "wait:time-out:1"});
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("not used: timed out: injected"), HasSubstr("ready")));
  EXPECT_THAT(run_in_process({"devices", "--npu-fault", "open:error"}).out,
              HasSubstr("npu-sim    not available: injected: error in open"));
}

TEST(NpuFaultOption, IsReadAndRefusedWithWhatThereIs) {
  for (const char* fault : {"wait", "wait:timeout", "wait:time-out:x", "wait:time-out:1:0", "open:garbage-output"}) {
    const Outcome outcome = run_in_process({"devices", "--npu-fault", fault});
    EXPECT_EQ(outcome.code, 2) << fault;
    EXPECT_THAT(outcome.error, HasSubstr("--npu-fault")) << fault;
  }
  EXPECT_THAT(run_in_process({"devices", "--npu-fault", "none:none"}).error,
              AllOf(HasSubstr("wait:time-out"), HasSubstr("sync-from-the-device:device-lost")));
}

TEST(NpuSimulateCommand, ComparesWithTheCpu) {
  const std::string file = test::source_path("models/demo/recordings/planning.flac").string();
  const Outcome outcome = run_in_process({"npu", "simulate", file});
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("simulated NPU"), HasSubstr("correlation 0.99"), HasSubstr("log_mel_20")));
}

TEST(DeviceOption, IsReadAndRefused) {
  EXPECT_EQ(read_device("npu-sim"), DeviceChoice::kNpuSimulated);
  EXPECT_EQ(read_device("auto"), DeviceChoice::kAuto);
  EXPECT_THAT(test::error_of([] { read_device("npu-sum"); }).message,
              AllOf(HasSubstr("--device"), HasSubstr("npu-sim")));
}

TEST(LogMelOption, IsReadAndRefused) {
  EXPECT_EQ(read_log_mel("npu"), MelChoice::kNpu);
  EXPECT_EQ(read_log_mel("auto"), MelChoice::kAuto);
  EXPECT_THAT(test::error_of([] { read_log_mel("gpu"); }).message, AllOf(HasSubstr("--log-mel"), HasSubstr("npu")));
}

TEST(DeviceOption, AutoNeverTakesTheSimulator) {
  const Environment environment;
  EXPECT_EQ(open_npu(environment, {.device = DeviceChoice::kAuto}), nullptr);
  EXPECT_EQ(open_npu(environment, {.device = DeviceChoice::kCpu}), nullptr);
}

TEST(DeviceOption, AnNpuThatIsNotThereIsAnErrorThatNamesTheOthers) {
  const Environment environment;
  const auto error = test::error_of([&] { (void)open_npu(environment, {.device = DeviceChoice::kNpu}); });
  EXPECT_EQ(error.code, ErrorCode::kUnsupported);
  EXPECT_THAT(error.message, AllOf(HasSubstr("--device npu"), HasSubstr("npu-sim"), HasSubstr("docs/npu.md")));
}

}  // namespace
}  // namespace amanuensis::cli
