// Live transcription: agreement, what is committed and when, with passes that are made up, and with the demo model.
#include "pipeline/live/live_transcriber.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/error.h"
#include "pipeline/golden_audio.h"
#include "pipeline/live/agreement.h"
#include "pipeline/word_error_rate.h"
#include "support/demo_model.h"
#include "support/goldens.h"

namespace amanuensis::pipeline {
namespace {

using testing::ElementsAre;

constexpr std::size_t kRate = 16000;

TEST(Agreement, IsTheCommonBeginningOfWholeWords) {
  const auto agreed = [](std::string_view a, std::string_view b) {
    return std::string(a.substr(0, agreed_bytes(a, b)));
  };
  EXPECT_EQ(agreed(" we will meet", " we will make"), " we will ");
  EXPECT_EQ(agreed(" we will meet", " we will meet again"), " we will meet");
  EXPECT_EQ(agreed(" we will meet", " we will meeting"), " we will ");
  EXPECT_EQ(agreed(" well", " well, then"), " well");
  EXPECT_EQ(agreed(" a", " b"), " ");
  EXPECT_EQ(agreed("", " b"), "");
  EXPECT_EQ(agreed("日本語", "日本人"), "日本");
  EXPECT_EQ(agreed("naïve", "naïf"), "naï") << "characters stay whole";
}

TEST(Agreement, OfWordsIgnoresCaseAndPunctuation) {
  EXPECT_TRUE(begins_with_words("We will meet. Again", "we will, meet"));
  EXPECT_FALSE(begins_with_words("we will", "we will meet"));
  EXPECT_TRUE(begins_with_words("anything", ""));
  EXPECT_FALSE(begins_with_words("", "a"));
}

// Speech whose every second has one value: second n is "word n", and every third word ends a segment.
class Script {
 public:
  Transcript operator()(std::span<const float> samples, const TranscribeOptions& /*options*/) {
    ++passes;
    longest_s = std::max(longest_s, static_cast<double>(samples.size()) / kRate);
    Transcript transcript;
    transcript.language = "en";
    Segment segment;
    const std::size_t seconds = samples.size() / kRate;
    for (std::size_t second = 0; second < seconds; ++second) {
      const auto number = static_cast<int>(std::lround(samples[second * kRate + kRate / 2] * 1000));
      segment.end_s = static_cast<double>(second + 1);
      if (number > 0) segment.text += " word" + std::to_string(number);
      // The last word is misheard until more of the audio is known.
      if (mishear_last && second + 1 == seconds && seconds < 3) segment.text += "x";
      if (number % 3 == 0 || second + 1 == seconds) {
        transcript.text += segment.text;
        if (!segment.text.empty()) transcript.segments.push_back(segment);
        const double end_s = segment.end_s;
        segment = {};
        segment.start_s = end_s;
      }
    }
    return transcript;
  }

  int passes = 0;
  double longest_s = 0;
  bool mishear_last = false;
};

std::vector<float> words(int first, int last) {
  std::vector<float> samples;
  for (int word = first; word <= last; ++word) samples.insert(samples.end(), kRate, static_cast<float>(word) / 1000.0F);
  return samples;
}

// Takes down what a live transcriber says.
struct Listener {
  LiveEvents events() {
    return {.on_partial = [this](const LivePartial& partial) { partials.push_back(partial); },
            .on_committed = [this](const LiveWindow& window) { windows.push_back(window); }};
  }
  std::vector<std::string> texts() const {
    std::vector<std::string> texts;
    for (const LiveWindow& window : windows) texts.push_back(window.text);
    return texts;
  }
  std::vector<LivePartial> partials;
  std::vector<LiveWindow> windows;
};

void push_in_pieces(LiveTranscriber& live, std::span<const float> samples, std::size_t piece) {
  while (!samples.empty()) {
    const std::size_t count = std::min(piece, samples.size());
    live.push(samples.first(count));
    samples = samples.subspan(count);
  }
}

TEST(LiveTranscriber, CommitsSegmentsThatTwoPassesAgreeOn) {
  Script script;
  Listener listener;
  LiveTranscriber live(std::ref(script), {.step_s = 1}, listener.events());
  push_in_pieces(live, words(1, 8), kRate / 10);
  EXPECT_THAT(listener.texts(), ElementsAre(" word1 word2 word3", " word4 word5 word6"));
  live.finish();
  EXPECT_THAT(listener.texts(), ElementsAre(" word1 word2 word3", " word4 word5 word6", " word7 word8"));
  EXPECT_EQ(live.transcript().text, " word1 word2 word3 word4 word5 word6 word7 word8");
  EXPECT_EQ(live.transcript().language, "en");
  EXPECT_EQ(live.transcript().segments[1].start_s, 3.0) << "times count from the beginning";
  EXPECT_EQ(live.transcript().segments[2].id, 2U);
  EXPECT_EQ(live.transcript().segments[1].seek, 300U);
  EXPECT_EQ(listener.windows[1].start_s, 3.0);
  EXPECT_EQ(listener.windows[1].end_s, 6.0);
}

TEST(LiveTranscriber, ShowsWhatIsHeardAtOnceAndHowMuchOfItIsAgreed) {
  Script script;
  script.mishear_last = true;
  Listener listener;
  LiveTranscriber live(std::ref(script), {.step_s = 1}, listener.events());
  live.push(words(1, 1));
  ASSERT_EQ(listener.partials.size(), 1U);
  EXPECT_EQ(listener.partials[0].text, " word1x");
  EXPECT_EQ(listener.partials[0].agreed_bytes, 0U);
  live.push(words(2, 2));
  EXPECT_EQ(listener.partials[1].text, " word1 word2x");
  live.push(words(4, 4));
  EXPECT_EQ(listener.partials[2].text, " word1 word2 word4");
  EXPECT_EQ(listener.partials[2].text.substr(0, listener.partials[2].agreed_bytes), " word1 ");
  EXPECT_TRUE(listener.windows.empty());
}

TEST(LiveTranscriber, SpeechWithoutAPauseIsCommittedWhenTheBufferIsFull) {
  Script script;
  Listener listener;
  LiveTranscriber live(std::ref(script), {.step_s = 1, .max_buffer_s = 5}, listener.events());
  for (int i = 0; i < 12; ++i) push_in_pieces(live, words(1, 1), 1600);
  live.finish();
  EXPECT_LE(script.longest_s, 5.0);
  EXPECT_GE(listener.windows.size(), 3U);
  double end_s = 0;
  for (const LiveWindow& window : listener.windows) {
    EXPECT_EQ(window.start_s, end_s) << "no audio is lost";
    end_s = window.end_s;
  }
  EXPECT_GE(end_s, 11.0);
}

TEST(LiveTranscriber, ALotAtOnceIsHeardInBoundedStretches) {
  Script script;
  Listener listener;
  LiveTranscriber live(std::ref(script), {.max_buffer_s = 10}, listener.events());
  live.push(words(1, 61));
  live.finish();
  EXPECT_LE(script.longest_s, 10.0);
  EXPECT_EQ(words_of(live.transcript().text).size(), 61U);
}

TEST(LiveTranscriber, NothingGivesNothing) {
  Script script;
  Listener listener;
  LiveTranscriber live(std::ref(script), {}, listener.events());
  live.push({});
  live.finish();
  EXPECT_TRUE(listener.windows.empty());
  EXPECT_TRUE(live.transcript().segments.empty());
  EXPECT_EQ(script.passes, 0);
}

TEST(LiveTranscriber, RefusesOptionsThatMakeNoSense) {
  const auto make = [](const LiveOptions& options) { LiveTranscriber live(Script(), options, {}); };
  EXPECT_THROW(make({.step_s = 0}), Error);
  EXPECT_THROW(make({.step_s = std::numeric_limits<double>::quiet_NaN()}), Error);
  EXPECT_THROW(make({.max_buffer_s = 0.5}), Error);
  EXPECT_THROW(make({.pause_s = -1}), Error);
}

// Loud frames are speech.
class LoudnessDetector final : public VoiceDetector {
 public:
  std::string_view name() const override { return "test"; }
  void push(std::span<const float> samples, std::vector<float>& probabilities) override {
    pending_.insert(pending_.end(), samples.begin(), samples.end());
    while (pending_.size() >= kVadFrameSamples) {
      probabilities.push_back(pending_.front() > 0 ? 1.0F : 0.0F);
      pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(kVadFrameSamples));
    }
  }
  void finish(std::vector<float>& /*probabilities*/) override { pending_.clear(); }

 private:
  std::vector<float> pending_;
};

TEST(LiveTranscriber, WithADetectorSilenceIsNotTranscribedAndAPauseCommits) {
  Script script;
  Listener listener;
  LiveTranscriber live(std::ref(script), {.step_s = 0.5}, listener.events(), std::make_unique<LoudnessDetector>());
  const std::vector<float> silence(20 * kRate, 0.0F);
  push_in_pieces(live, silence, 1000);
  EXPECT_EQ(script.passes, 0);
  push_in_pieces(live, words(1, 1), 1000);
  EXPECT_TRUE(listener.windows.empty());
  push_in_pieces(live, std::vector<float>(2 * kRate, 0.0F), 1000);
  ASSERT_EQ(listener.windows.size(), 1U) << "the pause ends it";
  EXPECT_GE(listener.windows[0].start_s, 19.0);
  EXPECT_LE(listener.windows[0].end_s, 22.5);
  const int passes = script.passes;
  push_in_pieces(live, silence, 1000);
  live.finish();
  EXPECT_EQ(script.passes, passes);
  EXPECT_EQ(listener.windows.size(), 1U);
}

// --- with the demo model ---

struct DemoEar {
  Transcript operator()(std::span<const float> samples, const TranscribeOptions& options) const {
    return Transcriber(demo->model, demo->tokenizer, demo->checkpoint.generation).transcribe(samples, options, {}, {});
  }
  const test::DemoModel* demo;
};

TEST(LiveTranscriberDemo, WhatIsCommittedIsWhatTheWindowGivesOffline) {
  const test::DemoModel demo;
  GoldenAudio audio;
  std::vector<float> samples = audio.samples_of(nlohmann::json::parse(R"([{"recording": "meeting.flac"}])"));
  samples.resize(std::min(samples.size(), 18 * kRate));
  LiveOptions options;
  options.step_s = 1.5;
  options.transcribe.word_timestamps = true;
  Listener listener;
  LiveTranscriber live(DemoEar{&demo}, options, listener.events());
  push_in_pieces(live, samples, 3200);
  EXPECT_FALSE(listener.partials.empty());
  EXPECT_LE(listener.partials.front().end_s, 2.0) << "text is shown soon";
  live.finish();
  ASSERT_FALSE(listener.windows.empty());

  TranscribeOptions offline = options.transcribe;
  offline.condition_on_previous_text = false;
  offline.language = live.transcript().language;
  double end_s = 0;
  std::size_t text_bytes = 0;
  for (const LiveWindow& window : listener.windows) {
    EXPECT_GE(window.start_s, end_s);
    end_s = window.end_s;
    const auto first = static_cast<std::size_t>(std::lround(window.start_s * kRate));
    const auto last = static_cast<std::size_t>(std::lround(window.end_s * kRate));
    const Transcript alone = DemoEar{&demo}(std::span(samples).subspan(first, last - first), offline);
    EXPECT_EQ(window.text, alone.text);
    text_bytes += window.text.size();
    double last_word_s = window.start_s;
    for (const Segment& segment : window.segments) {
      for (const Word& word : segment.words) {
        EXPECT_GE(word.start_s, last_word_s - 1e-9);
        EXPECT_LE(word.end_s, window.end_s + 1e-9);
        last_word_s = word.end_s;
      }
    }
  }
  EXPECT_EQ(live.transcript().text.size(), text_bytes);
}

}  // namespace
}  // namespace amanuensis::pipeline
