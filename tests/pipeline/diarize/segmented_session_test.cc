// Diarization with a local segmenter, with networks that hear what the samples say: a sample's value names its
// speakers.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

#include "pipeline/diarize/diarizer.h"
#include "pipeline/diarize/local_speakers.h"
#include "pipeline/diarize/powerset.h"
#include "pipeline/eval/diarization_error_rate.h"
#include "support/error_of.h"

namespace amanuensis::pipeline {
namespace {

constexpr std::size_t kRate = 16000;
constexpr std::size_t kVoices = 8;

// Who speaks at a sample, as bits.
unsigned speakers_in(float sample) { return static_cast<unsigned>(std::lround(sample * 256)); }
float sample_of(unsigned speakers) { return static_cast<float>(speakers) / 256; }

// Hears three speakers a window, numbered in an order of its own.
class PlainSegmenter final : public LocalSegmenter {
 public:
  PlainSegmenter() {
    traits_ = {.name = "plain",
               .window_samples = 10 * kRate,
               .speakers = 3,
               .frames = 589,
               .first_frame_sample = 495,
               .frame_hop_samples = 270};
  }
  const LocalSegmenterTraits& traits() const override { return traits_; }
  void run(std::span<const std::span<const float>> windows, std::span<float> activity) const override {
    for (std::size_t w = 0; w < windows.size(); ++w) {
      std::map<unsigned, std::size_t> numbers;
      for (std::size_t t = 0; t < traits_.frames; ++t) {
        const unsigned speaking = speakers_in(windows[w][495 + 270 * t]);
        for (unsigned voice = 0; voice < kVoices; ++voice) {
          if ((speaking >> voice & 1U) == 0) continue;
          const std::size_t number = numbers.emplace(voice, (numbers.size() + w) % 3).first->second;
          activity[(w * traits_.frames + t) * 3 + number] = 1;
        }
      }
    }
  }

 private:
  LocalSegmenterTraits traits_;
};

// A voice is the direction of its number, with a little of the others.
class PlainEmbedder final : public SpeakerEmbedder {
 public:
  PlainEmbedder() {
    traits_.name = "plain";
    traits_.dimension = kVoices;
  }
  const EmbedderTraits& traits() const override { return traits_; }
  void embed(std::span<const float> audio, std::span<const EmbedRegion> regions,
             std::vector<float>& vectors) const override {
    for (const EmbedRegion& region : regions) {
      std::vector<float> vector(kVoices);
      const std::size_t size = region.end - region.start;
      for (std::size_t i = 0; i < size; i += 160) {
        const float weight = region.weights.empty() ? 1.0F : region.weights[i * region.weights.size() / size];
        const unsigned speaking = speakers_in(audio[region.start + i]);
        for (unsigned voice = 0; voice < kVoices; ++voice) {
          if ((speaking >> voice & 1U) != 0) vector[voice] += weight;
        }
      }
      float squares = 0;
      for (const float x : vector) squares += x * x;
      for (float& x : vector) x = squares > 0 ? x / std::sqrt(squares) : 0.0F;
      vectors.insert(vectors.end(), vector.begin(), vector.end());
    }
  }

 private:
  EmbedderTraits traits_;
};

struct Meeting {
  std::vector<float> audio;
  std::vector<RttmTurn> turns;
};

// Turns of one to six seconds, some of which overlap the one before.
Meeting made_up_meeting(std::size_t voices, double seconds, unsigned seed) {
  std::mt19937 random(seed);
  const auto uniform = [&](double low, double high) {
    return low + (high - low) * static_cast<double>(random() % 10000) / 10000;
  };
  std::vector<unsigned> speaking(static_cast<std::size_t>(seconds * kRate));
  Meeting meeting;
  unsigned last = 0;
  for (double at_s = 1; at_s + 1 < seconds;) {
    const unsigned voice = voices == 1 ? 0 : static_cast<unsigned>((last + 1 + random() % (voices - 1)) % voices);
    const double end_s = std::min(at_s + uniform(1, 6), seconds);
    meeting.turns.push_back({fmt::format("v{}", voice), at_s, end_s - at_s});
    for (auto i = static_cast<std::size_t>(at_s * kRate); i < static_cast<std::size_t>(end_s * kRate); ++i) {
      speaking[i] |= 1U << voice;
    }
    last = voice;
    at_s = end_s + (voices > 1 && random() % 4 == 0 ? -uniform(0.2, 0.8) : uniform(0.4, 2.0));
  }
  for (const unsigned each : speaking) meeting.audio.push_back(sample_of(each));
  return meeting;
}

Diarizer plain_diarizer() {
  DiarizerParts parts;
  parts.embedder = std::make_shared<PlainEmbedder>();
  parts.segmenter = std::make_shared<PlainSegmenter>();
  return Diarizer(std::move(parts));
}

std::vector<RttmTurn> as_rttm(const Diarization& diarization) {
  std::vector<RttmTurn> turns;
  for (const SpeakerTurn& turn : diarization.turns) {
    turns.push_back({diarization.speakers[turn.speaker].label, turn.start_s, turn.end_s - turn.start_s});
  }
  return turns;
}

TEST(SegmentedSessionTest, FindsWhoSpeaksWhen) {
  const Diarizer diarizer = plain_diarizer();
  EXPECT_EQ(diarizer.model(), "plain + plain");
  for (const std::size_t voices : {1U, 2U, 3U, 5U}) {
    const Meeting meeting = made_up_meeting(voices, 90, static_cast<unsigned>(voices));
    const Diarization found = diarizer.diarize(meeting.audio, {});
    EXPECT_EQ(found.speakers.size(), voices);
    const DerResult result = diarization_error_rate(meeting.turns, as_rttm(found), {});
    EXPECT_LT(result.components.rate(), 0.04) << voices;
    EXPECT_EQ(found.model, "plain + plain");
  }
}

TEST(SegmentedSessionTest, PiecesOfAnySizeGiveTheSame) {
  const Diarizer diarizer = plain_diarizer();
  const Meeting meeting = made_up_meeting(3, 70, 9);
  const Diarization whole = diarizer.diarize(meeting.audio, {});
  for (const std::size_t piece : {997U, 160000U, 400000U}) {
    const auto session = diarizer.open({});
    for (std::size_t i = 0; i < meeting.audio.size(); i += piece) {
      session->push(std::span(meeting.audio).subspan(i, std::min(piece, meeting.audio.size() - i)));
    }
    EXPECT_EQ(session->finish({}).turns, whole.turns) << piece;
  }
}

TEST(SegmentedSessionTest, EveryLengthIsHeardToItsEnd) {
  const Diarizer diarizer = plain_diarizer();
  for (const double seconds : {0.5, 3.0, 9.9, 10.0, 10.1, 12.4, 12.5, 47.4, 47.5, 47.6, 60.0}) {
    const std::vector<float> audio(static_cast<std::size_t>(seconds * kRate), sample_of(1));
    const Diarization found = diarizer.diarize(audio, {});
    ASSERT_EQ(found.turns.size(), 1U) << seconds;
    EXPECT_LT(found.turns[0].start_s, 0.05) << seconds;
    EXPECT_GT(found.turns[0].end_s, seconds - 0.05) << seconds;
    EXPECT_LE(found.turns[0].end_s, seconds) << seconds;
  }
}

TEST(SegmentedSessionTest, NoSpeechIsNoTurns) {
  const Diarizer diarizer = plain_diarizer();
  EXPECT_TRUE(diarizer.diarize(std::vector<float>(30 * kRate), {}).turns.empty());
  EXPECT_TRUE(diarizer.diarize({}, {}).turns.empty());
}

TEST(SegmentedSessionTest, OptionsAreKept) {
  const Diarizer diarizer = plain_diarizer();
  const Meeting meeting = made_up_meeting(4, 90, 4);
  DiarizeOptions options;
  options.num_speakers = 2;
  EXPECT_EQ(diarizer.diarize(meeting.audio, options).speakers.size(), 2U);
  options = {};
  options.max_speakers = 3;
  EXPECT_LE(diarizer.diarize(meeting.audio, options).speakers.size(), 3U);
  options = {};
  options.overlap = false;
  const Diarization alone = diarizer.diarize(meeting.audio, options);
  for (std::size_t i = 1; i < alone.turns.size(); ++i) {
    EXPECT_LE(alone.turns[i - 1].end_s, alone.turns[i].start_s + 1e-6);
  }
  options = {};
  options.known = {{"Ann", {0, 1, 0, 0, 0, 0, 0, 0}}};
  const Diarization named = diarizer.diarize(meeting.audio, options);
  EXPECT_EQ(std::ranges::count(named.speakers, "Ann", &DiarizedSpeaker::label), 1);
}

TEST(PowersetTest, SetsAreInTheNetworksOrder) {
  const Powerset powerset(3, 2);
  ASSERT_EQ(powerset.classes(), 7U);
  std::vector<float> scores(7 * 7);
  for (std::size_t i = 0; i < 7; ++i) scores[i * 7 + i] = 1;
  std::vector<float> activity(7 * 3);
  powerset.decode(scores, activity);
  EXPECT_THAT(activity, testing::ElementsAre(0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1));
  EXPECT_EQ(test::error_of([&] { powerset.decode(std::span(scores).first(48), activity); }).code,
            ErrorCode::kInvalidArgument);
}

TEST(LocalSpeakersTest, TwoOfOneWindowAreNeverTheSame) {
  LocalSpeakers local;
  local.speakers = 2;
  local.dimension = 2;
  local.windows = {{0, {3}}, {0, {3}}};
  // Both speakers of the second window are most like the first one's first.
  local.vectors = {1, 0, 0, 1, 0.8F, 0.6F, 0.98F, 0.199F};
  local.clean_s = {5, 5, 1, 1};
  const GlobalSpeakers global = identify(local, {.max_clusters = 2}, 2.0);
  ASSERT_EQ(global.speakers, 2U);
  EXPECT_NE(global.speaker_of[2], global.speaker_of[3]);
  EXPECT_EQ(global.speaker_of[3], global.speaker_of[0]);
}

}  // namespace
}  // namespace amanuensis::pipeline
