#include "cli/vad_options.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "support/error_of.h"
#include "support/temp_folder.h"

namespace amanuensis::cli {
namespace {

namespace fs = std::filesystem;
using test::error_of;

VadRequest read(const std::vector<std::string>& given) {
  CLI::App parser;
  VadArguments arguments;
  add_vad_options(parser, arguments);
  parser.parse(std::vector<std::string>(given.rbegin(), given.rend()));
  return read_vad_request(arguments);
}

TEST(VadOptions, DefaultsAreFasterWhispers) {
  const VadRequest request = read({});
  EXPECT_FALSE(request.filter);
  EXPECT_EQ(request.method, VadMethod::kAuto);
  EXPECT_EQ(request.speech.threshold, 0.5);
  EXPECT_FALSE(request.speech.neg_threshold);
  EXPECT_EQ(request.speech.min_speech_duration_ms, 0);
  EXPECT_EQ(request.speech.max_speech_duration_s, std::numeric_limits<double>::infinity());
  EXPECT_EQ(request.speech.min_silence_duration_ms, 2000);
  EXPECT_FALSE(request.min_silence_given);
  EXPECT_EQ(request.speech.speech_pad_ms, 400);
}

TEST(VadOptions, EveryOptionArrives) {
  const VadRequest request =
      read({"--vad-filter", "--vad-method", "builtin", "--vad-threshold", "0.4", "--vad-neg-threshold", "0.2",
            "--min-speech-duration-ms", "250", "--max-speech-duration-s", "20.5", "--min-silence-duration-ms", "2000",
            "--speech-pad-ms", "30"});
  EXPECT_TRUE(request.filter);
  EXPECT_EQ(request.method, VadMethod::kBuiltin);
  EXPECT_EQ(request.speech.threshold, 0.4);
  EXPECT_EQ(request.speech.neg_threshold, 0.2);
  EXPECT_EQ(request.speech.min_speech_duration_ms, 250);
  EXPECT_EQ(request.speech.max_speech_duration_s, 20.5);
  EXPECT_TRUE(request.min_silence_given);
  EXPECT_EQ(request.speech.speech_pad_ms, 30);
  EXPECT_FALSE(read({"--vad-filter", "--no-vad-filter"}).filter);
}

TEST(VadOptions, WhatMakesNoSenseIsNamed) {
  const auto message = [](const std::vector<std::string>& given) { return error_of([&] { read(given); }).message; };
  EXPECT_NE(message({"--vad-threshold", "1.5"}).find("--vad-threshold"), std::string::npos);
  EXPECT_NE(message({"--vad-method", "silro"}).find("silero"), std::string::npos);
  EXPECT_NE(message({"--speech-pad-ms", "-1"}).find("--speech-pad-ms"), std::string::npos);
  EXPECT_NE(message({"--max-speech-duration-s", "0"}).find("--max-speech-duration-s"), std::string::npos);
  EXPECT_NE(message({"--min-silence-duration-ms", "long"}).find("--min-silence-duration-ms"), std::string::npos);
  EXPECT_NE(message({"--vad-filter", "--vad-method", "none"}).find("--vad-filter"), std::string::npos);
}

class VoiceActivityTest : public testing::Test {
 protected:
  static model::HubSettings settings(const fs::path& cache) {
    model::HubSettings settings;
    settings.cache = cache;
    return settings;
  }

  test::TempFolder folder_;
  Environment environment_;
  Terminal terminal_{1, 2};
  Context context_{environment_, terminal_, model::Hub(settings(folder_.path())), {}};
};

TEST_F(VoiceActivityTest, AutoIsBuiltinWhereSileroIsNotInstalled) {
  const VoiceActivity voice(context_, read({"--vad-filter"}));
  EXPECT_EQ(voice.name(), "builtin");
  EXPECT_EQ(voice.factory()()->name(), "builtin");
}

TEST_F(VoiceActivityTest, MissingWeightsNameTheCommand) {
  const auto error = error_of([&] { VoiceActivity(context_, read({"--vad-method", "silero"})); });
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
  EXPECT_NE(error.message.find("`amanuensis models pull silero-vad`"), std::string::npos);
  EXPECT_EQ(error_of([&] {
              VoiceActivity(context_, read({"--vad-model", "/nowhere/at.all"}));
            }).code,
            ErrorCode::kNotFound);
}

TEST_F(VoiceActivityTest, DamagedWeightsAreNotPassedOver) {
  const fs::path file = folder_.write("weights.safetensors", "not weights");
  EXPECT_EQ(error_of([&] { VoiceActivity(context_, read({"--vad-model", file.string()})); }).code, ErrorCode::kBadData);
}

TEST_F(VoiceActivityTest, SileroIsReadFromAFile) {
  const fs::path file = fs::path(AMANUENSIS_SHARED_DATA) / "silero" / "silero_vad_16k.safetensors";
  if (!fs::exists(file)) GTEST_SKIP() << "no " << file;
  const VoiceActivity voice(context_, read({"--vad-model", file.string()}));
  EXPECT_EQ(voice.name(), "silero");
  std::vector<float> probabilities;
  const auto detector = voice.factory()();
  detector->push(std::vector<float>(5120), probabilities);
  ASSERT_EQ(probabilities.size(), 10U);
  EXPECT_LT(probabilities.back(), 0.5F);
}

}  // namespace
}  // namespace amanuensis::cli
