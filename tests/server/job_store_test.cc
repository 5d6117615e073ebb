// One set of tests for both kinds of store: one server's SQLite file, and the table of a fleet.
#include "server/jobs/job_store.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "fleet/recording.h"
#include "fleet/worker.h"
#include "pipeline/transcript_json.h"
#include "server/jobs/fleet_job_store.h"
#include "server/jobs/sqlite_job_store.h"
#include "support/error_of.h"
#include "support/nats_server.h"
#include "support/temp_folder.h"

namespace amanuensis::server {
namespace {

using ::testing::ElementsAre;

JobRecord job_of(const std::string& id, std::int64_t created_ms) {
  JobRecord job;
  job.id = id;
  job.created_ms = created_ms;
  job.name = id + " 100%.wav";
  job.audio = "/recordings/" + id + ".wav";
  job.model = "demo";
  job.options = "{}";
  return job;
}

std::vector<std::string> ids(const std::vector<JobRecord>& jobs) {
  std::vector<std::string> found;
  for (const JobRecord& job : jobs) found.push_back(job.id);
  return found;
}

// Opens the same jobs again and again.
struct Sqlite {
  static bool is_here() { return true; }
  std::unique_ptr<JobStore> open() { return std::make_unique<SqliteJobStore>(folder.path() / "jobs.sqlite"); }
  void mark_running(const std::string& id, std::int64_t started_ms) {
    SqliteJobStore(folder.path() / "jobs.sqlite").mark_running(id, started_ms);
  }
  test::TempFolder folder;
};

struct OfAFleet {
  static bool is_here() { return !test::nats_server_program().empty(); }
  std::unique_ptr<JobStore> open() {
    return std::make_unique<FleetJobStore>(fleet, FleetStoreOptions{.store = folder.path().string(), .storage = {}});
  }
  void mark_running(const std::string& id, std::int64_t started_ms) {
    fleet.update(id, [&](fleet::Job& job) {
      job.status = fleet::JobStatus::kRunning;
      job.started_ms = started_ms;
      return true;
    });
  }
  test::TempFolder folder;
  test::NatsServer server;
  fleet::Fleet fleet{fleet::FleetSettings{.nats = {.servers = server.address()}}};
};

template <typename Kind>
class JobStores : public testing::Test {
 protected:
  void SetUp() override {
    if (!Kind::is_here()) GTEST_SKIP() << "nats-server is not installed (tools/setup.sh test)";
    kind = std::make_unique<Kind>();
  }
  std::unique_ptr<Kind> kind;
};
using Kinds = testing::Types<Sqlite, OfAFleet>;
TYPED_TEST_SUITE(JobStores, Kinds);

TYPED_TEST(JobStores, KeepWhatTheyAreGiven) {
  {
    const auto store = this->kind->open();
    store->insert(job_of("a", 1));
    EXPECT_THROW(store->insert(job_of("a", 2)), Error);
  }
  this->kind->mark_running("a", 5);
  const auto store = this->kind->open();
  const auto found = store->find("a");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->status, WorkStatus::kRunning);
  EXPECT_EQ(found->created_ms, 1);
  EXPECT_EQ(found->started_ms, 5);
  EXPECT_EQ(found->ended_ms, std::nullopt);
  EXPECT_EQ(found->name, "a 100%.wav");
  EXPECT_EQ(found->audio, "/recordings/a.wav");
  EXPECT_EQ(found->options, "{}");
  EXPECT_EQ(store->find("b"), std::nullopt);
}

TYPED_TEST(JobStores, FinishEachOnceAndTellItsOwner) {
  const auto store = this->kind->open();
  for (const char* id : {"a", "b", "c"}) {
    JobRecord job = job_of(id, id[0]);
    job.size_bytes = 100;
    job.webhook_url = id[0] == 'c' ? "http://example.org" : "";
    store->insert(job);
  }
  JobRecord done = *store->find("c");
  done.status = WorkStatus::kDone;
  done.ended_ms = 9;
  done.language = "de";
  done.duration_s = 1.5;
  EXPECT_TRUE(store->finish(done, "{}"));
  EXPECT_FALSE(store->finish(done, "{}"));
  EXPECT_EQ(store->find("c")->language, "de");
  EXPECT_EQ(store->find("c")->duration_s, 1.5);
  EXPECT_EQ(store->transcript("c"), "{}");
  EXPECT_EQ(store->transcript("a"), std::nullopt);
  EXPECT_EQ(store->count(WorkStatus::kQueued), 2);
  EXPECT_EQ(store->count(WorkStatus::kDone), 1);

  ASSERT_EQ(store->webhooks_due(9).size(), 1U);
  store->retry_webhook("c", 1000);
  EXPECT_TRUE(store->webhooks_due(999).empty());
  EXPECT_EQ(store->next_webhook_ms(999), 1000);
  EXPECT_EQ(store->next_webhook_ms(1000), std::nullopt);
  const auto due = store->webhooks_due(1000);
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due[0].attempt, 1);
  EXPECT_EQ(due[0].url, "http://example.org");
  EXPECT_THAT(ids(store->over_before(10)), ElementsAre("c"));
  EXPECT_TRUE(store->over_before(9).empty());
  EXPECT_TRUE(store->remove("c"));
  EXPECT_FALSE(store->remove("c"));
  EXPECT_EQ(store->transcript("c"), std::nullopt);
  EXPECT_EQ(store->next_webhook_ms(0), std::nullopt);
  store->end_webhook("c");
}

TYPED_TEST(JobStores, AWebhookThatWasTakenIsOver) {
  const auto store = this->kind->open();
  JobRecord job = job_of("a", 1);
  job.webhook_url = "http://example.org";
  store->insert(job);
  job.status = WorkStatus::kCancelled;
  job.ended_ms = 5;
  EXPECT_TRUE(store->finish(job, std::nullopt));
  ASSERT_EQ(store->webhooks_due(5).size(), 1U);
  store->end_webhook("a");
  EXPECT_EQ(store->next_webhook_ms(0), std::nullopt);
  EXPECT_TRUE(store->webhooks_due(1'000'000).empty());
}

TYPED_TEST(JobStores, ListNewestFirstPageByPage) {
  const auto store = this->kind->open();
  for (int i = 0; i < 5; ++i) {
    JobRecord job = job_of(std::string(1, static_cast<char>('a' + i)), 10 + i / 2);
    job.owner = i % 2 == 0 ? "even" : "odd";
    store->insert(job);
  }
  const auto listed = [&](const auto& set) {
    JobFilter filter;
    set(filter);
    return ids(store->list(filter));
  };
  EXPECT_THAT(listed([](JobFilter& filter) { filter.limit = 2; }), ElementsAre("e", "d"));
  EXPECT_THAT(listed([](JobFilter& filter) { filter.after = "d"; }), ElementsAre("c", "b", "a"));
  EXPECT_THAT(listed([](JobFilter& filter) { filter.owner = "odd"; }), ElementsAre("d", "b"));
  EXPECT_THAT(listed([](JobFilter& filter) { filter.search = "b 100%"; }), ElementsAre("b"));
  EXPECT_THAT(listed([](JobFilter& filter) { filter.search = "_"; }), ElementsAre());
  EXPECT_THAT(listed([](JobFilter& filter) { filter.statuses = {WorkStatus::kDone}; }), ElementsAre());
  EXPECT_THAT(listed([](JobFilter& filter) { filter.after = "unknown"; }), ElementsAre());
}

TEST(SqliteJobStore, BeginsUnfinishedJobsAgain) {
  const test::TempFolder folder;
  SqliteJobStore store(folder.path() / "jobs.sqlite");
  for (const char* id : {"a", "b", "c"}) store.insert(job_of(id, id[0]));
  store.mark_running("a", 5);
  JobRecord done = job_of("c", 'c');
  done.status = WorkStatus::kDone;
  done.ended_ms = 9;
  store.finish(done, "{}");
  const auto unfinished = store.take_unfinished();
  EXPECT_THAT(ids(unfinished), ElementsAre("a", "b"));
  EXPECT_EQ(unfinished[0].attempt, 2);
  EXPECT_EQ(unfinished[0].status, WorkStatus::kQueued);
  EXPECT_EQ(unfinished[1].attempt, 1);
  EXPECT_EQ(store.audio_files().size(), 3U);
}

TEST(FleetJobStore, AJobIsAnotherServersAsWell) {
  AMANUENSIS_NEEDS_NATS();
  OfAFleet fleet;
  const auto here = fleet.open();
  const auto there = fleet.open();
  JobRecord job = job_of("a", 1);
  job.webhook_url = "http://example.org";
  here->insert(job);
  EXPECT_EQ(there->find("a")->name, job.name);
  job.status = WorkStatus::kFailed;
  job.ended_ms = 2;
  EXPECT_TRUE(there->finish(job, std::nullopt));
  EXPECT_FALSE(here->finish(job, std::nullopt));
  // Only one of them tells the owner.
  std::size_t due = there->webhooks_due(10).size();
  for (int tries = 0; tries < 50; ++tries) {
    due += here->webhooks_due(10).size() + there->webhooks_due(10).size();
  }
  EXPECT_EQ(due, 1U);
}

// A job that a worker has finished, and its result.
void finish_with(OfAFleet& fleet, const std::string& id, const std::string& result, const std::string& results) {
  fleet.fleet.update(id, [&](fleet::Job& job) {
    fleet::end_job(job, fleet::JobStatus::kDone);
    job.result = result;
    job.results = results;
    return true;
  });
  for (const char* ending : {".json", ".srt"}) {
    const std::filesystem::path file = results + "/" + result + ending;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << "{}";
  }
}

TEST(FleetJobStore, ARemovedJobTakesItsResultAlongUnlessAnotherHasItToo) {
  AMANUENSIS_NEEDS_NATS();
  OfAFleet fleet;
  const test::TempFolder elsewhere;
  const auto store = fleet.open();
  for (const char* id : {"a", "b", "c", "d"}) store->insert(job_of(id, id[0]));
  const std::string own = fleet.folder.path().string();
  finish_with(fleet, "a", "ab/same", own);
  finish_with(fleet, "b", "ab/same", own + "/");
  finish_with(fleet, "c", "ab/other", own);
  finish_with(fleet, "d", "ab/same", elsewhere.path().string());
  const auto is_there = [&](const std::string& name) { return std::filesystem::exists(own + "/" + name); };
  EXPECT_TRUE(store->remove("a"));
  EXPECT_TRUE(is_there("ab/same.json"));
  EXPECT_TRUE(store->remove("b"));
  EXPECT_FALSE(is_there("ab/same.json"));
  EXPECT_FALSE(is_there("ab/same.srt"));
  EXPECT_TRUE(is_there("ab/other.json"));
  // What somebody has asked to be written elsewhere is theirs.
  EXPECT_TRUE(store->remove("d"));
  EXPECT_TRUE(std::filesystem::exists(elsewhere.path() / "ab/same.json"));
  // What workers handed each other about a recording that did not come to its end.
  store->insert(job_of("e", 'e'));
  store->insert(job_of("ee", 'f'));
  for (const char* part : {"parts/e.1/range-0", "parts/ee.1/range-0"}) {
    std::filesystem::create_directories(std::filesystem::path(own + "/" + part).parent_path());
    std::ofstream(own + "/" + part) << "x";
  }
  EXPECT_TRUE(store->remove("e"));
  EXPECT_FALSE(is_there("parts/e.1/range-0"));
  EXPECT_TRUE(is_there("parts/ee.1/range-0"));
}

// Finds results that are there, and has no model to make others.
class NoEngines : public fleet::EngineHost {
 public:
  std::shared_ptr<fleet::HostedEngine> engine(const std::string& model) override {
    throw Error(ErrorCode::kNotFound, "no model '" + model + "'");
  }
  const pipeline::Diarizer& diarizer() const override { std::abort(); }
};

TEST(FleetJobStore, AResultStaysWithTheJobThatTakesItWhileAnotherIsRemoved) {
  AMANUENSIS_NEEDS_NATS();
  OfAFleet fleet;
  const auto store = fleet.open();
  fleet::FleetSettings settings = fleet.fleet.settings();
  settings.max_attempts = 1;
  fleet::Fleet workers(settings);
  NoEngines engines;
  fleet::WorkerOptions options;
  options.name = "w";
  options.work_folder = fleet.folder.path() / "work";
  fleet::Worker worker(workers, engines, options, [](const fleet::WorkerEvent&) {});
  std::jthread working([&](const std::stop_token& stop) { worker.run(stop); });
  const std::string own = fleet.folder.path().string();
  pipeline::Transcript transcript;
  transcript.text = " one";
  int taken = 0;
  for (int round = 0; round < 30; ++round) {
    const std::string audio = own + fmt::format("/audio-{}.wav", round);
    std::ofstream(audio) << "recording " << round;
    JobRecord first = job_of(fmt::format("first{}", round), 2 * round);
    JobRecord second = job_of(fmt::format("second{}", round), 2 * round + 1);
    first.audio = second.audio = audio;
    const std::string key = fleet::result_key(fleet::sha256_of_file(audio), first.model, first.options);
    const auto written = storage::open_store(own, {});
    fleet::write_result(*written, key, pipeline::full_json(transcript), {});
    store->insert(first);
    const auto is_over_now = [&](const std::string& id) { return fleet::is_over(fleet.fleet.find(id)->status); };
    while (!is_over_now(first.id)) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    std::jthread inserting([&] {
      fleet::Job job;
      job.id = second.id;
      job.source = audio;
      job.model = first.model;
      job.options = first.options;
      job.results = own;
      workers.submit(job);
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(round));
    EXPECT_TRUE(store->remove(first.id));
    inserting.join();
    while (!is_over_now(second.id)) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    if (fleet.fleet.find(second.id)->status != fleet::JobStatus::kDone) continue;  // the result had gone before
    ++taken;
    // The worker looks once more after the job's end.
    for (int tries = 0; tries < 500 && !written->exists(key + ".json"); ++tries)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_TRUE(written->exists(key + ".json")) << round;
  }
  EXPECT_GT(taken, 0);
}

TEST(FleetJobStore, SaysWhenItsAddressIsNone) {
  AMANUENSIS_NEEDS_NATS();
  OfAFleet fleet;
  EXPECT_EQ(test::error_of([&] { FleetJobStore store(fleet.fleet, {.store = "ftp://x", .storage = {}}); }).code,
            ErrorCode::kInvalidArgument);
}

TEST(SqliteJobStore, SaysWhenItsFileIsNone) {
  const test::TempFolder folder;
  std::ofstream(folder.path() / "jobs.sqlite") << std::string(5000, 'x');
  EXPECT_EQ(test::error_of([&] { SqliteJobStore store(folder.path() / "jobs.sqlite"); }).code, ErrorCode::kBadData);
  EXPECT_EQ(test::error_of([&] { SqliteJobStore store(folder.path() / "none" / "jobs.sqlite"); }).code, ErrorCode::kIo);
}

}  // namespace
}  // namespace amanuensis::server
