// Whole jobs, by workers in this process, against a real nats-server: what comes out, once, and what happens when
// something goes wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fleet/transcription.h"
#include "fleet_fixture.h"
#include "pipeline/transcript_json.h"
#include "support/error_of.h"
#include "support/goldens.h"

namespace amanuensis::fleet {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class FleetTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!test::nats_server_program().empty()) host_ = std::make_unique<DemoHost>();
  }
  static void TearDownTestSuite() { host_.reset(); }
  void SetUp() override {
    AMANUENSIS_NEEDS_NATS();
    server_ = std::make_unique<test::NatsServer>();
    settings_.nats.servers = server_->address();
    settings_.nats.request_timeout = std::chrono::milliseconds(2000);
    settings_.ack_wait = std::chrono::milliseconds(2000);
  }

  std::string recording(const std::string& name) const {
    return test::source_path("models/demo/recordings/" + name).string();
  }
  WorkerOptions worker_options(const std::string& name) const {
    WorkerOptions options;
    options.name = name;
    options.model = "demo";
    options.work_folder = folder_.path() / ("work-" + name);
    options.drain = std::chrono::milliseconds(0);
    options.cut_above_s = 0;
    return options;
  }
  SubmissionOptions submission_options(const JobOptions& options = {}) const {
    return {.model = "demo",
            .options = options_json(options),
            .priority = Priority::kNormal,
            .formats = {"txt"},
            .results = (folder_.path() / "results").string(),
            .upload = {},
            .storage = {}};
  }
  static Input file_input(const std::string& path) {
    return {
        .source = path, .name = fs::path(path).filename().string(), .size_bytes = fs::file_size(path), .is_file = true};
  }
  // What one engine makes of the whole recording.
  std::string whole(const std::string& path, const JobOptions& options = {}) const {
    pipeline::EngineRequest request{.audio = pipeline::media_source(path), .options = batched_options(options)};
    std::optional<Speakers> speakers;
    if (options.diarize) speakers = Speakers{&host_->diarizer(), *options.diarize};
    return pipeline::full_json(
        transcribe(host_->engine("demo")->engine(), std::move(request), {}, speakers).transcript);
  }
  // As a server accepts it.
  Job job_for(const std::string& source) const {
    Job job;
    job.id = "job_a";
    job.source = source;
    job.model = "demo";
    job.options = options_json({});
    job.results = (folder_.path() / "results").string();
    return job;
  }
  std::string result_of(const Job& job) const {
    return test::read_file(folder_.path() / "results" / (job.result + ".json"));
  }
  // Longer than any test: a WAV file of two hours of noise.
  std::string hours_of_noise() const {
    constexpr std::uint32_t kSamples = 2 * 3600 * 16'000;
    std::string wav = "RIFF____WAVEfmt ";
    const auto add = [&wav](auto value) { wav.append(reinterpret_cast<const char*>(&value), sizeof value); };
    add(std::uint32_t{16});
    for (const auto value : std::initializer_list<std::uint16_t>{1, 1}) add(value);  // PCM, one channel
    add(std::uint32_t{16'000});
    add(std::uint32_t{32'000});
    for (const auto value : std::initializer_list<std::uint16_t>{2, 16}) add(value);
    wav += "data";
    add(std::uint32_t{2 * kSamples});
    std::uint32_t state = 1;
    for (std::uint32_t i = 0; i < kSamples; ++i) {
      state = state * 1664525 + 1013904223;
      add(static_cast<std::int16_t>(static_cast<std::int32_t>(state) >> 17));
    }
    return folder_.write("noise.wav", wav).string();
  }
  bool is_over_soon(Fleet& fleet, const std::string& id) const {
    return eventually([&] { return is_over(fleet.find(id)->status); });
  }
  // Files below the results, but what workers hand each other.
  std::size_t results() const {
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path() / "results")) {
      count += entry.is_regular_file() && entry.path().extension() == ".json" ? 1 : 0;
    }
    return count;
  }

  static inline std::unique_ptr<DemoHost> host_;
  const test::TempFolder folder_;
  std::unique_ptr<test::NatsServer> server_;
  FleetSettings settings_;
};

TEST_F(FleetTest, TranscribesAsOneMachineDoesAndOnce) {
  Fleet fleet(settings_);
  Submission submission(fleet, submission_options());
  const std::string path = recording("planning.flac");
  const Submitted first = submission.submit(file_input(path), {});
  EXPECT_TRUE(first.is_new);
  EXPECT_FALSE(submission.submit(file_input(path), {}).is_new);
  EXPECT_EQ(fleet.work().depth(Priority::kNormal).waiting, 1U);
  RunningWorker worker(settings_, *host_, worker_options("a"));
  ASSERT_TRUE(is_over_soon(fleet, first.job.id));
  const Job done = *fleet.find(first.job.id);
  EXPECT_EQ(done.status, JobStatus::kDone) << done.error;
  EXPECT_EQ(done.attempt, 1);
  EXPECT_EQ(done.worker, "a");
  EXPECT_EQ(result_of(done), whole(path));
  EXPECT_FALSE(submission.submit(file_input(path), {}).is_new);
  EXPECT_TRUE(eventually([&] { return fleet.work().depth(Priority::kNormal).handed_out == 0; }));
  EXPECT_EQ(fleet.work().depth(Priority::kNormal).waiting, 0U);
  EXPECT_EQ(results(), 1U);
  EXPECT_TRUE(fs::exists(folder_.path() / "results" / (done.result + ".txt")));
}

TEST_F(FleetTest, TheSameContentUnderAnotherNameTakesTheResultThatIsThere) {
  Fleet fleet(settings_);
  const std::string path = recording("planning.flac");
  const fs::path copy = folder_.path() / "copy.flac";
  fs::copy_file(path, copy);
  // Jobs that a server accepts have names of their own.
  Job first = job_for(path);
  Job second = first;
  second.id = "job_b";
  second.source = copy.string();
  fleet.submit(first);
  RunningWorker worker(settings_, *host_, worker_options("a"));
  ASSERT_TRUE(is_over_soon(fleet, "job_a"));
  const double before_s = worker.status().audio_done_s;
  fleet.submit(second);
  ASSERT_TRUE(is_over_soon(fleet, "job_b"));
  EXPECT_EQ(fleet.find("job_b")->result, fleet.find("job_a")->result);
  EXPECT_EQ(worker.status().audio_done_s, before_s);
}

TEST_F(FleetTest, TellsSpeakersApartInOnePieceAsWell) {
  Fleet fleet(settings_);
  JobOptions options;
  options.diarize.emplace();
  Submission submission(fleet, submission_options(options));
  const std::string path = recording("planning.flac");
  RunningWorker worker(settings_, *host_, worker_options("a"));
  const Submitted submitted = submission.submit(file_input(path), {});
  ASSERT_TRUE(is_over_soon(fleet, submitted.job.id));
  const std::string result = result_of(*fleet.find(submitted.job.id));
  EXPECT_TRUE(result == whole(path, options)) << result.substr(0, 2000);
  EXPECT_THAT(result, HasSubstr("\"speaker\""));
}

TEST_F(FleetTest, RangesOnSeveralWorkersGiveTheSameBytes) {
  Fleet fleet(settings_);
  JobOptions options;
  options.diarize.emplace();
  Submission submission(fleet, submission_options(options));
  const std::string path = recording("meeting.flac");
  std::vector<std::unique_ptr<RunningWorker>> workers;
  for (const char* name : {"a", "b", "c"}) {
    WorkerOptions each = worker_options(name);
    each.concurrency = 1;
    each.cut_above_s = 20;
    each.range_windows = 1;
    workers.push_back(std::make_unique<RunningWorker>(settings_, *host_, each));
  }
  const Submitted submitted = submission.submit(file_input(path), {});
  ASSERT_TRUE(is_over_soon(fleet, submitted.job.id));
  const Job done = *fleet.find(submitted.job.id);
  ASSERT_EQ(done.status, JobStatus::kDone) << done.error;
  const std::string merged = result_of(done);
  EXPECT_TRUE(merged == whole(path, options)) << merged.substr(0, 2000);
  EXPECT_THAT(merged, HasSubstr("SPEAKER_01"));
  std::uint64_t ranges = 0;
  for (const auto& worker : workers) ranges += worker->status().ranges_done;
  EXPECT_GT(ranges, 2U);
  // What they handed each other has gone.
  EXPECT_TRUE(eventually([&] {
    std::error_code none;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path() / "results/parts", none)) {
      if (entry.is_regular_file()) return false;
    }
    return true;
  }));
}

// What is told about a job, in the order in which it is told.
class Told {
 public:
  Told(Fleet& fleet, const std::string& id)
      : subscription_(fleet.connection().subscribe(fleet.subject("events." + id),
                                                   [this](const std::string&, std::string_view data) {
                                                     const std::scoped_lock lock(mutex_);
                                                     events_.push_back(nlohmann::json::parse(data));
                                                   })) {
    fleet.connection().flush();
  }
  std::vector<nlohmann::json> events() const {
    const std::scoped_lock lock(mutex_);
    return events_;
  }
  bool holds(const std::string& kind) const {
    return std::ranges::any_of(events(), [&](const auto& event) { return event.at("kind") == kind; });
  }

 private:
  mutable std::mutex mutex_;
  std::vector<nlohmann::json> events_;
  std::unique_ptr<Subscription> subscription_;
};

TEST_F(FleetTest, SegmentsOfARecordingThatWasCutAreToldWithTheirRange) {
  Fleet fleet(settings_);
  Job job = job_for(recording("meeting.flac"));
  job.tells_segments = true;
  const Told told(fleet, job.id);
  fleet.submit(job);
  WorkerOptions options = worker_options("a");
  options.concurrency = 1;  // one range after the other
  options.cut_above_s = 20;
  options.range_windows = 1;
  RunningWorker worker(settings_, *host_, options);
  ASSERT_TRUE(is_over_soon(fleet, job.id));
  ASSERT_TRUE(eventually([&] { return told.holds("done"); }));
  const auto result = nlohmann::json::parse(result_of(*fleet.find(job.id)));
  const std::vector<nlohmann::json> events = told.events();
  ASSERT_EQ(events.size(), result.at("segments").size() + 2);
  EXPECT_EQ(events.front().at("kind"), "running");
  for (std::size_t i = 0; i + 2 < events.size(); ++i) {
    EXPECT_EQ(events[i + 1].at("number"), i);
    EXPECT_EQ(events[i + 1].at("segment"), result.at("segments")[i]);
  }
  EXPECT_EQ(events.back().at("kind"), "done");
}

TEST_F(FleetTest, WhatSeveralWorkersTellOfTheirRangesIsTheResult) {
  Fleet fleet(settings_);
  Job job = job_for(recording("meeting.flac"));
  job.tells_segments = true;
  const Told told(fleet, job.id);
  std::vector<std::unique_ptr<RunningWorker>> workers;
  for (const char* name : {"a", "b", "c"}) {
    WorkerOptions each = worker_options(name);
    each.cut_above_s = 20;
    each.range_windows = 1;
    workers.push_back(std::make_unique<RunningWorker>(settings_, *host_, each));
  }
  fleet.submit(job);
  ASSERT_TRUE(is_over_soon(fleet, job.id));
  ASSERT_TRUE(eventually([&] { return told.holds("done"); }));
  const auto result = nlohmann::json::parse(result_of(*fleet.find(job.id)));
  std::size_t segments = 0;
  for (const auto& event : told.events()) {
    if (event.at("kind") != "segment") continue;
    ++segments;
    EXPECT_EQ(event.at("segment"), result.at("segments").at(event.at("number").get<std::size_t>()));
  }
  EXPECT_GT(segments, 0U);
  workers.clear();
  std::error_code none;
  for (const auto& entry : fs::recursive_directory_iterator(folder_.path() / "results/parts", none)) {
    EXPECT_FALSE(entry.is_regular_file()) << entry.path();
  }
}

TEST_F(FleetTest, WorkersThatRestAreWoken) {
  Fleet fleet(settings_);
  std::atomic<int> woken{0};
  const auto listening =
      fleet.connection().subscribe(fleet.subject("wake"), [&](const std::string&, std::string_view) { ++woken; });
  fleet.connection().flush();
  Job job = job_for(recording("planning.flac"));
  fleet.submit(job);
  EXPECT_TRUE(eventually([&] { return woken == 1; }));
  fleet.cancel(job.id);
  fleet.retry(job.id);
  EXPECT_TRUE(eventually([&] { return woken == 2; }));
}

TEST_F(FleetTest, WhatIsNoRecordingIsADeadLetterAndCanBeRetried) {
  Fleet fleet(settings_);
  Submission submission(fleet, submission_options());
  const auto broken = folder_.write("broken.wav", "this is no recording");
  const Submitted submitted = submission.submit(file_input(broken.string()), {});
  RunningWorker worker(settings_, *host_, worker_options("a"));
  ASSERT_TRUE(is_over_soon(fleet, submitted.job.id));
  const Job failed = *fleet.find(submitted.job.id);
  EXPECT_EQ(failed.status, JobStatus::kFailed);
  EXPECT_EQ(failed.attempt, 1);  // trying again would not help
  EXPECT_THAT(error_message(failed), HasSubstr("broken.wav"));
  const auto letters = fleet.dead_letters();
  ASSERT_EQ(letters.size(), 1U);
  EXPECT_THAT(letters[0], HasSubstr("bad_media"));
  EXPECT_TRUE(fleet.retry(submitted.job.id));
  EXPECT_FALSE(fleet.retry("job_none"));
  ASSERT_TRUE(eventually([&] {
    const Job job = *fleet.find(submitted.job.id);
    return job.epoch == 2 && job.status == JobStatus::kFailed;
  }));
  EXPECT_EQ(fleet.dead_letters().size(), 1U);
}

TEST_F(FleetTest, AFileThatIsAwayOrChangedIsSaidToBe) {
  Fleet fleet(settings_);
  Submission submission(fleet, submission_options());
  const auto changed = folder_.write("changed.wav", "before");
  const auto removed = folder_.write("removed.wav", "something");
  const Submitted first = submission.submit(file_input(changed.string()), {});
  const Submitted second = submission.submit(file_input(removed.string()), {});
  folder_.write("changed.wav", "after");
  fs::remove(removed);
  RunningWorker worker(settings_, *host_, worker_options("a"));
  ASSERT_TRUE(is_over_soon(fleet, first.job.id));
  ASSERT_TRUE(is_over_soon(fleet, second.job.id));
  EXPECT_THAT(error_message(*fleet.find(first.job.id)), HasSubstr("has changed since it was submitted"));
  EXPECT_THAT(fleet.find(second.job.id)->error, HasSubstr("not_found"));
}

TEST_F(FleetTest, WhatFailsAgainAndAgainIsGivenUp) {
  settings_.max_attempts = 2;
  Fleet fleet(settings_);
  SubmissionOptions options = submission_options();
  options.model = "elsewhere";
  Submission submission(fleet, options);
  const Submitted submitted = submission.submit(file_input(recording("planning.flac")), {});
  RunningWorker worker(settings_, *host_, worker_options("a"));
  ASSERT_TRUE(is_over_soon(fleet, submitted.job.id));
  const Job failed = *fleet.find(submitted.job.id);
  EXPECT_EQ(failed.status, JobStatus::kFailed);
  EXPECT_EQ(failed.failures.size(), 2U);
  EXPECT_THAT(error_message(failed), HasSubstr("elsewhere"));
}

TEST_F(FleetTest, AJobThatKillsItsWorkersIsGivenUp) {
  settings_.max_attempts = 3;
  Fleet fleet(settings_);
  Submission submission(fleet, submission_options());
  const Submitted submitted = submission.submit(file_input(recording("planning.flac")), {});
  // As three workers leave it that were killed while they worked on it.
  fleet.update(submitted.job.id, [](Job& job) {
    job.status = JobStatus::kRunning;
    job.attempt = 3;
    job.lost = 2;
    return true;
  });
  RunningWorker worker(settings_, *host_, worker_options("a"));
  ASSERT_TRUE(is_over_soon(fleet, submitted.job.id));
  const Job failed = *fleet.find(submitted.job.id);
  EXPECT_THAT(failed.error, HasSubstr("attempts_exhausted"));
  EXPECT_THAT(error_message(failed), HasSubstr("3 workers were lost"));
}

TEST_F(FleetTest, SigtermGivesBackWhatIsUnfinished) {
  settings_.ack_wait = std::chrono::minutes(10);  // only what is given back comes again
  Fleet fleet(settings_);
  Submission submission(fleet, submission_options());
  const Submitted submitted = submission.submit(file_input(hours_of_noise()), {});
  const auto begun_by = [&](const std::string& name) {
    const Job job = *fleet.find(submitted.job.id);
    return job.status == JobStatus::kRunning && job.worker == name;
  };
  RunningWorker first(settings_, *host_, worker_options("a"));
  ASSERT_TRUE(eventually([&] { return begun_by("a"); }));
  first.end();
  EXPECT_EQ(first.status().given_back, 1U);
  EXPECT_EQ(fleet.find(submitted.job.id)->status, JobStatus::kQueued);
  RunningWorker second(settings_, *host_, worker_options("b"));
  EXPECT_TRUE(eventually([&] { return begun_by("b"); }));
  EXPECT_EQ(fleet.find(submitted.job.id)->lost, 0);
}

TEST_F(FleetTest, CancellingStopsTheWorkerAndTakesWaitingJobsOut) {
  Fleet fleet(settings_);
  Submission submission(fleet, submission_options());
  const Submitted submitted = submission.submit(file_input(hours_of_noise()), {});
  {
    RunningWorker worker(settings_, *host_, worker_options("a"));
    ASSERT_TRUE(eventually([&] { return fleet.find(submitted.job.id)->status == JobStatus::kRunning; }));
    EXPECT_TRUE(fleet.cancel(submitted.job.id));
    EXPECT_FALSE(fleet.cancel(submitted.job.id));
    EXPECT_TRUE(eventually([&] { return worker.status().active.empty(); }));
    EXPECT_EQ(worker.status().jobs_done, 0U);
  }
  EXPECT_EQ(fleet.find(submitted.job.id)->status, JobStatus::kCancelled);
  Submission other(fleet, submission_options());
  const Submitted waiting = other.submit(file_input(recording("planning.flac")), {});
  EXPECT_TRUE(fleet.cancel(waiting.job.id));
  EXPECT_EQ(fleet.work().depth(Priority::kNormal).waiting, 0U);
  EXPECT_TRUE(fleet.retry(waiting.job.id));
  EXPECT_EQ(fleet.work().depth(Priority::kNormal).waiting, 1U);
}

TEST_F(FleetTest, JobsWhoseWorkWasLostCanBeQueuedAgain) {
  Fleet fleet(settings_);
  Job job;
  job.id = "job_a";
  job.created_ms = 1;
  ASSERT_TRUE(fleet.table().create(job.id, job_json(job)));
  EXPECT_EQ(fleet.requeue_lost(), 1U);
  EXPECT_EQ(fleet.requeue_lost(), 0U);
  EXPECT_EQ(fleet.work().depth(Priority::kNormal).waiting, 1U);
}

TEST_F(FleetTest, WorkThatComesBeforeItsJobWaitsForIt) {
  Fleet fleet(settings_);
  Job job = job_for(recording("planning.flac"));
  fleet.queue(job, {.job = job.id});
  RunningWorker worker(settings_, *host_, worker_options("a"));
  ASSERT_TRUE(eventually([&] { return worker.status().attempts_failed > 0; }));
  EXPECT_TRUE(fleet.submit(job));
  ASSERT_TRUE(is_over_soon(fleet, job.id));
  EXPECT_EQ(fleet.find(job.id)->status, JobStatus::kDone);
}

TEST_F(FleetTest, TheServersAbsenceIsWaitedOut) {
  Fleet fleet(settings_);
  Submission submission(fleet, submission_options());
  RunningWorker worker(settings_, *host_, worker_options("a"));
  server_->stop(SIGKILL);
  server_->start();
  ASSERT_TRUE(eventually([&] { return fleet.connection().connected(); }));
  const std::string path = recording("planning.flac");
  std::string id;
  ASSERT_TRUE(eventually([&] {
    try {
      id = submission.submit(file_input(path), {}).job.id;
      return true;
    } catch (const Error&) {
      return false;
    }
  }));
  ASSERT_TRUE(is_over_soon(fleet, id));
  EXPECT_EQ(fleet.find(id)->status, JobStatus::kDone);
}

TEST_F(FleetTest, NamesOfFleetsAreChecked) {
  for (const char* name : {"", "a.b", "a b", "a>"}) {
    settings_.stream = name;
    EXPECT_EQ(test::error_of([&] { Fleet fleet(settings_); }).code, ErrorCode::kInvalidArgument) << name;
  }
}

}  // namespace
}  // namespace amanuensis::fleet
