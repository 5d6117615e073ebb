#include "base/thread_pool.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"

namespace amanuensis {
namespace {

class ThreadPoolTest : public testing::TestWithParam<std::size_t> {
 protected:
  ThreadPool pool_{GetParam()};
};

TEST_P(ThreadPoolTest, RunsEveryIndexOnceWithAValidWorker) {
  EXPECT_EQ(pool_.threads(), GetParam());
  for (const std::size_t tasks : {0, 1, 2, 3, 7, 16, 17, 100, 1001}) {
    std::vector<std::atomic<int>> calls(tasks);
    std::atomic<bool> worker_valid = true;
    pool_.parallel_for(tasks, [&](std::size_t i, std::size_t worker) {
      ++calls[i];
      if (worker >= pool_.threads()) worker_valid = false;
    });
    for (std::size_t i = 0; i < tasks; ++i) EXPECT_EQ(calls[i], 1) << "index " << i << " of " << tasks;
    EXPECT_TRUE(worker_valid);
  }
}

TEST_P(ThreadPoolTest, WhatTasksWroteIsSeenByTheCallerAndByTheNextJob) {
  // Plain memory on purpose: a missing synchronisation is a data race, which the thread sanitizer reports.
  std::vector<long> values(64, 0);
  constexpr long kRounds = 2000;
  for (long round = 0; round < kRounds; ++round) {
    pool_.parallel_for(values.size(), [&](std::size_t i, std::size_t) { values[i] += values[i] == round ? 1 : 1000; });
    ASSERT_EQ(values[static_cast<std::size_t>(round) % values.size()], round + 1);
  }
  for (const long value : values) EXPECT_EQ(value, kRounds);
}

TEST(ThreadPoolEndTest, NoWorkerSleepsThroughTheEnd) {
  // A worker may look at the pool at any moment of its destruction: right after its start, or between two jobs.
  for (int round = 0; round < 2000; ++round) {
    ThreadPool pool(8);
    if (round % 2 == 0) pool.parallel_for(8, [](std::size_t, std::size_t) {});
  }
}

TEST_P(ThreadPoolTest, TwoTasksOfOneWorkerNeverOverlap) {
  std::vector<std::atomic<int>> inside(pool_.threads());
  std::atomic<bool> overlapped = false;
  pool_.parallel_for(500, [&](std::size_t, std::size_t worker) {
    if (++inside[worker] != 1) overlapped = true;
    std::this_thread::yield();
    --inside[worker];
  });
  EXPECT_FALSE(overlapped);
}

TEST_P(ThreadPoolTest, WorksAgainAfterItHasGoneToSleep) {
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    std::atomic<int> calls = 0;
    pool_.parallel_for(33, [&](std::size_t, std::size_t) { ++calls; });
    EXPECT_EQ(calls, 33);
  }
}

TEST_P(ThreadPoolTest, SharesTheWork) {
  // Every task waits until all threads have come, which only works when each thread takes one.
  const std::size_t threads = pool_.threads();
  std::atomic<std::size_t> arrived = 0;
  pool_.parallel_for(threads, [&](std::size_t, std::size_t) {
    ++arrived;
    while (arrived.load() < threads) std::this_thread::yield();
  });
  EXPECT_EQ(arrived, threads);
}

INSTANTIATE_TEST_SUITE_P(Sizes, ThreadPoolTest, testing::Range<std::size_t>(1, 17));

TEST(ThreadPool, ZeroMeansOneThreadForEachProcessor) {
  const ThreadPool pool(0);
  EXPECT_GE(pool.threads(), 1U);
  EXPECT_LE(pool.threads(), std::thread::hardware_concurrency());
}

TEST(ThreadPool, IsMadeAndDestroyedWithoutEverWorking) {
  for (int i = 0; i < 50; ++i) const ThreadPool pool(8);
}

TEST(ThreadPool, ManyMoreThreadsThanProcessorsWork) {
  ThreadPool pool(128);
  EXPECT_EQ(pool.threads(), 128U);
  std::atomic<int> calls = 0;
  for (int round = 0; round < 20; ++round) pool.parallel_for(1000, [&](std::size_t, std::size_t) { ++calls; });
  EXPECT_EQ(calls, 20000);
}

TEST(ThreadPool, WorkersStayOnTheirCpus) {
  const auto here = static_cast<std::size_t>(sched_getcpu());
  for (const bool pin : {false, true}) {
    ThreadPool pool(ThreadPoolOptions{.threads = 3, .cpus = {here}, .pin = pin});
    std::jthread caller([&] {
      pool.bind_caller();
      std::atomic<std::size_t> arrived = 0;
      std::atomic<bool> elsewhere = false;
      pool.parallel_for(pool.threads(), [&](std::size_t, std::size_t) {
        if (static_cast<std::size_t>(sched_getcpu()) != here) elsewhere = true;
        ++arrived;
        while (arrived.load() < pool.threads()) std::this_thread::yield();
      });
      EXPECT_FALSE(elsewhere);
    });
  }
}

TEST(ThreadPool, OneThreadForEachOfItsCpusUnlessToldOtherwise) {
  const auto here = static_cast<std::size_t>(sched_getcpu());
  EXPECT_EQ(ThreadPool(ThreadPoolOptions{.cpus = {here}}).threads(), 1U);
}

TEST(ThreadPool, ACpuThatIsNotThereIsRefused) {
  try {
    const ThreadPool pool(ThreadPoolOptions{.threads = 2, .cpus = {100000}});
    FAIL() << "CPU 100000 was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find("100000"), std::string::npos) << error.what();
  }
}

TEST(ThreadPool, SeveralPoolsWorkAtOnce) {
  std::vector<std::jthread> callers;
  std::atomic<long> total = 0;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&total] {
      ThreadPool pool(4);
      for (int round = 0; round < 200; ++round) {
        pool.parallel_for(50, [&total](std::size_t i, std::size_t) { total += static_cast<long>(i); });
      }
    });
  }
  callers.clear();
  EXPECT_EQ(total, 4L * 200 * (49 * 50 / 2));
}

}  // namespace
}  // namespace amanuensis
