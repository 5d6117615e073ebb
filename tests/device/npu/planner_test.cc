#include "device/npu/planner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace amanuensis::device::npu {
namespace {

using ::testing::HasSubstr;

TEST(Planner, TheBaseEncoderIsPredictedWithin60msOnFourColumns) {
  const Catalog catalog;
  const EncoderPlan plan = plan_encoder(catalog, {}, 4, {});
  EXPECT_LE(plan.total_s, 0.060);
  EXPECT_GT(plan.total_s, 0.020) << "too good to be true";
  // Everything is in it: six layers of 4.72 G in linears and 2.3 G in attention, and the convolutions' 1.6 G.
  EXPECT_GT(plan.macs, 43.5e9);
  double sum = 0;
  for (const PlanRow& row : plan.rows) sum += row.total_s();
  EXPECT_DOUBLE_EQ(plan.total_s, sum);
}

TEST(Planner, MoreColumnsAreFaster) {
  const Catalog catalog;
  double before = 1;
  for (const std::size_t columns : {1U, 2U, 4U}) {
    const double total = plan_encoder(catalog, {}, columns, {}).total_s;
    EXPECT_LT(total, before);
    before = total;
  }
}

TEST(Planner, ALaunchCostsItsStartAndTheLongerOfComputeAndTransfer) {
  const Catalog catalog;
  const LaunchCost cost = predict_launch(catalog.at("matmul_64"), {.rows = 512, .inner = 512, .cols = 512}, 4, {});
  EXPECT_EQ(cost.tiles, 16U);
  EXPECT_DOUBLE_EQ(cost.macs, 512.0 * 512 * 512);
  // Four passes of 64x64x512 on each tile at 0.6 * 256 products a cycle and 1 GHz, and 4096 values to finish each time.
  EXPECT_NEAR(cost.compute_s, 4 * (64.0 * 64 * 512 / (256 * 0.6) + 4096) * 1e-9, 1e-12);
  EXPECT_DOUBLE_EQ(cost.total_s(), cost.launch_s + std::max(cost.compute_s, cost.dma_s));
}

TEST(Planner, ABatchOf100OnOneTileIsRefusedWithItsBytes) {
  const Catalog catalog;
  const auto plans = plan_log_mel(catalog, 4, {});
  ASSERT_FALSE(plans.back().refused.empty());
  EXPECT_EQ(plans.back().batch, 100U);
  EXPECT_THAT(plans.back().refused, HasSubstr("2x80000"));
  EXPECT_THAT(plans.back().refused, HasSubstr("of 65536 bytes"));
  EXPECT_EQ(choose_log_mel(plans).kernel, "log_mel_100");
}

TEST(Planner, CallsForAnHourCoverEveryFrame) {
  const Catalog catalog;
  for (const MelPlan& plan : plan_log_mel(catalog, 4, {})) {
    EXPECT_GE(plan.calls_per_hour * plan.batch, 360000U) << plan.kernel;
    EXPECT_LT((plan.calls_per_hour - 1) * plan.batch, 360000U) << plan.kernel;
  }
}

TEST(Planner, EveryConstantHasASource) {
  for (const CostSource& source : cost_sources()) EXPECT_FALSE(source.source.empty()) << source.name;
}

TEST(Planner, RowsThatNoKernelTakesAreTheCpus) {
  const EncoderPlan plan = plan_encoder(Catalog(), {.width = 1280, .heads = 20, .ffn = 5120, .layers = 32}, 4, {});
  EXPECT_TRUE(std::any_of(plan.rows.begin(), plan.rows.end(),
                          [](const PlanRow& row) { return row.kernel.find("CPU") != std::string::npos; }));
}

}  // namespace
}  // namespace amanuensis::device::npu
