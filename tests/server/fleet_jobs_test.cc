// What a server makes of what workers of a fleet say about a job that somebody follows.
#include "server/jobs/fleet_jobs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "fleet/task_steps.h"
#include "server/http/loop.h"
#include "support/nats_server.h"
#include "support/temp_folder.h"

namespace amanuensis::server {
namespace {

using ::testing::ElementsAre;

class FleetJobsTest : public testing::Test {
 protected:
  void SetUp() override {
    AMANUENSIS_NEEDS_NATS();
    server_ = std::make_unique<test::NatsServer>();
    fleet_ = std::make_unique<fleet::Fleet>(fleet::FleetSettings{.nats = {.servers = server_->address()}});
    jobs_ = std::make_unique<FleetJobs>(
        *loop_, log_, *fleet_,
        FleetJobsOptions{.data_dir = folder_.path(), .store = {.store = folder_.path().string(), .storage = {}}});
    thread_ = std::jthread([this] { loop_->run(); });
    on_loop([this] { jobs_->start(); });
  }
  void TearDown() override {
    if (!thread_.joinable()) return;
    on_loop([this] { work_.reset(); });
    loop_->stop();
    thread_.join();
    jobs_.reset();
  }

  // Returns when it has been called there.
  void on_loop(const std::function<void()>& call) {
    std::promise<void> called;
    loop_->post([&] {
      call();
      called.set_value();
    });
    called.get_future().wait();
  }
  void follow(const JobRecord& job) {
    std::promise<void> following;
    loop_->post([&] { spawn(keep(job), [&](const std::exception_ptr&) { following.set_value(); }); });
    following.get_future().wait();
  }
  Task<void> keep(JobRecord job) { work_ = co_await jobs_->follow(job); }
  // Of the segments that have been told, their texts.
  std::vector<std::string> told() {
    std::vector<std::string> texts;
    on_loop([&] {
      for (const WorkEvent& event : work_->events()) {
        if (event.segment) texts.push_back(event.segment->text);
      }
    });
    return texts;
  }
  void say(std::size_t number, const std::string& text) {
    pipeline::Segment segment;
    segment.id = number;
    segment.text = text;
    fleet_->connection().publish(fleet_->subject("events.job_a"), fleet::segment_event(1, segment));
  }
  template <typename Condition>
  static bool eventually(const Condition& condition) {
    for (int tries = 0; tries < 3000; ++tries) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
  }

  const test::TempFolder folder_;
  std::unique_ptr<test::NatsServer> server_;
  std::unique_ptr<fleet::Fleet> fleet_;
  std::unique_ptr<Loop> loop_ = make_loop();
  Log log_{STDERR_FILENO, false};
  std::unique_ptr<FleetJobs> jobs_;
  std::shared_ptr<Work> work_;
  std::jthread thread_;
};

TEST_F(FleetJobsTest, SegmentsAreToldInOrderWhateverOrderTheyComeIn) {
  JobRecord record;
  record.id = "job_a";
  record.options = "{}";
  jobs_->store().insert(record);
  fleet_->update("job_a", [](fleet::Job& job) {
    job.status = fleet::JobStatus::kRunning;
    job.audio_s = 100;
    job.ranges.emplace();
    job.ranges->audio_done_s = 40;
    return true;
  });
  record.status = WorkStatus::kRunning;
  follow(record);
  say(2, "third");
  say(1, "second");
  say(4, "fifth");
  EXPECT_TRUE(told().empty());
  say(0, "first");
  say(1, "second, from whoever began it again");
  ASSERT_TRUE(eventually([&] { return told().size() >= 3; }));
  EXPECT_THAT(told(), ElementsAre("first", "second", "third"));
  // How far a recording is that was cut, the table says, and workers of their parts.
  EXPECT_TRUE(eventually([&] {
    pipeline::Progress progress;
    on_loop([&] { progress = work_->progress(); });
    return progress.audio_done_s == 40 && progress.audio_total_s == 100;
  }));
  say(3, "fourth");
  ASSERT_TRUE(eventually([&] { return told().size() >= 5; }));
  EXPECT_THAT(told(), ElementsAre("first", "second", "third", "fourth", "fifth"));
  on_loop([&] { EXPECT_FALSE(work_->over()); });
}

}  // namespace
}  // namespace amanuensis::server
