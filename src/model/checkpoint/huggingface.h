// Opens a Whisper checkpoint in Hugging Face's layout: a folder with config.json, the tokenizer's files, and
// model.safetensors whole or in shards. May be called from any thread.
#pragma once

#include <filesystem>

#include "model/checkpoint/checkpoint.h"

namespace amanuensis::model {

// Throws Error{kNotFound | kBadData | kUnsupported | kIo} naming the file and the tensor.
Checkpoint open_huggingface(const std::filesystem::path& directory);

}  // namespace amanuensis::model
