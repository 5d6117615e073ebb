#include "decoding/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "decoding/fallback.h"
#include "support/error_of.h"
#include "support/hashed_whisper.h"

namespace amanuensis::decoding {
namespace {

AlignedBuffer<float> mel_of(const std::string& name) {
  const model::ModelDimensions dims = test::miniature();
  return test::hashed_mel(name, dims.n_mels, dims.window_frames());
}

// What all windows of one test come to.
struct Outcomes {
  std::map<std::string, WindowOutcome> by_name;
  std::vector<std::string> order;
  std::map<std::string, int> ends;

  WindowTask task(const std::string& name, const DecodingOptions& options = {}, const FallbackOptions& fallback = {}) {
    WindowTask task;
    task.log_mel = mel_of(name);
    task.decoding = options;
    task.fallback = fallback;
    task.on_done = [this, name](WindowOutcome outcome) {
      ++ends[name];
      order.push_back(name);
      by_name[name] = std::move(outcome);
    };
    return task;
  }
  ErrorCode error(const std::string& name) const {
    try {
      if (by_name.at(name).error) std::rethrow_exception(by_name.at(name).error);
    } catch (const Error& error) {
      return error.code();
    }
    ADD_FAILURE() << name << " did not fail";
    return ErrorCode::kInternal;
  }
};

DecodingOptions english() {
  DecodingOptions options;
  options.language = "en";
  options.sample_length = 12;
  return options;
}

FallbackOptions one_try() {
  FallbackOptions fallback;
  fallback.temperatures = {0.0};
  return fallback;
}

void expect_same(const WindowResult& a, const WindowResult& b, const std::string& what) {
  EXPECT_EQ(a.tokens, b.tokens) << what;
  EXPECT_EQ(a.text, b.text) << what;
  EXPECT_EQ(a.temperature, b.temperature) << what;
  EXPECT_EQ(a.avg_logprob, b.avg_logprob) << what;
  EXPECT_EQ(a.no_speech_prob, b.no_speech_prob) << what;
  EXPECT_EQ(a.compression_ratio, b.compression_ratio) << what;
}

void finish(Scheduler& scheduler) {
  for (int i = 0; i < 100'000; ++i) {
    if (!scheduler.step() && scheduler.counts().waiting == 0) return;
  }
  FAIL() << "the scheduler never came to an end";
}

TEST(Scheduler, WindowsOfAllKindsComeOutAsTheyDoAlone) {
  const DecodingContext context = test::miniature_whisper().context();
  std::vector<std::pair<DecodingOptions, FallbackOptions>> kinds(6, {english(), one_try()});
  kinds[1].first.beam_size = 3;
  kinds[1].first.prompt = {500, 600};
  kinds[2].second.temperatures = {0.7};
  kinds[3].second = {
      .temperatures = {0.0, 0.5, 1.0}, .logprob_threshold = 1.0, .no_speech_threshold = {}};  // no try passes
  kinds[4].first.without_timestamps = true;
  kinds[4].first.hotwords = {700, 800, 900};
  kinds[5].first.beam_size = 5;
  kinds[5].first.sample_length = 30;

  Outcomes outcomes;
  Scheduler scheduler(context, {.batch = {.max_windows = 3, .max_sequences = 7}});
  const RequestId request = scheduler.open({});
  for (std::size_t i = 0; i < 12; ++i) {
    WindowTask task = outcomes.task("mel." + std::to_string(i), kinds[i % 6].first, kinds[i % 6].second);
    ASSERT_TRUE(scheduler.submit(request, task));
  }
  scheduler.close(request);
  finish(scheduler);
  for (std::size_t i = 0; i < 12; ++i) {
    const std::string name = "mel." + std::to_string(i);
    ASSERT_EQ(outcomes.ends[name], 1) << name;
    ASSERT_FALSE(outcomes.by_name[name].error) << name;
    expect_same(outcomes.by_name[name].result,
                decode_with_fallback(context, test::miniature_whisper().window(name), kinds[i % 6].first,
                                     kinds[i % 6].second, {}),
                name);
  }
  EXPECT_EQ(scheduler.counts().requests, 0U);
  EXPECT_EQ(scheduler.counts().sequences_lent, 0U);
  EXPECT_LE(scheduler.counts().windows_made, 3U);
  EXPECT_LE(scheduler.counts().sequences_made, 7U);
}

TEST(Scheduler, AWindowThatNeedsMoreSequencesThanThereAreIsDecodedAlone) {
  Outcomes outcomes;
  Scheduler scheduler(test::miniature_whisper().context(), {.batch = {.max_windows = 4, .max_sequences = 2}});
  const RequestId request = scheduler.open({});
  DecodingOptions wide = english();
  wide.beam_size = 5;
  for (const char* name : {"mel.0", "mel.1"}) {
    WindowTask task = outcomes.task(name, wide, one_try());
    scheduler.submit(request, task);
  }
  scheduler.step();
  EXPECT_EQ(scheduler.counts().running, 1U);
  finish(scheduler);
  EXPECT_FALSE(outcomes.by_name["mel.1"].error);
}

TEST(Scheduler, TheFirstWindowTellsTheLanguageOfTheOthers) {
  const DecodingContext context = test::miniature_whisper().context();
  Outcomes outcomes;
  Scheduler scheduler(context, {});
  DecodingOptions options = english();
  options.language.clear();
  const RequestId one = scheduler.open({});
  const RequestId each = scheduler.open({});
  for (int i = 0; i < 3; ++i) {
    const std::string name = "mel." + std::to_string(i);
    WindowTask task = outcomes.task(name, options, one_try());
    scheduler.submit(one, task);
    task = outcomes.task(name, options, one_try());
    task.own_language = true;
    task.on_done = [&outcomes, name](WindowOutcome outcome) { outcomes.by_name["own " + name] = std::move(outcome); };
    scheduler.submit(each, task);
  }
  finish(scheduler);
  const auto detected = [&](int i) {
    return detect_language(context, test::miniature_whisper().window("mel." + std::to_string(i)));
  };
  for (int i = 0; i < 3; ++i) {
    const std::string name = "mel." + std::to_string(i);
    EXPECT_EQ(outcomes.by_name[name].language, detected(0).front().first);
    EXPECT_EQ(outcomes.by_name[name].language_probabilities.empty(), i > 0);
    EXPECT_EQ(outcomes.by_name["own " + name].language, detected(i).front().first);
    EXPECT_EQ(outcomes.by_name["own " + name].language_probabilities, detected(i));
    options.language = outcomes.by_name[name].language;
    expect_same(outcomes.by_name[name].result,
                decode_with_fallback(context, test::miniature_whisper().window(name), options, one_try(), {}), name);
  }
}

TEST(Scheduler, CancellingFreesTheSlotsWithinOneStep) {
  Outcomes outcomes;
  Scheduler scheduler(test::miniature_whisper().context(), {.batch = {.max_windows = 2}});
  const RequestId first = scheduler.open({});
  const RequestId second = scheduler.open({});
  for (const char* name : {"a0", "a1", "a2", "a3"}) {
    WindowTask task = outcomes.task(name, english(), one_try());
    scheduler.submit(first, task);
  }
  WindowTask task = outcomes.task("b0", english(), one_try());
  scheduler.submit(second, task);
  scheduler.step();
  ASSERT_EQ(scheduler.counts().running, 2U);
  scheduler.cancel(first);
  scheduler.step();
  EXPECT_EQ(scheduler.counts().running, 1U) << "only the other request's window";
  for (const char* name : {"a0", "a1", "a2", "a3"}) {
    const bool ran_for_b = outcomes.ends[name] == 0;
    EXPECT_FALSE(ran_for_b) << name;
    EXPECT_EQ(outcomes.error(name), ErrorCode::kCancelled);
  }
  WindowTask late = outcomes.task("late", english(), one_try());
  EXPECT_FALSE(scheduler.submit(first, late));
  EXPECT_FALSE(late.log_mel.empty()) << "a refused task stays with the caller";
  finish(scheduler);
  EXPECT_FALSE(outcomes.by_name["b0"].error);
}

TEST(Scheduler, WhatIsNotDoneByTheDeadlineFails) {
  SchedulerClock::time_point now{};
  Outcomes outcomes;
  Scheduler scheduler(test::miniature_whisper().context(),
                      {.batch = {.max_windows = 1}, .now = [&now] { return now; }});
  const RequestId request = scheduler.open({.deadline = now + std::chrono::seconds(10)});
  for (const char* name : {"a", "b", "c"}) {
    WindowTask task = outcomes.task(name, english(), one_try());
    scheduler.submit(request, task);
  }
  while (outcomes.order.empty()) scheduler.step();
  EXPECT_FALSE(outcomes.by_name["a"].error);
  now += std::chrono::seconds(10);
  scheduler.step();
  EXPECT_EQ(outcomes.error("b"), ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(outcomes.error("c"), ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(scheduler.counts().running, 0U);
}

TEST(Scheduler, AShortRequestDoesNotWaitBehindALongOne) {
  Outcomes outcomes;
  Scheduler scheduler(test::miniature_whisper().context(), {.batch = {.max_windows = 2}, .max_waiting = 400});
  const RequestId lengthy = scheduler.open({});
  for (int i = 0; i < 100; ++i) {
    WindowTask task = outcomes.task("long " + std::to_string(i), english(), one_try());
    scheduler.submit(lengthy, task);
  }
  for (int i = 0; i < 40; ++i) scheduler.step();
  const std::size_t before = outcomes.order.size();
  const RequestId brief = scheduler.open({});
  for (int i = 0; i < 2; ++i) {
    WindowTask task = outcomes.task("short " + std::to_string(i), english(), one_try());
    scheduler.submit(brief, task);
  }
  std::size_t steps = 0;
  while (outcomes.ends["short 1"] == 0) {
    scheduler.step();
    ++steps;
  }
  // At most 14 steps a window: two that run, then one of each request's in turn.
  EXPECT_LE(steps, 3 * 14U);
  EXPECT_LE(outcomes.order.size() - before, 2 + 4U);
}

TEST(Scheduler, WeightsAndPrioritiesDecideAmongRequests) {
  Outcomes outcomes;
  Scheduler scheduler(test::miniature_whisper().context(), {.batch = {.max_windows = 1}, .max_waiting = 400});
  const RequestId heavy = scheduler.open({.weight = 3.0});
  const RequestId light = scheduler.open({.weight = 1.0});
  const RequestId urgent = scheduler.open({.priority = 1, .weight = 0.1});
  for (int i = 0; i < 24; ++i) {
    WindowTask task = outcomes.task("heavy", english(), one_try());
    scheduler.submit(heavy, task);
    task = outcomes.task("light", english(), one_try());
    scheduler.submit(light, task);
  }
  for (int i = 0; i < 3; ++i) {
    WindowTask task = outcomes.task("urgent", english(), one_try());
    scheduler.submit(urgent, task);
  }
  while (outcomes.order.size() < 19) scheduler.step();
  EXPECT_THAT(std::vector(outcomes.order.begin(), outcomes.order.begin() + 3), testing::Each("urgent"));
  EXPECT_NEAR(outcomes.ends["heavy"], 12, 1);
  EXPECT_NEAR(outcomes.ends["light"], 4, 1);
}

TEST(Scheduler, AFullQueueRefusesAndCallsWhenThereIsRoom) {
  Outcomes outcomes;
  Scheduler scheduler(test::miniature_whisper().context(), {.batch = {.max_windows = 1}, .max_waiting = 2});
  int calls = 0;
  const RequestId request = scheduler.open({.on_room = [&calls] { ++calls; }});
  WindowTask task = outcomes.task("a", english(), one_try());
  EXPECT_EQ(scheduler.try_submit(request, task), Scheduler::Submitted::kYes);
  task = outcomes.task("b", english(), one_try());
  EXPECT_EQ(scheduler.try_submit(request, task), Scheduler::Submitted::kYes);
  task = outcomes.task("c", english(), one_try());
  EXPECT_EQ(scheduler.try_submit(request, task), Scheduler::Submitted::kNoRoom);
  EXPECT_FALSE(task.log_mel.empty());
  EXPECT_EQ(calls, 0);
  scheduler.step();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(scheduler.try_submit(request, task), Scheduler::Submitted::kYes);
  scheduler.close(request);
  EXPECT_EQ(scheduler.try_submit(request, task), Scheduler::Submitted::kEnded);
}

TEST(Scheduler, WhatIsLeftEndsWithTheScheduler) {
  Outcomes outcomes;
  {
    Scheduler scheduler(test::miniature_whisper().context(), {.batch = {.max_windows = 1}});
    const RequestId request = scheduler.open({});
    for (const char* name : {"running", "waiting"}) {
      WindowTask task = outcomes.task(name, english(), one_try());
      scheduler.submit(request, task);
    }
    scheduler.step();
  }
  EXPECT_EQ(outcomes.error("running"), ErrorCode::kCancelled);
  EXPECT_EQ(outcomes.error("waiting"), ErrorCode::kCancelled);
}

TEST(Scheduler, OptionsThatMakeNoSenseFailOneWindow) {
  Outcomes outcomes;
  Scheduler scheduler(test::miniature_whisper().context(), {});
  const RequestId request = scheduler.open({});
  WindowTask task = outcomes.task("good", english(), one_try());
  scheduler.submit(request, task);
  task = outcomes.task("no temperature", english(), {.temperatures = {}});
  scheduler.submit(request, task);
  task = outcomes.task("wrong size", english(), one_try());
  task.log_mel = AlignedBuffer<float>(7);
  scheduler.submit(request, task);
  DecodingOptions unknown = english();
  unknown.language = "xx";
  task = outcomes.task("unknown language", unknown, one_try());
  scheduler.submit(request, task);
  finish(scheduler);
  EXPECT_FALSE(outcomes.by_name["good"].error);
  for (const char* name : {"no temperature", "wrong size", "unknown language"}) {
    EXPECT_EQ(outcomes.error(name), ErrorCode::kInvalidArgument) << name;
  }
}

TEST(Scheduler, TheHookSeesEveryFinishedWindowOnce) {
  std::vector<std::string> seen;
  BatchOptions batch;
  batch.finishing = [&](std::span<const FinishedWindow> windows) {
    for (const FinishedWindow& window : windows) {
      EXPECT_NE(window.window, nullptr);
      EXPECT_FALSE(window.result.tokens.empty());
      seen.push_back(*static_cast<const std::string*>(window.attachment.get()));
      if (seen.back() == "bad") throw Error(ErrorCode::kInternal, "no good");
    }
  };
  Outcomes outcomes;
  Scheduler scheduler(test::miniature_whisper().context(), {.batch = batch});
  const RequestId request = scheduler.open({});
  for (const char* name : {"good", "bad", "plain"}) {
    WindowTask task = outcomes.task(name, english(), one_try());
    task.wants_finishing = std::string(name) != "plain";
    task.attachment = std::make_shared<std::string>(name);
    scheduler.submit(request, task);
  }
  finish(scheduler);
  EXPECT_EQ(outcomes.error("bad"), ErrorCode::kInternal);
  EXPECT_FALSE(outcomes.by_name["good"].error);
  EXPECT_FALSE(outcomes.by_name["plain"].error);
  EXPECT_THAT(seen, testing::Not(testing::Contains("plain")));
}

}  // namespace
}  // namespace amanuensis::decoding
