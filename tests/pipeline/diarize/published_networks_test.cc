// The published networks behind the ports of diarization, with made-up weights.
#include "pipeline/diarize/published_networks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/speaker/segmentation_network.h"
#include "support/cpu_machine.h"
#include "support/error_of.h"
#include "support/hashed_speaker.h"
#include "support/temp_folder.h"

namespace amanuensis::pipeline {
namespace {

using test::error_of;
using ::testing::HasSubstr;

class PublishedNetworksTest : public testing::Test {
 protected:
  std::filesystem::path segmentation() {
    return folder_.write("segmentation.safetensors", test::hashed_speaker_file(test::segmentation_tensors()));
  }
  std::filesystem::path embedding() {
    return folder_.write("embedding.safetensors", test::hashed_speaker_file(test::wespeaker_tensors()));
  }

  test::CpuMachine machine_{device::ComputeType::kFloat32, 2};
  test::TempFolder folder_;
};

TEST_F(PublishedNetworksTest, SegmenterSaysWhoIsInTheLikeliestSet) {
  const auto path = segmentation();
  const PublishedNetworks networks = open_published_networks({path, {}}, machine_.backend());
  EXPECT_EQ(networks.embedder, nullptr);
  const LocalSegmenterTraits& traits = networks.segmenter->traits();
  EXPECT_EQ(traits.frames, 589U);
  EXPECT_EQ(traits.speakers, 3U);
  const std::vector<float> audio = test::hashed_speech("speaker.window.0", traits.window_samples);
  const std::span<const float> window(audio);
  std::vector<float> activity(traits.frames * traits.speakers);
  networks.segmenter->run({&window, 1}, activity);
  const model::SegmentationNetwork network(path, machine_.backend());
  std::vector<float> scores(traits.frames * network.classes());
  network.run({&window, 1}, scores);
  constexpr int kSizes[] = {0, 1, 1, 1, 2, 2, 2};
  for (std::size_t t = 0; t < traits.frames; ++t) {
    const auto frame = std::span(scores).subspan(t * 7, 7);
    const auto best = std::ranges::max_element(frame) - frame.begin();
    EXPECT_EQ(activity[3 * t] + activity[3 * t + 1] + activity[3 * t + 2], static_cast<float>(kSizes[best])) << t;
  }
  EXPECT_EQ(error_of([&] {
              networks.segmenter->run({&window, 1}, std::span(activity).first(5));
            }).code,
            ErrorCode::kInvalidArgument);
}

TEST_F(PublishedNetworksTest, EmbedderGivesUnitVectorsOrNothing) {
  const PublishedNetworks networks = open_published_networks({{}, embedding()}, machine_.backend());
  EXPECT_EQ(networks.segmenter, nullptr);
  const std::vector<float> audio = test::hashed_speech("speaker.voice.0", 24 * 16000);
  std::vector<float> weights(589);
  std::vector<float> half(589);
  std::fill(half.begin() + 300, half.end(), 1.0F);
  const std::vector<EmbedRegion> regions{
      {0, audio.size()}, {160000, 200000, {}}, {160000, 320000, weights}, {160000, 320000, half}, {500, 900, {}}};
  std::vector<float> vectors{7};
  networks.embedder->embed(audio, regions, vectors);
  const std::size_t width = networks.embedder->traits().dimension;
  ASSERT_EQ(vectors.size(), 1 + regions.size() * width);
  EXPECT_EQ(vectors[0], 7);
  for (std::size_t i = 0; i < regions.size(); ++i) {
    double squares = 0;
    for (std::size_t c = 0; c < width; ++c) squares += std::pow(vectors[1 + i * width + c], 2);
    EXPECT_NEAR(squares, i == 2 || i == 4 ? 0.0 : 1.0, 1e-4) << i;
  }
  const EmbedRegion outside{0, audio.size() + 1};
  EXPECT_EQ(error_of([&] {
              networks.embedder->embed(audio, {&outside, 1}, vectors);
            }).code,
            ErrorCode::kInvalidArgument);
}

TEST_F(PublishedNetworksTest, OtherNetworksAreRefused) {
  std::vector<test::SpeakerTensor> tensors = test::segmentation_tensors();
  for (test::SpeakerTensor& tensor : tensors) {
    if (tensor.name.starts_with("classifier")) tensor.shape[0] = 4;
  }
  const auto path = folder_.write("four.safetensors", test::hashed_speaker_file(tensors));
  const auto error = error_of([&] { open_published_networks({path, {}}, machine_.backend()); });
  EXPECT_EQ(error.code, ErrorCode::kUnsupported);
  EXPECT_THAT(error.message, HasSubstr("4 classes"));
}

}  // namespace
}  // namespace amanuensis::pipeline
