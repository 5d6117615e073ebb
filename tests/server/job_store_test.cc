#include "server/jobs/job_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "base/error.h"
#include "support/error_of.h"
#include "support/temp_folder.h"

namespace amanuensis::server {
namespace {

using ::testing::ElementsAre;

JobRecord job_of(const std::string& id, std::int64_t created_ms) {
  JobRecord job;
  job.id = id;
  job.created_ms = created_ms;
  job.name = id + " 100%.wav";
  job.audio = id + ".wav";
  job.model = "demo";
  job.options = "{}";
  return job;
}

std::vector<std::string> ids(const std::vector<JobRecord>& jobs) {
  std::vector<std::string> found;
  for (const JobRecord& job : jobs) found.push_back(job.id);
  return found;
}

TEST(JobStore, KeepsWhatItIsGiven) {
  const test::TempFolder folder;
  const auto file = folder.path() / "jobs.sqlite";
  {
    JobStore store(file);
    store.insert(job_of("a", 1));
    EXPECT_THROW(store.insert(job_of("a", 2)), Error);
    store.mark_running("a", 5);
  }
  JobStore store(file);
  const auto found = store.find("a");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->status, WorkStatus::kRunning);
  EXPECT_EQ(found->started_ms, 5);
  EXPECT_EQ(found->ended_ms, std::nullopt);
  EXPECT_EQ(found->name, "a 100%.wav");
  EXPECT_EQ(store.find("b"), std::nullopt);
  EXPECT_THAT(store.audio_files(), ElementsAre("a.wav"));
}

TEST(JobStore, BeginsUnfinishedJobsAgainAndFinishesEachOnce) {
  const test::TempFolder folder;
  JobStore store(folder.path() / "jobs.sqlite");
  for (const char* id : {"a", "b", "c"}) store.insert(job_of(id, id[0]));
  store.mark_running("a", 5);
  JobRecord done = job_of("c", 'c');
  done.status = WorkStatus::kDone;
  done.ended_ms = 9;
  done.webhook_url = "http://example.org";
  EXPECT_TRUE(store.finish(done, "{}"));
  EXPECT_FALSE(store.finish(done, "{}"));
  const auto unfinished = store.take_unfinished();
  EXPECT_THAT(ids(unfinished), ElementsAre("a", "b"));
  EXPECT_EQ(unfinished[0].attempt, 2);
  EXPECT_EQ(unfinished[0].status, WorkStatus::kQueued);
  EXPECT_EQ(unfinished[1].attempt, 1);
  EXPECT_EQ(store.transcript("c"), "{}");
  EXPECT_EQ(store.count(WorkStatus::kQueued), 2);

  ASSERT_EQ(store.webhooks_due(9).size(), 1U);
  store.retry_webhook("c", 1000);
  EXPECT_TRUE(store.webhooks_due(999).empty());
  EXPECT_EQ(store.next_webhook_ms(999), 1000);
  EXPECT_EQ(store.next_webhook_ms(1000), std::nullopt);
  EXPECT_EQ(store.webhooks_due(1000)[0].attempt, 1);
  EXPECT_THAT(ids(store.over_before(10)), ElementsAre("c"));
  EXPECT_TRUE(store.remove("c"));
  EXPECT_FALSE(store.remove("c"));
  EXPECT_EQ(store.transcript("c"), std::nullopt);
  EXPECT_EQ(store.next_webhook_ms(0), std::nullopt);
}

TEST(JobStore, ListsNewestFirstPageByPage) {
  const test::TempFolder folder;
  JobStore store(folder.path() / "jobs.sqlite");
  for (int i = 0; i < 5; ++i) {
    JobRecord job = job_of(std::string(1, static_cast<char>('a' + i)), i / 2);
    job.owner = i % 2 == 0 ? "even" : "odd";
    store.insert(job);
  }
  const auto listed = [&](const auto& set) {
    JobFilter filter;
    set(filter);
    return ids(store.list(filter));
  };
  EXPECT_THAT(listed([](JobFilter& filter) { filter.limit = 2; }), ElementsAre("e", "d"));
  EXPECT_THAT(listed([](JobFilter& filter) { filter.after = "d"; }), ElementsAre("c", "b", "a"));
  EXPECT_THAT(listed([](JobFilter& filter) { filter.owner = "odd"; }), ElementsAre("d", "b"));
  EXPECT_THAT(listed([](JobFilter& filter) { filter.search = "b 100%"; }), ElementsAre("b"));
  EXPECT_THAT(listed([](JobFilter& filter) { filter.search = "_"; }), ElementsAre());
  EXPECT_THAT(listed([](JobFilter& filter) { filter.statuses = {WorkStatus::kDone}; }), ElementsAre());
  EXPECT_THAT(listed([](JobFilter& filter) { filter.after = "unknown"; }), ElementsAre());
}

TEST(JobStore, SaysWhenItsFileIsNone) {
  const test::TempFolder folder;
  std::ofstream(folder.path() / "jobs.sqlite") << std::string(5000, 'x');
  EXPECT_EQ(test::error_of([&] { JobStore store(folder.path() / "jobs.sqlite"); }).code, ErrorCode::kBadData);
  EXPECT_EQ(test::error_of([&] { JobStore store(folder.path() / "none" / "jobs.sqlite"); }).code, ErrorCode::kIo);
}

}  // namespace
}  // namespace amanuensis::server
