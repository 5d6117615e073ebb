// The log-mel tile kernels against Whisper's own definition (audio/log_mel), on real speech: every batch, every frame.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <filesystem>

#include "audio/decode.h"
#include "audio/log_mel.h"
#include "device/npu/kernels/log_mel.h"
#include "device/npu/simulator/simulator.h"
#include "npu_rig.h"
#include "support/goldens.h"

namespace amanuensis::device::npu {
namespace {

std::vector<float> speech(const std::filesystem::path& path) { return audio::read_all_audio(path); }

std::filesystem::path jfk() { return std::filesystem::path(AMANUENSIS_SHARED_DATA) / "jfk.flac"; }

// All frames together, and each by itself unless its bands are all alike: on the floor, where nothing can correlate.
void expect_matches(NpuRig& rig, std::span<const float> samples, const std::string& kernel) {
  const audio::LogMel expected = audio::log_mel_spectrogram(samples, 80, 0);
  OnNpu device(rig, kernel);
  const audio::LogMel found = audio::log_mel_spectrogram(samples, audio::MelFilters(80), {.device = &device});
  ASSERT_EQ(found.frames, expected.frames);
  EXPECT_GE(correlation(found.values.span(), expected.values.span()), 0.999) << kernel;
  double worst = 1;
  std::size_t compared = 0;
  for (std::size_t f = 0; f < expected.frames; ++f) {
    std::vector<float> a;
    std::vector<float> b;
    for (std::size_t band = 0; band < 80; ++band) {
      a.push_back(found.view()(band, f));
      b.push_back(expected.view()(band, f));
    }
    const auto [low, high] = std::minmax_element(b.begin(), b.end());
    if (*high - *low < 1e-3F) continue;
    ++compared;
    worst = std::min(worst, correlation(a, b));
  }
  EXPECT_GT(compared, expected.frames / 2);
  EXPECT_GE(worst, 0.999) << kernel << ", the worst frame";
  ::testing::Test::RecordProperty(kernel + "_worst_frame", std::to_string(worst));
}

TEST(LogMelKernel, MatchesWhisperOnRealSpeechInEveryBatch) {
  if (!std::filesystem::exists(jfk())) GTEST_SKIP() << "no " << jfk();
  const std::vector<float> samples = speech(jfk());
  NpuRig rig;
  for (const char* kernel : {"log_mel_1", "log_mel_10", "log_mel_20", "log_mel_100"}) {
    expect_matches(rig, samples, kernel);
    EXPECT_EQ(rig.count("log_mel").cpu, 0U) << rig.count("log_mel").reason;
    rig.executor.unload(rig.catalog.at(kernel));
  }
}

// Meetings, telephone, music-free podcasts, voices beside pauses of digital silence.
TEST(LogMelKernel, MatchesWhisperInEveryFrameOfManyRecordings) {
  const std::filesystem::path data(AMANUENSIS_SHARED_DATA);
  if (!std::filesystem::exists(data / "pyannote")) GTEST_SKIP() << "no " << data / "pyannote";
  NpuRig rig;
  for (const char* name : {"pyannote/dev00.wav", "pyannote/tst00.wav", "pyannote/trn01.wav", "pyannote/sample.wav",
                           "silero/test.wav", "faster-whisper/multilingual.mp3", "faster-whisper/hotwords.mp3"}) {
    SCOPED_TRACE(name);
    const std::vector<float> samples = speech(data / name);
    expect_matches(rig, std::span(samples).first(std::min<std::size_t>(samples.size(), 960000)), "log_mel_20");
  }
}

TEST(LogMelKernel, MatchesWhisperOnTheBundledRecordings) {
  NpuRig rig;
  for (const char* name : {"models/demo/recordings/meeting.flac", "models/demo/recordings/planning.flac"}) {
    SCOPED_TRACE(name);
    expect_matches(rig, speech(test::source_path(name)), "log_mel_20");
  }
}

TEST(LogMelKernel, MatchesWhisperOnQuietSpeech) {
  std::vector<float> samples = speech(test::source_path("models/demo/recordings/meeting.flac"));
  for (float& sample : samples) sample *= 0.01F;
  NpuRig rig;
  expect_matches(rig, samples, "log_mel_20");
}

TEST(LogMelKernel, EveryVariantGivesTheSameBytes) {
  const std::vector<float> noise = gaussian(20 * 400, 3, 4000);
  std::vector<std::int16_t> frames;
  for (const float value : noise) frames.push_back(static_cast<std::int16_t>(value));
  const TileKernels& reference = tile_kernel_variants().back();
  std::vector<std::int8_t> expected(20 * 80);
  reference.log_mel(frames.data(), expected.data(), 20);
  for (const TileKernels& variant : tile_kernel_variants()) {
    if (!kernels::runs_on(variant.isa, detect_cpu_features())) continue;
    std::vector<std::int8_t> found(20 * 80);
    variant.log_mel(frames.data(), found.data(), 20);
    EXPECT_EQ(found, expected) << kernels::to_string(variant.isa);
  }
}

TEST(LogMelKernel, BuffersHaveExactlyTheStatedSizes) {
  const Catalog catalog;
  for (const auto& [name, in, out] :
       {std::tuple{"log_mel_1", 800U, 80U}, std::tuple{"log_mel_10", 8000U, 800U},
        std::tuple{"log_mel_20", 16000U, 1600U}, std::tuple{"log_mel_100", 80000U, 8000U}}) {
    const KernelSpec& spec = catalog.at(name);
    EXPECT_EQ(spec.arguments[0].size_bytes({.rows = spec.batch}), in);
    EXPECT_EQ(spec.arguments[1].size_bytes({.rows = spec.batch}), out);
  }
}

TEST(LogMelKernel, SilenceAndFullScaleAreWithinRange) {
  std::vector<std::int16_t> frames(2 * 400, 0);
  for (std::size_t i = 0; i < 400; ++i) frames[400 + i] = i % 2 == 0 ? 32767 : -32768;
  std::vector<std::int8_t> bands(2 * 80);
  tile_kernel_variants().back().log_mel(frames.data(), bands.data(), 2);
  for (std::size_t b = 0; b < 80; ++b) EXPECT_EQ(bands[b], -127);
  EXPECT_GT(bands[80 + 79], 60);  // the highest band holds half the sampling rate
}

// Processor time of this thread alone, so that a busy machine does not matter; not where the processor itself is
// emulated (64-bit Arm runs under QEMU).
TEST(LogMelKernel, SimulatingABatchIsQuickEnoughForTests) {
  const auto frames = std::vector<std::int16_t>(2000 * 400, 1234);
  std::vector<std::int8_t> bands(2000 * 80);
  NpuRig rig([] { return make_simulator({.threads = 1}); });
  const std::clock_t start = std::clock();
  rig.operations.log_mel(frames, bands);
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  EXPECT_EQ(rig.count("log_mel").npu, 2000U);
  RecordProperty("realtime_factor", std::to_string(20 / seconds));
#if defined(NDEBUG) && defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_GE(20 / seconds, 20) << "20 s of audio took " << seconds << " s";
#endif
}

}  // namespace
}  // namespace amanuensis::device::npu
