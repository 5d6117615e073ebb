// The JSON files of a Hugging Face Whisper checkpoint, read into this project's own terms. Works on parsed text, so
// that it can be tested and fuzzed without files. Pure functions; may be called from any thread.
#pragma once

#include "model/checkpoint/checkpoint.h"
#include "model/checkpoint/json_document.h"

namespace amanuensis::model {

// Reads config.json. Throws Error{kBadData} naming the field, and Error{kUnsupported} for another architecture or an
// activation other than GELU.
ModelDimensions read_huggingface_dimensions(const JsonDocument& config);

// Reads generation_config.json; fields that are absent there, or all when `generation` is null, are looked for in
// config.json, where older checkpoints keep them, and else derived from the vocabulary. Ids and heads that the model
// does not have are dropped: distilled checkpoints list the alignment heads of their teacher. Throws Error{kBadData}
// naming file and field.
GenerationSettings read_generation_settings(const JsonDocument* generation, const JsonDocument& config,
                                            const ModelDimensions& dims, const Vocabulary& vocabulary);

// What a checkpoint that says nothing decodes with.
GenerationSettings derive_generation_settings(const ModelDimensions& dims, const Vocabulary& vocabulary);

// Throws Error{kUnsupported} when preprocessor_config.json asks for other features than Whisper's log-mel, and
// Error{kBadData} when its number of bands is not the model's.
void check_preprocessor(const JsonDocument& preprocessor, const JsonDocument& config, const ModelDimensions& dims);

}  // namespace amanuensis::model
