// The port for what turns speech into a voice: a unit vector for each region of 16 kHz audio, alike for one speaker and
// unlike for two. Behind it are the built-in embedding and networks with published weights. An embedder is shared by
// all recordings and may be called from any thread; implementations that use a backend take turns by themselves.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/speaker/voice_net.h"
#include "pipeline/diarize/recording_voices.h"

namespace amanuensis::pipeline {

// Samples [start, end) of the audio handed over with it.
struct EmbedRegion {
  std::size_t start = 0;
  std::size_t end = 0;
  // How much each part of the region counts, in [0, 1]: any number of equal parts, first to last. Empty: all the same.
  // A network with a local segmentation leaves out other voices with it.
  std::span<const float> weights = {};
};

// What is particular to an embedder's vectors.
struct EmbedderTraits {
  std::string_view name;      // "builtin", "wespeaker-voxceleb-resnet34-LM"
  std::string kin;            // vectors of the same can be compared: the name, and what says which training it had
  std::size_t dimension = 0;  // of a vector
  // What it listens with also tells how many speak (RecordingVoices::activity).
  bool knows_activity = false;
  // Speech that makes a vector worth having, and what a sliding window should be.
  double min_region_s = 0.5;
  double window_s = 1.5;
  // Mean cosine similarity of two groups' vectors at which they are taken for one speaker.
  double merge_similarity = 0.5;
  // The same for the whole voices of two recordings: known speakers.
  double same_voice_similarity = 0.6;
  // What is known of its vectors at all, of the embedder's lifetime; null: nothing.
  const model::VoiceSpace* space = nullptr;
};

class SpeakerEmbedder {
 public:
  virtual ~SpeakerEmbedder() = default;

  virtual const EmbedderTraits& traits() const = 0;

  // audio: mono, 16 kHz, in [-1, 1]. Appends to `vectors` traits().dimension floats of length 1 for each region, in
  // order; all zero for a region that holds nothing to go by. Regions may overlap. Throws Error{kInvalidArgument} for a
  // region outside the audio.
  virtual void embed(std::span<const float> audio, std::span<const EmbedRegion> regions,
                     std::vector<float>& vectors) const = 0;

  // Begins to listen to a recording. This one keeps the audio (16 bits a sample) and calls embed(); an embedder that
  // can do with less overrides it. The embedder must outlive what it returns.
  virtual std::unique_ptr<RecordingVoices> listen() const;
};

}  // namespace amanuensis::pipeline
