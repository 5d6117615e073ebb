#include "pipeline/ranges.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "golden_audio.h"
#include "pipeline/engine.h"
#include "pipeline/transcript_json.h"
#include "support/demo_model.h"
#include "support/error_of.h"

namespace amanuensis::pipeline {
namespace {

class RangesTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    demo_ = std::make_unique<test::DemoModel>();
    speech_ = audio::read_all_audio(GoldenAudio::path_of("meeting.flac"));
    speech_.resize(std::min<std::size_t>(speech_.size(), 110 * 16'000));
  }
  static void TearDownTestSuite() { demo_.reset(); }

  static Engine make_engine() {
    return Engine({.model = demo_->model, .tokenizer = demo_->tokenizer, .generation = demo_->checkpoint.generation},
                  {});
  }
  static BatchedOptions options() {
    BatchedOptions options;
    options.transcribe.fallback.temperatures = {0.0};
    options.transcribe.word_timestamps = true;
    return options;
  }

  static inline std::unique_ptr<test::DemoModel> demo_;
  static inline std::vector<float> speech_;
};

TEST_F(RangesTest, AreTogetherWhatTheWholeIsToTheBit) {
  Engine engine = make_engine();
  const Transcript whole = engine.submit({.audio = sample_source(speech_), .options = options()}).wait();
  ASSERT_GT(whole.segments.size(), 3U);

  std::vector<PlannedWindow> windows;
  const PlanFacts facts = engine.plan(sample_source(speech_), options(),
                                      [&](PlannedWindow window) { windows.push_back(std::move(window)); });
  ASSERT_GT(windows.size(), 2U);
  EXPECT_EQ(facts.duration_s, whole.duration_s);
  EXPECT_EQ(facts.silent_language, "en");

  for (const std::size_t size : {std::size_t{1}, std::size_t{2}, windows.size()}) {
    std::vector<std::vector<WindowText>> texts((windows.size() + size - 1) / size);
    // Backwards: nothing that one range finds out may be needed by another.
    for (std::size_t range = texts.size(); range-- > 0;) {
      WindowRange part{.windows = {}, .largest_mel = windows[range * size].largest_mel};
      std::vector<float> samples;
      for (std::size_t i = range * size; i < std::min(windows.size(), (range + 1) * size); ++i) {
        part.windows.push_back(windows[i].window);
        samples.insert(samples.end(), windows[i].samples.begin(), windows[i].samples.end());
      }
      EngineRequest request{.audio = sample_source(std::move(samples)), .options = options()};
      request.range = std::make_shared<WindowRange>(std::move(part));
      request.events.on_window = [&](const WindowText& text) { texts[range].push_back(text); };
      engine.submit(std::move(request)).wait();
    }
    // Each range by itself, of those before it the mark alone.
    TranscriptMark mark;
    std::vector<Segment> told;
    for (const auto& range : texts) {
      TranscriptBuilder next(true, mark);
      for (const WindowText& text : range) {
        const auto added = next.add(text);
        told.insert(told.end(), added.begin(), added.end());
      }
      mark = next.mark();
    }
    TranscriptBuilder builder(true);
    for (auto& range : texts) {
      for (WindowText& text : range) builder.add(std::move(text));
    }
    Transcript merged = builder.transcript();
    merged.duration_s = facts.duration_s;
    EXPECT_EQ(full_json(merged), full_json(whole)) << "ranges of " << size;
    Transcript of_told = merged;
    of_told.segments = std::move(told);
    EXPECT_EQ(full_json(of_told), full_json(whole)) << "ranges of " << size;
    ASSERT_EQ(merged.segments.size(), whole.segments.size());
    for (std::size_t i = 0; i < merged.segments.size(); ++i) {
      EXPECT_EQ(merged.segments[i].start_s, whole.segments[i].start_s);
      EXPECT_EQ(merged.segments[i].avg_logprob, whole.segments[i].avg_logprob);
    }
  }
}

TEST_F(RangesTest, SaysWhenItsAudioIsTooShort) {
  Engine engine = make_engine();
  EngineRequest request{.audio = sample_source(std::vector<float>(8000)), .options = options()};
  request.range = std::make_shared<WindowRange>(WindowRange{.windows = {AudioWindow{{{0, 16'000}}}}});
  const auto handle = engine.submit(std::move(request));
  EXPECT_EQ(test::error_of([&] { handle.wait(); }).code, ErrorCode::kBadData);
}

TEST_F(RangesTest, NoWindowsAreNoText) {
  Engine engine = make_engine();
  std::size_t windows = 0;
  const PlanFacts facts = engine.plan(sample_source({}), options(), [&](const PlannedWindow&) { ++windows; });
  EXPECT_EQ(windows, 0U);
  EXPECT_EQ(facts.duration_s, 0.0);
}

}  // namespace
}  // namespace amanuensis::pipeline
