// Random mixes of requests through the scheduler, from several threads at once, with cancellations, priorities,
// deadlines and a backend that fails: every window ends exactly once, what it ends with does not depend on what else
// was running (bit for bit), and nothing is left behind. Runs under the thread sanitizer as well (`make tsan`).
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "decoding/fallback.h"
#include "decoding/random.h"
#include "decoding/scheduler.h"
#include "support/checkpoint_builder.h"
#include "support/cpu_machine.h"
#include "support/faulty_backend.h"
#include "support/hashed_model.h"
#include "support/temp_folder.h"

namespace amanuensis::decoding {
namespace {

using test::FaultyBackend;

model::ModelDimensions miniature() {
  model::ModelDimensions dims = test::small_dimensions();
  dims.n_audio_ctx = 32;
  dims.n_text_ctx = 40;
  return dims;
}

model::Checkpoint write_and_open(const test::TempFolder& folder) {
  test::write_huggingface(folder.path(), {.dims = miniature(), .seed = 5, .generation_config = true});
  return model::open_checkpoint(folder.path());
}

// A miniature model behind a backend that can fail.
struct Machine {
  explicit Machine(device::ComputeType type) : cpu(type) {}

  test::TempFolder folder;
  test::CpuMachine cpu;
  FaultyBackend backend{cpu.backend()};
  model::Checkpoint checkpoint = write_and_open(folder);
  model::WhisperModel model{checkpoint, backend};
  model::Tokenizer tokenizer{checkpoint.vocabulary};
  DecodingContext context{.model = model, .tokenizer = tokenizer, .generation = checkpoint.generation};
};

AlignedBuffer<float> mel_of(std::size_t window) {
  return test::hashed_mel("window." + std::to_string(window), miniature().n_mels, miniature().window_frames());
}

// The same few windows and ways to decode them again and again, so that each pair's result is known.
constexpr std::size_t kWindows = 4;
constexpr std::size_t kKinds = 4;

WindowTask make_task(std::size_t window, std::size_t kind) {
  WindowTask task;
  task.log_mel = mel_of(window);
  task.decoding.language = kind == 3 ? "" : "en";
  task.own_language = kind == 3;
  task.decoding.sample_length = 6 + 3 * kind;
  task.decoding.best_of = 3;
  task.fallback.temperatures = {0.0};
  if (kind == 1) task.decoding.beam_size = 4;
  if (kind == 2) {  // the first tries never pass
    task.fallback = {.temperatures = {0.0, 0.4, 0.8}, .logprob_threshold = 1.0, .no_speech_threshold = {}};
  }
  return task;
}

struct Expected {
  WindowResult result;
  std::string language;
};

Expected decode_alone(const Machine& machine, std::size_t window, std::size_t kind) {
  WindowTask task = make_task(window, kind);
  const TensorView<const float> mel =
      std::as_const(task.log_mel).matrix(miniature().n_mels, miniature().window_frames());
  const auto encoded = machine.model.encode({&mel, 1}).front();
  if (task.own_language) task.decoding.language = detect_language(machine.context, encoded).front().first;
  return {decode_with_fallback(machine.context, encoded, task.decoding, task.fallback, {}), task.decoding.language};
}

// What the windows of one run come to.
class Ledger {
 public:
  explicit Ledger(const Machine& machine) {
    for (std::size_t window = 0; window < kWindows; ++window) {
      for (std::size_t kind = 0; kind < kKinds; ++kind) {
        expected_[{window, kind}] = decode_alone(machine, window, kind);
      }
    }
  }

  // A window that reports here; poisoned ones must fail.
  WindowTask task(std::size_t window, std::size_t kind, bool poisoned) {
    WindowTask task = make_task(window, kind);
    if (poisoned) task.log_mel[0] = FaultyBackend::kPoison;
    const std::size_t number = issued_++;
    task.on_done = [this, number, window, kind, poisoned](const WindowOutcome& outcome) {
      const std::scoped_lock lock(mutex_);
      ++ends_[number];
      if (!outcome.error) {
        EXPECT_FALSE(poisoned);
        check(expected_.at({window, kind}), outcome);
        ++good_;
        return;
      }
      try {
        std::rethrow_exception(outcome.error);
      } catch (const Error& error) {
        if (poisoned && error.code() == ErrorCode::kInternal) return;
        EXPECT_TRUE(error.code() == ErrorCode::kCancelled || error.code() == ErrorCode::kDeadlineExceeded ||
                    error.code() == ErrorCode::kInternal)
            << error.what();
      }
    };
    return task;
  }
  void refused() { ++refused_; }

  void check_ends() const {
    const std::scoped_lock lock(mutex_);
    EXPECT_EQ(ends_.size() + refused_, issued_) << "windows that never ended";
    for (const auto& [number, ends] : ends_) EXPECT_EQ(ends, 1) << number;
  }
  std::size_t good() const { return good_; }

 private:
  static void check(const Expected& expected, const WindowOutcome& outcome) {
    EXPECT_EQ(outcome.language, expected.language);
    EXPECT_EQ(outcome.result.tokens, expected.result.tokens);
    EXPECT_EQ(outcome.result.text, expected.result.text);
    EXPECT_EQ(outcome.result.temperature, expected.result.temperature);
    EXPECT_EQ(outcome.result.avg_logprob, expected.result.avg_logprob);
    EXPECT_EQ(outcome.result.no_speech_prob, expected.result.no_speech_prob);
    EXPECT_EQ(outcome.result.compression_ratio, expected.result.compression_ratio);
  }

  std::map<std::pair<std::size_t, std::size_t>, Expected> expected_;
  mutable std::mutex mutex_;
  std::map<std::size_t, int> ends_;
  std::atomic<std::size_t> issued_{0};
  std::atomic<std::size_t> refused_{0};
  std::atomic<std::size_t> good_{0};
};

// A stream of random numbers of one thread.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : seed_(seed) {}
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(stream_key(seed_, ++count_) % n); }
  bool chance(std::size_t one_in) { return below(one_in) == 0; }

 private:
  std::uint64_t seed_;
  std::uint64_t count_ = 0;
};

// Opens requests and submits windows to them; some are cancelled in the middle, some have no time at all.
void make_requests(Scheduler& scheduler, Ledger& ledger, std::uint64_t seed) {
  Dice dice(seed);
  for (int i = 0; i < 6; ++i) {
    RequestOptions options{.priority = static_cast<int>(dice.below(3)),
                           .weight = 0.5 + static_cast<double>(dice.below(4))};
    if (dice.chance(5)) options.deadline = SchedulerClock::now() + std::chrono::milliseconds(dice.below(30));
    const RequestId request = scheduler.open(options);
    const std::size_t windows = 1 + dice.below(5);
    for (std::size_t w = 0; w < windows; ++w) {
      WindowTask task = ledger.task(dice.below(kWindows), dice.below(kKinds), dice.chance(8));
      if (!scheduler.submit(request, task)) ledger.refused();
      if (dice.chance(12)) scheduler.cancel(request);
    }
    scheduler.close(request);
  }
}

void run_mix(device::ComputeType type, std::uint64_t seed) {
  Machine machine(type);
  Ledger ledger(machine);
  constexpr std::size_t kSlots = 5;
  {
    Scheduler scheduler(
        machine.context,
        {.batch = {.max_windows = kSlots, .max_sequences = 9}, .max_encoded_per_step = 2, .max_waiting = 6});
    std::jthread driver([&](const std::stop_token& stop) { scheduler.run(stop); });
    {
      std::vector<std::jthread> callers;
      for (std::uint64_t caller = 0; caller < 3; ++caller) {
        callers.emplace_back([&, caller] { make_requests(scheduler, ledger, stream_key(seed, caller)); });
      }
      Dice dice(seed);
      for (int i = 0; i < 4; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        machine.backend.fail_after(dice.below(40));
      }
    }
    for (int i = 0; i < 60'000 && scheduler.counts().requests > 0; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_EQ(scheduler.counts().requests, 0U) << "requests that never ended";
    EXPECT_EQ(scheduler.counts().running, 0U);
    EXPECT_EQ(scheduler.counts().waiting, 0U);
    EXPECT_EQ(scheduler.counts().sequences_lent, 0U);
    EXPECT_LE(scheduler.counts().windows_made, kSlots);
    EXPECT_LE(scheduler.counts().sequences_made, 9U);
  }
  ledger.check_ends();
  EXPECT_GT(ledger.good(), 0U);
}

TEST(SchedulerProperty, RandomMixesInFloat32) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    SCOPED_TRACE(seed);
    run_mix(device::ComputeType::kFloat32, seed);
  }
}

TEST(SchedulerProperty, RandomMixesInInt8) {
  for (const std::uint64_t seed : {4, 5, 6}) {
    SCOPED_TRACE(seed);
    run_mix(device::ComputeType::kInt8, seed);
  }
}

TEST(SchedulerProperty, NothingIsAllocatedForWindowsOnceTheSlotsAreInUse) {
  Machine machine(device::ComputeType::kFloat32);
  Scheduler scheduler(machine.context, {.batch = {.max_windows = 3, .max_sequences = 6}, .max_waiting = 1000});
  const RequestId request = scheduler.open({});
  std::size_t done = 0;
  const auto feed = [&](std::size_t windows) {
    for (std::size_t i = 0; i < windows; ++i) {
      WindowTask task = make_task(i % kWindows, i % kKinds);
      task.on_done = [&done](const WindowOutcome& outcome) {
        EXPECT_FALSE(outcome.error);
        ++done;
      };
      ASSERT_TRUE(scheduler.submit(request, task));
    }
    while (scheduler.step()) {
    }
  };
  feed(24);
  const std::size_t caches = machine.backend.caches_made();
  feed(100);
  EXPECT_EQ(done, 124U);
  EXPECT_EQ(machine.backend.caches_made(), caches) << "keys and values are kept in memory that is used again";
}

}  // namespace
}  // namespace amanuensis::decoding
