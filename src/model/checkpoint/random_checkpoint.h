// Checkpoints of any size whose weights are made up: what a network costs does not depend on what it has learnt, so a
// model of every published size can be timed, and the architecture tested, without a download or a file.
// Pure functions; may be called from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "model/checkpoint/checkpoint.h"
#include "model/checkpoint/tensor.h"

namespace amanuensis::model {

struct RandomCheckpointOptions {
  std::uint64_t seed = 0;
  // kF32 or kBF16 (half the memory; a large model in float32 takes 6 GB).
  StorageType storage = StorageType::kF32;
  // With the special tokens of the published vocabularies and made-up ordinary tokens; needs dims.n_vocab to be that of
  // a published model.
  bool with_vocabulary = false;
  // A token whose embedding is twice as long as the others', so that it is predicted now and then; absent: none.
  std::optional<TokenId> likely_token = std::nullopt;
};

// A checkpoint in memory, which owns its weights. Every value depends only on seed, tensor name, shape and position.
// Layers are scaled so that activations keep their size and attention is neither flat nor a single peak.
// Throws Error{kInvalidArgument} for another storage type, as check_dimensions() and add_special_tokens() do, and
// std::bad_alloc.
Checkpoint random_checkpoint(const ModelDimensions& dims, const RandomCheckpointOptions& options);

// Values uniform in [-1, 1) that depend only on name, seed and their place: SplitMix64 (Steele, Lea & Flood 2014,
// "Fast splittable pseudorandom number generators") from the FNV-1a hash of the name.
void fill_uniform(std::string_view name, std::uint64_t seed, std::span<float> out);

}  // namespace amanuensis::model
