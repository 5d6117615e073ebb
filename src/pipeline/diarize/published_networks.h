// The networks with published weights behind the ports of this folder: pyannote's segmentation as LocalSegmenter,
// WeSpeaker's ResNet34 as SpeakerEmbedder. Both may be called from any thread; made together they take turns at their
// backend.
#pragma once

#include <filesystem>
#include <memory>

#include "device/backend.h"
#include "pipeline/diarize/local_segmenter.h"
#include "pipeline/diarize/speaker_embedder.h"

namespace amanuensis::pipeline {

// Where the weights are; an empty path is a network that is not wanted.
struct PublishedNetworkPaths {
  std::filesystem::path segmentation;  // file or folder, as SegmentationNetwork takes them
  std::filesystem::path embedding;     // as WeSpeakerNetwork takes them
};

struct PublishedNetworks {
  std::shared_ptr<const LocalSegmenter> segmenter;  // null when its path is empty
  std::shared_ptr<const SpeakerEmbedder> embedder;  // null when its path is empty
};

// `backend` should compute in float32, must outlive both, and be used by nobody else meanwhile. Throws as the networks
// do, and Error{kUnsupported} for a segmentation network whose classes are no sets of two of three speakers.
PublishedNetworks open_published_networks(const PublishedNetworkPaths& paths, device::Backend& backend);

}  // namespace amanuensis::pipeline
