// pyannote's segmentation network against PyTorch with the same made-up weights (tools/goldens/speaker.py).
#include "model/speaker/segmentation_network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "support/cpu_machine.h"
#include "support/error_of.h"
#include "support/hashed_speaker.h"
#include "support/npy_file.h"
#include "support/temp_folder.h"

namespace amanuensis::model {
namespace {

using test::error_of;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr std::size_t kFrames = 589;
constexpr std::size_t kClasses = 7;

class SegmentationNetworkTest : public testing::Test {
 protected:
  SegmentationNetwork open(const std::vector<test::SpeakerTensor>& tensors) {
    return SegmentationNetwork(folder_.write("model.safetensors", test::hashed_speaker_file(tensors)),
                               machine_.backend());
  }
  static std::vector<float> run(const SegmentationNetwork& network, const std::vector<std::vector<float>>& audio) {
    const std::vector<std::span<const float>> windows(audio.begin(), audio.end());
    std::vector<float> result(windows.size() * segmentation_frames(audio[0].size()) * network.classes());
    network.run(windows, result);
    return result;
  }
  std::string complaint(const std::vector<test::SpeakerTensor>& tensors) {
    return error_of([&] { open(tensors); }).message;
  }

  test::CpuMachine machine_{device::ComputeType::kFloat32, 2};
  test::TempFolder folder_;
};

TEST_F(SegmentationNetworkTest, FramesAreAsTheConvolutionsLeaveThem) {
  EXPECT_EQ(segmentation_frames(kSegmentationWindowSamples), kFrames);
  EXPECT_EQ(segmentation_frames(990), 0U);
  EXPECT_EQ(segmentation_frames(991), 1U);
  EXPECT_EQ(segmentation_frames(991 + 269), 1U);
  EXPECT_EQ(segmentation_frames(991 + 270), 2U);
}

TEST_F(SegmentationNetworkTest, EqualsPyTorch) {
  const SegmentationNetwork network = open(test::segmentation_tensors());
  ASSERT_EQ(network.classes(), kClasses);
  const auto expected =
      test::parse_npy(test::read_file(test::source_path("tests/goldens/speaker_segmentation.npy"))).values;
  const std::vector<float> found = run(network, {test::hashed_speech("speaker.window.0", kSegmentationWindowSamples),
                                                 test::hashed_speech("speaker.window.1", kSegmentationWindowSamples)});
  ASSERT_EQ(found.size(), expected.size());
  float worst = 0;
  for (std::size_t i = 0; i < found.size(); ++i) worst = std::max(worst, std::abs(found[i] - expected[i]));
  RecordProperty("max_difference", std::to_string(worst));
  EXPECT_LT(worst, 1e-4F);
}

TEST_F(SegmentationNetworkTest, CompanyMakesNoDifference) {
  const SegmentationNetwork network = open(test::segmentation_tensors());
  std::vector<std::vector<float>> audio;
  for (int i = 0; i < 19; ++i) audio.push_back(test::hashed_speech(fmt::format("company.{}", i), 16000));
  const std::vector<float> together = run(network, audio);
  const std::size_t each = together.size() / audio.size();
  for (std::size_t i = 0; i < audio.size(); ++i) {
    const std::vector<float> alone = run(network, {audio[i]});
    for (std::size_t k = 0; k < each; ++k) EXPECT_NEAR(alone[k], together[i * each + k], 1e-5F) << i << " " << k;
  }
}

TEST_F(SegmentationNetworkTest, SilenceIsFine) {
  const SegmentationNetwork network = open(test::segmentation_tensors());
  for (const float value : run(network, {std::vector<float>(8000)})) EXPECT_TRUE(std::isfinite(value));
}

TEST_F(SegmentationNetworkTest, DamagedFilesAreNamed) {
  std::vector<test::SpeakerTensor> tensors = test::segmentation_tensors();
  std::erase_if(tensors, [](const auto& tensor) { return tensor.name == "lstm.bias_hh_l2_reverse"; });
  EXPECT_THAT(complaint(tensors), AllOf(HasSubstr("model.safetensors"), HasSubstr("'lstm.bias_hh_l2_reverse'"),
                                        HasSubstr("pyannote's segmentation")));
  tensors = test::segmentation_tensors();
  tensors[2].shape = {41, 1};
  EXPECT_THAT(complaint(tensors), HasSubstr("[41, 1], expected [40, 1]"));
  EXPECT_THAT(complaint({{"something.weight", {2, 2}}}), HasSubstr("is missing"));
  EXPECT_THAT(complaint({}), HasSubstr("model.safetensors"));
}

TEST_F(SegmentationNetworkTest, FilesThatAreNotItAreRefused) {
  folder_.write("pulled/pytorch_model.bin", "PK and nothing else");
  const auto error = error_of([&] { SegmentationNetwork(folder_.path() / "pulled", machine_.backend()); });
  EXPECT_EQ(error.code, ErrorCode::kBadData);
  EXPECT_THAT(error.message, AllOf(HasSubstr("pytorch_model.bin"), HasSubstr("zip archive")));
  const auto onnx = folder_.write("model.onnx", "x");
  EXPECT_EQ(error_of([&] { SegmentationNetwork(onnx, machine_.backend()); }).code, ErrorCode::kUnsupported);
  EXPECT_EQ(error_of([&] { SegmentationNetwork(folder_.path() / "none", machine_.backend()); }).code,
            ErrorCode::kNotFound);
}

TEST_F(SegmentationNetworkTest, WrongSizesAreRefused) {
  const SegmentationNetwork network = open(test::segmentation_tensors());
  const std::vector<float> audio(2000);
  const std::vector<std::span<const float>> unlike{std::span(audio), std::span(audio).first(1500)};
  std::vector<float> result(1000);
  EXPECT_EQ(error_of([&] { network.run(unlike, result); }).code, ErrorCode::kInvalidArgument);
  network.run({}, {});
}

}  // namespace
}  // namespace amanuensis::model
