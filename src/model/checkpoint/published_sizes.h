// The dimensions of the published Whisper family, so that a message can say which model some weights belong to. Nothing
// else depends on them: a checkpoint of any other size is read just the same.
// Constant data; may be read from any thread.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "model/checkpoint/checkpoint.h"

namespace amanuensis::model {

struct PublishedSize {
  std::string_view name;  // "large-v3"
  ModelDimensions dims;
};

std::span<const PublishedSize> published_sizes();

// The published model with exactly these dimensions. English-only and multilingual checkpoints of a size differ in
// their vocabulary; models that share all dimensions (large and large-v2) go by the first one's name.
std::optional<std::string_view> published_name(const ModelDimensions& dims);

}  // namespace amanuensis::model
