#include "audio/log_mel.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <numbers>
#include <string>
#include <vector>

#include "audio/decode.h"
#include "base/error.h"
#include "support/error_of.h"
#include "support/kernel_data.h"
#include "support/temp_folder.h"

namespace amanuensis::audio {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kRate = 16000;
constexpr std::size_t kGoldenFrameStep = 37;
constexpr double kBar = 1e-4;  // to openai-whisper, whose own distance from double precision is up to 8e-5

// The recipes of tools/goldens/log_mel.py.
std::vector<float> noise(std::size_t samples, unsigned amplitude) {
  std::uint32_t state = 2463534242U;
  std::vector<float> values(samples);
  for (float& value : values) {
    state = state * 1664525U + 1013904223U;
    const int whole = static_cast<int>((state >> 16U) % (2 * amplitude + 1)) - static_cast<int>(amplitude);
    value = static_cast<float>(whole) / 32768.0F;
  }
  return values;
}

std::vector<float> chirp(std::size_t samples, double amplitude) {
  const double seconds = static_cast<double>(samples) / kRate;
  std::vector<float> values(samples);
  for (std::size_t i = 0; i < samples; ++i) {
    const double t = static_cast<double>(i) / kRate;
    const double phase = 2 * std::numbers::pi * (20 * t + (7800 / (2 * seconds)) * t * t);
    values[i] = static_cast<float>(std::floor(amplitude * std::sin(phase) + 0.5)) / 32768.0F;
  }
  return values;
}

// The values of a NumPy file of float32.
std::vector<float> read_npy(const fs::path& path) {
  const std::string file = test::read_file(path);
  const std::size_t begin = 10 + static_cast<unsigned char>(file.at(8)) + 256U * static_cast<unsigned char>(file.at(9));
  std::vector<float> values((file.size() - begin) / sizeof(float));
  std::memcpy(values.data(), file.data() + begin, values.size() * sizeof(float));
  return values;
}

void expect_golden(const std::string& name, const std::vector<float>& samples, std::size_t padding) {
  for (const std::size_t bands : {80U, 128U}) {
    const std::vector<float> golden = read_npy(fs::path(AMANUENSIS_SOURCE_DIR) / "tests/goldens" /
                                               ("log_mel_" + name + "_" + std::to_string(bands) + ".npy"));
    const LogMel mel = log_mel_spectrogram(samples, bands, padding);
    ASSERT_EQ(mel.frames, std::max<std::size_t>((samples.size() + padding) / kHopSamples, 1)) << name;
    std::vector<float> picked;
    for (std::size_t band = 0; band < bands; ++band) {
      for (std::size_t f = 0; f < mel.frames; f += kGoldenFrameStep) picked.push_back(mel.view()(band, f));
    }
    ASSERT_EQ(picked.size(), golden.size()) << name << " " << bands;
    const double difference = test::max_abs_difference(picked, golden);
    EXPECT_LE(difference, kBar) << name << " " << bands;
    testing::Test::RecordProperty(name + "_" + std::to_string(bands), std::to_string(difference));
  }
}

TEST(LogMelGolden, NoiseSilenceAndAChirpAreOpenAiWhispers) {
  expect_golden("noise", noise(3 * kRate + 77, 9000), 2 * kRate);
  expect_golden("quiet", noise(2 * kRate, 3), 0);
  expect_golden("silence", std::vector<float>(2 * kRate), kRate);
  expect_golden("chirp", chirp(8 * kRate, 20000), 0);
  expect_golden("shortest", noise(201, 9000), 0);
}

TEST(LogMelGolden, ARecordingIsOpenAiWhispersFromTheFileOn) {
  const fs::path recording = fs::path(AMANUENSIS_SHARED_DATA) / "jfk.flac";
  if (!fs::exists(recording)) GTEST_SKIP() << "no shared recordings at " << recording;
  expect_golden("jfk", read_all_audio(recording), 30 * kRate);
}

TEST(LogMel, EveryInstructionSetGivesTheSameWithinTheBar) {
  std::vector<float> samples = chirp(3 * kRate + 11, 20000);
  const std::vector<float> more = noise(2 * kRate, 200);
  samples.insert(samples.end(), more.begin(), more.end());
  const MelFilters filters(80);
  const kernels::KernelTable scalar = kernels::select_kernels(detect_cpu_features(), "scalar");
  const LogMel reference = log_mel_spectrogram(samples, filters, {.kernels = &scalar});
  for (const auto& power : kernels::power_spectrum_variants()) {
    if (!kernels::runs_on(power.isa, detect_cpu_features())) continue;
    kernels::KernelTable table = scalar;
    table.power_spectrum = &power;
    for (const auto& bands : kernels::log_mel_bands_variants()) {
      if (bands.isa == power.isa) table.log_mel_bands = &bands;
    }
    const LogMel mel = log_mel_spectrogram(samples, filters, {.kernels = &table});
    ASSERT_EQ(mel.frames, reference.frames);
    EXPECT_LE(test::max_abs_difference(mel.values, reference.values), kBar) << to_string(power.isa);
  }
}

TEST(LogMel, AThreadPoolAndAStreamGiveTheSameBits) {
  const MelFilters filters(128);
  ThreadPool pool(3);
  for (const std::size_t size : {0U, 1U, 100U, 159U, 160U, 200U, 201U, 399U, 400U, 2600U, 2760U, 40961U, 100000U}) {
    const std::vector<float> samples = noise(size, 5000);
    for (const std::size_t padding : {0U, 40U, 4097U}) {
      const LogMel whole = log_mel_spectrogram(samples, filters, {.padding_samples = padding});
      const LogMel split = log_mel_spectrogram(samples, filters, {.padding_samples = padding, .pool = &pool});
      LogMelStream stream(filters);
      for (const std::size_t piece : {1U, 161U, 50000U}) {
        for (std::size_t i = 0; i < size && piece * 1000 > size; i += piece) {
          stream.push(std::span(samples).subspan(i, std::min(piece, size - i)));
        }
        if (stream.samples() != size) continue;  // a piece too small to be worth the time
        stream.push_silence(padding);
        const LogMel streamed = stream.finish();
        ASSERT_EQ(streamed.frames, whole.frames) << size << " + " << padding << " in pieces of " << piece;
        EXPECT_TRUE(std::ranges::equal(streamed.values.span(), whole.values.span()))
            << size << " + " << padding << " in pieces of " << piece;
      }
      EXPECT_TRUE(std::ranges::equal(split.values.span(), whole.values.span())) << size << " + " << padding;
    }
  }
}

TEST(LogMel, VeryShortInputIsPaddedToOneFrame) {
  EXPECT_EQ(log_mel_spectrogram({}, 80, 0).frames, 0U);
  EXPECT_EQ(log_mel_spectrogram({}, 80, 0).values.size(), 0U);
  for (const std::size_t size : {1U, 100U, 159U, 160U, 200U, 201U, 319U}) {
    const std::vector<float> samples = noise(size, 9000);
    const LogMel mel = log_mel_spectrogram(samples, 80, 0);
    ASSERT_EQ(mel.frames, 1U) << size;
    std::vector<float> padded = samples;
    padded.resize(std::max<std::size_t>(size, 201));
    const LogMel same = log_mel_spectrogram(padded, 80, 0);
    EXPECT_TRUE(std::ranges::equal(mel.values.span(), same.values.span())) << size;
    for (const float value : mel.values.span()) EXPECT_TRUE(std::isfinite(value)) << size;
  }
  EXPECT_EQ(log_mel_spectrogram({}, 80, 30 * kRate).frames, 3000U);
  EXPECT_EQ(log_mel_spectrogram(noise(1, 9), 128, 30 * kRate).frames, 3000U);
}

TEST(LogMel, PaddingIsTheSameAsZeros) {
  std::vector<float> samples = noise(12345, 9000);
  const LogMel padded = log_mel_spectrogram(samples, 80, 7777);
  samples.resize(12345 + 7777);
  const LogMel zeros = log_mel_spectrogram(samples, 80, 0);
  EXPECT_TRUE(std::ranges::equal(padded.values.span(), zeros.values.span()));
}

// Some weights of openai-whisper's mel_filters.npz, the sum of all and the number of those that are not zero.
TEST(MelFilters, AreLibrosasAsWhisperShipsThem) {
  struct Weight {
    std::size_t bands, band, bin;
    double value;
  };
  constexpr Weight kWeights[] = {
      {80, 0, 0, 0},
      {80, 0, 1, 0.02486259490251541},
      {80, 1, 2, 0.022871771827340126},
      {80, 40, 41, 0},
      {80, 40, 42, 0.005411104764789343},
      {80, 40, 43, 0.014735566452145576},
      {80, 79, 185, 0},
      {80, 79, 186, 0.000366741674952209},
      {128, 0, 1, 0.012373986653983593},
      {128, 1, 1, 0.030392564833164215},
      {128, 40, 24, 0.040376365184783936},
      {128, 127, 191, 0.0004756950947921723},
  };
  for (const Weight& expected : kWeights) {
    const MelFilters filters(expected.bands);
    const kernels::MelBand& band = filters.bands().bands[expected.band];
    const bool inside = expected.bin >= band.first_bin && expected.bin < band.first_bin + band.bins;
    const float value = inside ? filters.bands().weights[band.first_weight + expected.bin - band.first_bin] : 0.0F;
    EXPECT_NEAR(value, expected.value, 1e-9) << expected.bands << " bands: " << expected.band << ", " << expected.bin;
  }
  const auto totals = [](std::size_t n_mels) {
    const MelFilters filters(n_mels);
    double sum = 0;
    std::size_t used = 0;
    for (std::size_t b = 0; b < n_mels; ++b) {
      const kernels::MelBand& band = filters.bands().bands[b];
      for (std::size_t j = 0; j < band.bins; ++j) {
        const float weight = filters.bands().weights[band.first_weight + j];
        sum += weight;
        used += weight > 1e-9F ? 1 : 0;  // a triangle's foot may miss its bin by a rounding error
      }
    }
    return std::pair(sum, used);
  };
  EXPECT_NEAR(totals(80).first, 1.999024092387117, 1e-7);
  EXPECT_EQ(totals(80).second, 391U);
  EXPECT_NEAR(totals(128).first, 3.1909855409403463, 1e-7);
  EXPECT_EQ(totals(128).second, 394U);
}

TEST(MelFilters, OfACheckpointAreUsedAsTheyCome) {
  const std::vector<float> samples = noise(8000, 9000);
  const MelFilters own(80);
  std::vector<float> dense(80 * kernels::kSpectrumBins);
  for (std::size_t b = 0; b < 80; ++b) {
    const kernels::MelBand& band = own.bands().bands[b];
    std::copy_n(own.bands().weights + band.first_weight, band.bins,
                dense.begin() + static_cast<std::ptrdiff_t>(b * kernels::kSpectrumBins + band.first_bin));
  }
  const MelFilters given(TensorView<const float>(dense.data(), 80, kernels::kSpectrumBins));
  const LogMel expected = log_mel_spectrogram(samples, own, {});
  const LogMel mel = log_mel_spectrogram(samples, given, {});
  EXPECT_TRUE(std::ranges::equal(mel.values.span(), expected.values.span()));
}

TEST(MelFilters, SayWhatIsWrong) {
  using test::error_of;
  EXPECT_EQ(error_of([] { log_mel_spectrogram({}, 81, 0); }).message,
            "no mel filter bank of 81 bands: Whisper models have 80 or 128");
  std::vector<float> weights(80 * 201);
  const auto wrong_shape = error_of([&] { MelFilters(TensorView<const float>(weights.data(), 80, 200)); });
  EXPECT_EQ(wrong_shape.message, "mel filters have shape [80, 200], expected [n_mels, 201]");
  EXPECT_EQ(wrong_shape.code, ErrorCode::kBadData);
  weights[201 * 3] = std::nanf("");
  EXPECT_EQ(error_of([&] { MelFilters(TensorView<const float>(weights.data(), 80, 201)); }).message,
            "mel filter 3 has a weight that is not finite");
}

}  // namespace
}  // namespace amanuensis::audio
