// Word times with the demo checkpoint, against openai-whisper's with the same weights (tools/goldens/word_times.py),
// and what must hold for any audio.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "audio/log_mel.h"
#include "model/hub/hashing.h"
#include "model/whisper/constants.h"
#include "pipeline/align/word_split.h"
#include "pipeline/align/word_times.h"
#include "pipeline/golden_audio.h"
#include "pipeline/transcriber.h"
#include "support/demo_model.h"
#include "support/goldens.h"

namespace amanuensis::pipeline {
namespace {

// Places in a golden's segments, windows, words and splits.
enum SegmentField { kSeek, kStart, kEnd, kText, kWords };
enum WindowField { kWindowSeek, kFrames, kTextTokens, kTimings };
enum WordField { kWord, kWordStart, kWordEnd, kProbability };
enum SplitField { kLanguage, kTokens, kSplitWords, kTokensOfWords };

// Sanitizers make this some twenty times as slow and look for other faults: a few cases are enough for them.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kMostCases = 1;
constexpr int kHostileKinds = 1;
#else
constexpr std::size_t kMostCases = std::numeric_limits<std::size_t>::max();
constexpr int kHostileKinds = 5;
#endif

constexpr double kWithin20Ms = 0.020 + 1e-9;
constexpr double kWithin100Ms = 0.100 + 1e-9;
constexpr double kShareWithin20Ms = 0.95;
// In speech they agree to 1e-4; digital silence leaves layer norms almost nothing to normalise, and rounding grows.
constexpr double kProbabilityTolerance = 5e-3;

// How far times are from the reference's.
class Differences {
 public:
  void add(double mine_s, double reference_s) {
    const double difference = std::abs(mine_s - reference_s);
    ++count_;
    equal_ += difference < 1e-9 ? 1 : 0;
    within_20_ms_ += difference <= kWithin20Ms ? 1 : 0;
    largest_s_ = std::max(largest_s_, difference);
    if (difference > kWithin20Ms) far_.push_back(fmt::format("{:.2f} s instead of {:.2f} s", mine_s, reference_s));
  }
  void expect_small() const {
    EXPECT_GE(static_cast<double>(within_20_ms_), kShareWithin20Ms * static_cast<double>(count_));
    EXPECT_LE(largest_s_, kWithin100Ms) << fmt::format("{}", fmt::join(far_, ", "));
  }
  void record(const std::string& what) const {
    testing::Test::RecordProperty(what + "_boundaries", static_cast<int>(count_));
    testing::Test::RecordProperty(what + "_equal", static_cast<int>(equal_));
    testing::Test::RecordProperty(what + "_largest_ms", static_cast<int>(std::lround(1000 * largest_s_)));
  }

 private:
  std::size_t count_ = 0;
  std::size_t equal_ = 0;
  std::size_t within_20_ms_ = 0;
  double largest_s_ = 0;
  std::vector<std::string> far_;
};

template <typename T>
void take(const nlohmann::json& given, const char* name, std::optional<T>& option) {
  if (!given.contains(name)) return;
  option.reset();
  if (!given.at(name).is_null()) option = given.at(name).get<T>();
}

TranscribeOptions options_of(const nlohmann::json& given) {
  TranscribeOptions options;
  options.word_timestamps = true;
  options.fallback.temperatures = given.at("temperature").get<std::vector<double>>();
  options.condition_on_previous_text = given.value("condition_on_previous_text", true);
  options.clip_timestamps = given.value("clip_timestamps", options.clip_timestamps);
  options.decoding.without_timestamps = given.value("without_timestamps", false);
  options.words.prepend_punctuations = given.value("prepend_punctuations", options.words.prepend_punctuations);
  options.words.append_punctuations = given.value("append_punctuations", options.words.append_punctuations);
  take(given, "hallucination_silence_threshold", options.hallucination_silence_threshold_s);
  take(given, "no_speech_threshold", options.fallback.no_speech_threshold);
  return options;
}

void expect_in_order(const Transcript& transcript) {
  double last_s = 0;
  for (const Segment& segment : transcript.segments) {
    for (const Word& word : segment.words) {
      EXPECT_LT(word.start_s, word.end_s) << word.word;
      EXPECT_GE(word.start_s, last_s) << word.word;
      EXPECT_LE(word.end_s, transcript.duration_s) << word.word;
      EXPECT_GE(word.probability, 0.0);
      EXPECT_LE(word.probability, 1.0);
      last_s = word.end_s;
    }
  }
}

class WordTimesGolden : public testing::Test {
 protected:
  static const nlohmann::json& golden() {
    static const nlohmann::json kGolden = test::read_golden("word_times.json");
    return kGolden;
  }

  // Goldens of other weights would blame the engine for a difference that is not its own.
  void SetUp() override {
    ASSERT_EQ(model::sha256_of_file(test::source_path("models/demo/model.safetensors"), {}),
              golden().at("model_sha256").get<std::string>())
        << "the goldens are of another model; run tools/goldens/word_times.py and commit what it writes";
    for (const auto& [name, hash] : golden().at("recordings_sha256").items()) {
      ASSERT_EQ(model::sha256_of_file(GoldenAudio::path_of(name), {}), hash.get<std::string>()) << name;
    }
  }

  model::GenerationSettings settings_of(const nlohmann::json& c) const {
    model::GenerationSettings settings = demo_.checkpoint.generation;
    if (c.at("default_heads").get<bool>()) settings.alignment_heads.clear();
    return settings;
  }

  // The golden's windows, encoded as the transcriber does.
  std::vector<SpokenWindow> windows_of(const nlohmann::json& c) {
    const std::size_t window_frames = demo_.model.dims().window_frames();
    const std::vector<float> samples = audio_.samples_of(c.at("audio"));
    audio::LogMelOptions front_end;
    front_end.padding_samples = window_frames * model::kHopSamples;
    const audio::LogMel mel =
        audio::log_mel_spectrogram(samples, audio::MelFilters(demo_.model.dims().n_mels), front_end);
    std::vector<SpokenWindow> windows;
    for (const nlohmann::json& w : c.at("windows")) {
      const auto frames = w.at(kFrames).get<std::size_t>();
      AlignedBuffer<float> padded(mel.n_mels * window_frames);
      for (std::size_t band = 0; band < mel.n_mels; ++band) {
        const auto content = mel.view().row(band).subspan(w.at(kWindowSeek).get<std::size_t>(), frames);
        std::ranges::copy(content, padded.matrix(mel.n_mels, window_frames).row(band).begin());
      }
      const TensorView<const float> view = padded.matrix(mel.n_mels, window_frames);
      windows.push_back({.window = demo_.model.encode({&view, 1}).front(),
                         .text_tokens = w.at(kTextTokens).get<std::vector<model::TokenId>>(),
                         .content_frames = frames,
                         .language = c.at("language").get<std::string>()});
    }
    return windows;
  }

  test::DemoModel demo_;
  GoldenAudio audio_;
};

TEST_F(WordTimesGolden, TokensAreCutIntoTheSameWords) {
  for (const nlohmann::json& split : golden().at("splits")) {
    const auto tokens = split.at(kTokens).get<std::vector<model::TokenId>>();
    SCOPED_TRACE(split.dump());
    std::vector<std::string> texts;
    std::vector<std::size_t> counts;
    for (const TokenWord& word : split_words(tokens, demo_.tokenizer, split.at(kLanguage).get<std::string>())) {
      texts.push_back(word.text);
      counts.push_back(word.tokens);
    }
    EXPECT_EQ(texts, split.at(kSplitWords).get<std::vector<std::string>>());
    EXPECT_EQ(counts, split.at(kTokensOfWords).get<std::vector<std::size_t>>());
  }
}

// Every window of every case, whatever came before it; all windows of a case in one batch.
TEST_F(WordTimesGolden, WindowsAlignAsTheReferences) {
  Differences differences;
  std::size_t cases = 0;
  for (const nlohmann::json& c : golden().at("cases")) {
    if (cases++ == kMostCases) break;
    SCOPED_TRACE(c.at("name").get<std::string>());
    const model::GenerationSettings settings = settings_of(c);
    const std::vector<SpokenWindow> windows = windows_of(c);
    const auto aligned =
        align_words({.model = demo_.model, .tokenizer = demo_.tokenizer, .generation = settings}, windows);
    ASSERT_EQ(aligned.size(), windows.size());
    for (std::size_t w = 0; w < windows.size(); ++w) {
      const nlohmann::json& expected = c.at("windows").at(w).at(kTimings);
      ASSERT_EQ(aligned[w].size(), expected.size()) << "window " << w;
      for (std::size_t i = 0; i < expected.size(); ++i) {
        EXPECT_EQ(aligned[w][i].word, expected[i].at(kWord).get<std::string>());
        EXPECT_NEAR(aligned[w][i].probability, expected[i].at(kProbability).get<double>(), kProbabilityTolerance);
        differences.add(aligned[w][i].start_s, expected[i].at(kWordStart).get<double>());
        differences.add(aligned[w][i].end_s, expected[i].at(kWordEnd).get<double>());
      }
    }
  }
  differences.expect_small();
  differences.record("windows");
}

TEST_F(WordTimesGolden, TranscriptsHaveTheReferencesWords) {
  constexpr double kShareCompared = 0.8;
  std::size_t words = 0;
  std::size_t compared = 0;
  Differences differences;
  std::size_t cases = 0;
  for (const nlohmann::json& c : golden().at("cases")) {
    if (cases++ == kMostCases) break;
    SCOPED_TRACE(c.at("name").get<std::string>());
    const model::GenerationSettings settings = settings_of(c);
    const Transcriber transcriber(demo_.model, demo_.tokenizer, settings);
    const std::vector<float> samples = audio_.samples_of(c.at("audio"));
    const Transcript transcript = transcriber.transcribe(samples, options_of(c.at("options")), {}, {});
    expect_in_order(transcript);
    bool parted = false;
    const nlohmann::json& expected = c.at("segments");
    for (std::size_t i = 0; i < expected.size(); ++i) {
      SCOPED_TRACE("segment " + std::to_string(i));
      const nlohmann::json& segment = expected[i];
      words += segment.at(kWords).size();
      // Where the rounding of a sum has moved a word, the next window begins elsewhere and may hear something else.
      parted = parted || i >= transcript.segments.size() || transcript.segments[i].text != segment.at(kText) ||
               transcript.segments[i].seek != segment.at(kSeek);
      if (parted) continue;
      const Segment& mine = transcript.segments[i];
      differences.add(mine.start_s, segment.at(kStart).get<double>());
      differences.add(mine.end_s, segment.at(kEnd).get<double>());
      ASSERT_EQ(mine.words.size(), segment.at(kWords).size());
      for (std::size_t w = 0; w < mine.words.size(); ++w) {
        const nlohmann::json& word = segment.at(kWords)[w];
        EXPECT_EQ(mine.words[w].word, word.at(kWord).get<std::string>());
        differences.add(mine.words[w].start_s, word.at(kWordStart).get<double>());
        differences.add(mine.words[w].end_s, word.at(kWordEnd).get<double>());
        ++compared;
      }
    }
  }
  EXPECT_GE(static_cast<double>(compared), kShareCompared * static_cast<double>(words));
  differences.expect_small();
  differences.record("transcripts");
}

// --- what holds for any audio ---

std::vector<float> hostile_audio(int kind, std::size_t samples) {
  std::vector<float> audio(samples);
  for (std::size_t i = 0; i < samples; ++i) {
    const float noise = test::hashed_uniform("word_times.hostile", i);
    if (kind == 0) audio[i] = noise;
    if (kind == 1) audio[i] = noise * 1e-4F;
    if (kind == 2) audio[i] = i % 16000 < 4000 ? noise * 0.5F : 0.0F;
    if (kind == 3) audio[i] = i % 80 < 40 ? 1.0F : -1.0F;
    if (kind == 4) audio[i] = 1e4F * noise;
  }
  return audio;
}

TEST(WordTimesProperties, WordsAreInOrderInsideAnyAudio) {
  test::DemoModel demo;
  const Transcriber transcriber(demo.model, demo.tokenizer, demo.checkpoint.generation);
  for (int kind = 0; kind < kHostileKinds; ++kind) {
    for (const std::size_t samples :
         {std::size_t{1}, std::size_t{159}, std::size_t{161}, std::size_t{7013}, std::size_t{16000 * 47 + 5}}) {
      SCOPED_TRACE(testing::Message() << "kind " << kind << ", " << samples << " samples");
      TranscribeOptions options;
      options.word_timestamps = true;
      options.fallback.temperatures = {0.0};
      options.fallback.no_speech_threshold.reset();
      options.decoding.sample_length = 40;
      if (kind % 2 == 0) options.hallucination_silence_threshold_s = 0.0;
      expect_in_order(transcriber.transcribe(hostile_audio(kind, samples), options, {}, {}));
    }
  }
}

TEST(WordTimesProperties, AWindowWithoutTextOrWithTooMuchHasNoWords) {
  test::DemoModel demo;
  const decoding::DecodingContext context{
      .model = demo.model, .tokenizer = demo.tokenizer, .generation = demo.checkpoint.generation};
  const AlignedBuffer<float> mel(demo.model.dims().n_mels * demo.model.dims().window_frames());
  const TensorView<const float> view = mel.matrix(demo.model.dims().n_mels, demo.model.dims().window_frames());
  const auto window = demo.model.encode({&view, 1}).front();
  SpokenWindow spoken{.window = window, .text_tokens = {}, .content_frames = 3000, .language = "en"};
  std::vector<SpokenWindow> windows = {spoken, spoken, spoken};
  windows[1].text_tokens.assign(500, 65);
  windows[2].text_tokens = {65, 66};
  const auto words = align_words(context, windows);
  EXPECT_TRUE(words[0].empty());
  EXPECT_TRUE(words[1].empty());
  EXPECT_FALSE(words[2].empty());
  EXPECT_TRUE(align_words(context, {}).empty());
}

// One batch gives what single windows give.
TEST(WordTimesProperties, ABatchChangesNothing) {
  test::DemoModel demo;
  const decoding::DecodingContext context{
      .model = demo.model, .tokenizer = demo.tokenizer, .generation = demo.checkpoint.generation};
  const std::size_t frames = demo.model.dims().window_frames();
  std::vector<SpokenWindow> windows;
  for (std::size_t i = 0; i < 4; ++i) {
    AlignedBuffer<float> mel(demo.model.dims().n_mels * frames);
    for (std::size_t j = 0; j < mel.size(); ++j) mel.span()[j] = test::hashed_uniform("batch" + std::to_string(i), j);
    const TensorView<const float> view = mel.matrix(demo.model.dims().n_mels, frames);
    std::vector<model::TokenId> tokens;
    for (std::size_t t = 0; t < 3 + 17 * i; ++t) tokens.push_back(static_cast<model::TokenId>(300 + 7 * t + i));
    windows.push_back({.window = demo.model.encode({&view, 1}).front(),
                       .text_tokens = tokens,
                       .content_frames = frames - 700 * i,
                       .language = "en"});
  }
  const auto together = align_words(context, windows);
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const auto alone = align_words(context, {&windows[i], 1}).front();
    ASSERT_EQ(alone.size(), together[i].size());
    for (std::size_t w = 0; w < alone.size(); ++w) {
      EXPECT_EQ(alone[w].start_s, together[i][w].start_s);
      EXPECT_EQ(alone[w].end_s, together[i][w].end_s);
      EXPECT_NEAR(alone[w].probability, together[i][w].probability, 1e-5);
    }
  }
}

}  // namespace
}  // namespace amanuensis::pipeline
