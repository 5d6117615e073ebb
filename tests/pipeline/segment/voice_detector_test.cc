// The built-in detector on signals with known truth, and both detectors on recordings.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numbers>
#include <random>
#include <string>

#include "audio/decode.h"
#include "pipeline/segment/segmenter.h"
#include "pipeline/segment/silero_detector.h"
#include "pipeline/segment/spectral_detector.h"
#include "support/cpu_machine.h"
#include "support/goldens.h"

namespace amanuensis::pipeline {
namespace {

namespace fs = std::filesystem;

constexpr double kRate = 16000;
const fs::path kSharedData = AMANUENSIS_SHARED_DATA;

using Signal = std::vector<float>;

std::size_t samples_of(double seconds) { return static_cast<std::size_t>(seconds * kRate); }

Signal white_noise(double seconds, double deviation, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> values(0, static_cast<float>(deviation));
  Signal signal(samples_of(seconds));
  for (float& sample : signal) sample = values(random);
  return signal;
}

Signal hum(double seconds, double hz, double level) {
  Signal signal(samples_of(seconds));
  for (std::size_t i = 0; i < signal.size(); ++i) {
    double value = 0;
    for (int k = 1; k <= 8; ++k) {
      value += std::sin(2 * std::numbers::pi * hz * k * static_cast<double>(i) / kRate + k) / k;
    }
    signal[i] = static_cast<float>(level * value);
  }
  return signal;
}

// Syllables of a gliding voice with three formants, 5 a second, in the given spans (seconds).
Signal voice(double seconds, const std::vector<std::pair<double, double>>& spans, double level) {
  Signal signal(samples_of(seconds));
  for (const auto& [from, to] : spans) {
    double phase = 0;
    for (std::size_t i = samples_of(from); i < samples_of(to); ++i) {
      const double t = static_cast<double>(i) / kRate - from;
      const double pitch = 130 + 25 * std::sin(2 * std::numbers::pi * 0.7 * t);
      phase += 2 * std::numbers::pi * pitch / kRate;
      const double sway = std::sin(2 * std::numbers::pi * 1.3 * t);
      double value = 0;
      for (int k = 1; k * pitch < 3500; ++k) {
        double gain = 0;
        for (const auto& [formant, width] :
             {std::pair{500 + 150 * sway, 120.0}, {1500 - 300 * sway, 180.0}, {2600.0, 250.0}}) {
          gain += 1 / (1 + std::pow((k * pitch - formant) / width, 2));
        }
        value += gain * std::sin(k * phase);
      }
      const double syllable = std::max(0.05, std::sin(std::numbers::pi * std::fmod(t * 5, 1.0)));
      signal[i] = static_cast<float>(level * syllable * value);
    }
  }
  return signal;
}

Signal operator+(Signal a, const Signal& b) {
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) a[i] += b[i];
  return a;
}

double deviation(const Signal& signal) {
  double sum = 0;
  std::size_t count = 0;
  for (const float sample : signal) {
    if (sample == 0) continue;
    sum += static_cast<double>(sample) * sample;
    ++count;
  }
  return std::sqrt(sum / static_cast<double>(std::max<std::size_t>(1, count)));
}

std::vector<float> run(VoiceDetector& detector, const Signal& signal) {
  std::vector<float> probabilities;
  detector.push(signal, probabilities);
  detector.finish(probabilities);
  return probabilities;
}

std::vector<float> builtin(const Signal& signal) { return run(*make_spectral_detector(), signal); }

double share_of_speech(const std::vector<float>& probabilities) {
  return static_cast<double>(std::ranges::count_if(probabilities, [](float p) { return p >= 0.5F; })) /
         static_cast<double>(std::max<std::size_t>(1, probabilities.size()));
}

struct Rates {
  double hits = 0;          // of speech, within 400 ms of what was found: what padded spans keep
  double false_alarms = 0;  // of what is further than 400 ms from speech
};

Rates compare(const std::vector<float>& found, const std::vector<bool>& truth) {
  constexpr std::size_t kNear = 12;  // frames
  const auto near = [&](const auto& is_on, std::size_t frame) {
    for (std::size_t i = frame - std::min(frame, kNear); i <= frame + kNear && i < truth.size(); ++i) {
      if (is_on(i)) return true;
    }
    return false;
  };
  const auto is_found = [&](std::size_t i) { return found[i] >= 0.5F; };
  const auto is_true = [&](std::size_t i) { return truth[i]; };
  std::size_t speech = 0, hits = 0, far = 0, alarms = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    if (truth[i]) {
      ++speech;
      if (near(is_found, i)) ++hits;
    } else if (!near(is_true, i)) {
      ++far;
      if (is_found(i)) ++alarms;
    }
  }
  return {static_cast<double>(hits) / static_cast<double>(std::max<std::size_t>(1, speech)),
          static_cast<double>(alarms) / static_cast<double>(std::max<std::size_t>(1, far))};
}

std::vector<bool> truth_of(const std::vector<std::pair<double, double>>& spans, std::size_t frames) {
  std::vector<bool> truth(frames);
  for (const auto& [from, to] : spans) {
    for (auto i = static_cast<std::size_t>(from * kRate / kVadFrameSamples); i < frames; ++i) {
      if (static_cast<double>(i * kVadFrameSamples) < to * kRate) truth[i] = true;
    }
  }
  return truth;
}

TEST(SpectralDetector, HearsNoSpeechInWhatIsNone) {
  EXPECT_EQ(share_of_speech(builtin(Signal(samples_of(20)))), 0);
  for (const double level_db : {-90, -70, -50, -30, -10}) {
    EXPECT_LT(share_of_speech(builtin(white_noise(20, std::pow(10, level_db / 20)))), 0.005) << level_db << " dB";
  }
  for (const double hz : {50.0, 60.0, 100.0, 120.0}) {
    EXPECT_LT(share_of_speech(builtin(hum(20, hz, 0.03))), 0.01) << hz << " Hz";
    EXPECT_LT(share_of_speech(builtin(hum(20, hz, 0.03) + white_noise(20, 0.003))), 0.01) << hz << " Hz and noise";
  }
}

TEST(SpectralDetector, ClicksAndStepsOfNoiseAreNoSpeech) {
  std::mt19937 random(3);
  Signal clicks = white_noise(20, 0.0005);
  for (int i = 0; i < 50; ++i) {
    const std::size_t at = random() % (clicks.size() - 50);
    for (std::size_t k = 0; k < 40; ++k) {
      clicks[at + k] += 0.6F * static_cast<float>(std::exp(-static_cast<double>(k) / 8)) * (i % 2 == 0 ? 1.0F : -1.0F);
    }
  }
  EXPECT_LT(share_of_speech(builtin(clicks)), 0.01);
  Signal step = white_noise(20, 0.001);
  for (std::size_t i = samples_of(8); i < samples_of(14); ++i) step[i] *= 30;
  EXPECT_LT(share_of_speech(builtin(step)), 0.02);
}

TEST(SpectralDetector, HearsAVoiceInNoiseAndAtAnyLevel) {
  const std::vector<std::pair<double, double>> spans{{2, 5}, {8, 9}, {11, 17}};
  for (const double level : {0.1, 0.003, 0.0003}) {
    const Signal clean = voice(20, spans, level);
    for (const double snr_db : {25, 15, 10}) {
      const Signal noisy = clean + white_noise(20, deviation(clean) * std::pow(10, -snr_db / 20));
      const std::vector<float> found = builtin(noisy);
      const Rates rates = compare(found, truth_of(spans, found.size()));
      EXPECT_GT(rates.hits, 0.95) << level << ", " << snr_db << " dB";
      EXPECT_LT(rates.false_alarms, 0.02) << level << ", " << snr_db << " dB";
    }
  }
}

TEST(SpectralDetector, SpeechOfTheDemoRecordingIsFound) {
  const fs::path folder = test::source_path("models/demo/recordings");
  std::ifstream in(folder / "meeting.json");
  ASSERT_TRUE(in);
  std::vector<std::pair<double, double>> spans;
  for (const auto& sentence : nlohmann::json::parse(in)) {
    spans.emplace_back(sentence.at("start").get<double>(), sentence.at("end").get<double>());
  }
  const std::vector<float> found = builtin(audio::read_all_audio(folder / "meeting.flac"));
  const Rates rates = compare(found, truth_of(spans, found.size()));
  RecordProperty("hits", std::to_string(rates.hits));
  RecordProperty("false_alarms", std::to_string(rates.false_alarms));
  EXPECT_GT(rates.hits, 0.98);
  EXPECT_LT(rates.false_alarms, 0.05);
}

TEST(SpectralDetector, HowTheAudioIsCutMakesNoDifference) {
  const Signal signal = voice(6, {{1, 3}}, 0.1) + white_noise(6, 0.003);
  const std::vector<float> whole = builtin(signal);
  EXPECT_EQ(whole.size(), (signal.size() + kVadFrameSamples - 1) / kVadFrameSamples);
  std::mt19937 random(5);
  const auto detector = make_spectral_detector();
  for (int round = 0; round < 3; ++round) {  // finished, it is as new
    std::vector<float> found;
    for (std::size_t at = 0; at < signal.size();) {
      const std::size_t count = std::min<std::size_t>(signal.size() - at, 1 + random() % 3000);
      detector->push(std::span(signal).subspan(at, count), found);
      at += count;
    }
    detector->finish(found);
    EXPECT_EQ(found, whole);
  }
}

class Recordings : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(kSharedData / "silero")) GTEST_SKIP() << "no recordings in " << kSharedData;
  }
};

TEST_F(Recordings, BuiltinHearsWhatSileroHears) {
  test::CpuMachine machine(device::ComputeType::kFloat32, 1);
  const model::SileroVad network(kSharedData / "silero" / "silero_vad_16k.safetensors", machine.backend());
  for (const char* name : {"jfk.flac", "silero/test.wav", "pyannote/sample.wav"}) {
    const Signal signal = audio::read_all_audio(kSharedData / name);
    const std::vector<float> silero = run(*make_silero_detector(network), signal);
    std::vector<bool> truth;
    for (const float p : silero) truth.push_back(p >= 0.5F);
    const Rates rates = compare(builtin(signal), truth);
    EXPECT_GT(rates.hits, 0.98) << name;
    EXPECT_LT(rates.false_alarms, 0.05) << name;
  }
}

TEST_F(Recordings, SileroInPiecesIsSileroInOneGo) {
  test::CpuMachine machine(device::ComputeType::kFloat32, 1);
  const model::SileroVad network(kSharedData / "silero" / "silero_vad_16k.safetensors", machine.backend());
  Signal signal = audio::read_all_audio(kSharedData / "jfk.flac");
  signal.resize(signal.size() / kVadFrameSamples * kVadFrameSamples + 77);
  const std::vector<float> whole = run(*make_silero_detector(network), signal);
  EXPECT_EQ(whole.size(), signal.size() / kVadFrameSamples + 1);
  std::mt19937 random(6);
  const auto detector = make_silero_detector(network);
  for (int round = 0; round < 2; ++round) {
    std::vector<float> found;
    for (std::size_t at = 0; at < signal.size();) {
      const std::size_t count = std::min<std::size_t>(signal.size() - at, 1 + random() % 5000);
      detector->push(std::span(signal).subspan(at, count), found);
      at += count;
    }
    detector->finish(found);
    ASSERT_EQ(found.size(), whole.size());
    for (std::size_t i = 0; i < whole.size(); ++i) ASSERT_NEAR(found[i], whole[i], 1e-5F) << i;
  }
}

}  // namespace
}  // namespace amanuensis::pipeline
