// WeSpeaker's ResNet34 and Kaldi's features against PyTorch and torchaudio (tools/goldens/speaker.py).
#include "model/speaker/wespeaker_network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "model/speaker/kaldi_fbank.h"
#include "support/cpu_machine.h"
#include "support/error_of.h"
#include "support/hashed_speaker.h"
#include "support/npy_file.h"
#include "support/temp_folder.h"

namespace amanuensis::model {
namespace {

using test::error_of;
using ::testing::HasSubstr;

constexpr std::size_t kSamples[] = {32000, 21933};

std::vector<float> golden(const std::string& name) {
  return test::parse_npy(test::read_file(test::source_path("tests/goldens/" + name))).values;
}

float worst_difference(std::span<const float> a, std::span<const float> b) {
  EXPECT_EQ(a.size(), b.size());
  float worst = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

class WeSpeakerNetworkTest : public testing::Test {
 protected:
  WeSpeakerNetwork open(const std::vector<test::SpeakerTensor>& tensors) {
    return WeSpeakerNetwork(folder_.write("model.safetensors", test::hashed_speaker_file(tensors)), machine_.backend());
  }
  std::vector<float> features(const std::string& name, std::size_t samples) {
    std::vector<float> result = KaldiFbank(machine_.backend()).compute(test::hashed_speech(name, samples));
    subtract_band_means(result);
    return result;
  }
  static TensorView<const float> view(const std::vector<float>& features) {
    return {features.data(), features.size() / kFbankBands, kFbankBands};
  }

  test::CpuMachine machine_{device::ComputeType::kFloat32, 2};
  test::TempFolder folder_;
};

TEST_F(WeSpeakerNetworkTest, FeaturesAreKaldis) {
  const std::vector<float> found =
      KaldiFbank(machine_.backend()).compute(test::hashed_speech("speaker.voice.0", kSamples[0]));
  EXPECT_LT(worst_difference(found, golden("speaker_fbank.npy")), 1e-3F);
  EXPECT_TRUE(KaldiFbank(machine_.backend()).compute(std::vector<float>(399)).empty());
}

TEST_F(WeSpeakerNetworkTest, EqualsPyTorch) {
  const WeSpeakerNetwork network = open(test::wespeaker_tensors());
  ASSERT_EQ(network.dimension(), 256U);
  std::vector<std::vector<float>> inputs;
  std::vector<TensorView<const float>> windows;
  for (std::size_t i = 0; i < 2; ++i) inputs.push_back(features(fmt::format("speaker.voice.{}", i), kSamples[i]));
  for (const auto& input : inputs) windows.push_back(view(input));
  const std::vector<WeSpeakerFrames> frames = network.encode(windows);
  std::vector<float> weights[2];
  std::vector<WeSpeakerStretch> stretches;
  for (std::size_t i = 0; i < 2; ++i) {
    for (std::size_t k = 0; k < 17; ++k) {
      weights[i].push_back((test::hashed_uniform(fmt::format("speaker.weights.{}", i), k) + 1.0F) * 0.5F);
    }
    stretches.push_back({&frames[i], 0, frames[i].frames, {}});
    stretches.push_back({&frames[i], 0, frames[i].frames, weights[i]});
  }
  std::vector<float> found(stretches.size() * network.dimension());
  network.embed(stretches, {found.data(), stretches.size(), network.dimension()});
  const float worst = worst_difference(found, golden("speaker_embeddings.npy"));
  RecordProperty("max_difference", std::to_string(worst));
  EXPECT_LT(worst, 1e-4F);
}

TEST_F(WeSpeakerNetworkTest, CompanyMakesNoDifference) {
  const WeSpeakerNetwork network = open(test::wespeaker_tensors());
  std::vector<std::vector<float>> inputs;
  for (const std::size_t frames : {1U, 8U, 9U, 150U, 7U, 200U, 203U, 16U}) {
    inputs.push_back(features(fmt::format("company.{}", frames), kFbankHopSamples * (frames - 1) + kFbankFrameSamples));
  }
  std::vector<TensorView<const float>> windows;
  for (const auto& input : inputs) windows.push_back(view(input));
  const std::vector<WeSpeakerFrames> together = network.encode(windows);
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const WeSpeakerFrames alone = std::move(network.encode({&windows[i], 1}).front());
    ASSERT_EQ(alone.frames, (windows[i].rows() + kWeSpeakerStride - 1) / kWeSpeakerStride);
    EXPECT_LT(worst_difference(alone.values.span(), together[i].values.span()), 1e-4F) << i;
  }
}

TEST_F(WeSpeakerNetworkTest, NothingToGoByIsFinite) {
  const WeSpeakerNetwork network = open(test::wespeaker_tensors());
  const std::vector<float> input = features("speaker.voice.0", 16000);
  const TensorView<const float> window = view(input);
  const std::vector<WeSpeakerFrames> frames = network.encode({&window, 1});
  const std::vector<float> nothing(5);
  const WeSpeakerStretch stretch{&frames[0], 0, frames[0].frames, nothing};
  std::vector<float> found(network.dimension());
  network.embed({&stretch, 1}, {found.data(), 1, found.size()});
  for (const float value : found) EXPECT_TRUE(std::isfinite(value));
}

TEST_F(WeSpeakerNetworkTest, DamagedFilesAreNamed) {
  std::vector<test::SpeakerTensor> tensors = test::wespeaker_tensors();
  std::erase_if(tensors, [](const auto& tensor) { return tensor.name == "resnet.layer3.4.bn2.running_var"; });
  EXPECT_THAT(error_of([&] { open(tensors); }).message, HasSubstr("'resnet.layer3.4.bn2.running_var' is missing"));
  tensors = test::wespeaker_tensors();
  tensors.back().shape = {255};
  EXPECT_EQ(error_of([&] { open(tensors); }).code, ErrorCode::kBadData);
}

}  // namespace
}  // namespace amanuensis::model
