// Which of a repository's files a Whisper checkpoint needs: configuration, tokenizer, and one set of safetensors
// weights. Other frameworks' copies of the weights stay on the server. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/hub/hub_api.h"

namespace amanuensis::model {

// The file that lists the shards of weights kept in several files.
inline constexpr std::string_view kShardIndex = "model.safetensors.index.json";

// Small files first, then model.safetensors, or the shard index when the weights are in several files (its shards are
// known once it is here: see shard_files); of any other kind of model its weights alone. Throws Error{kUnsupported}
// saying what is missing.
std::vector<RemoteFile> select_files(const RemoteRepository& repository, ModelKind kind);

// The weight files that a shard index names. Throws Error{kBadData} when the index is malformed or names a file that
// the repository lacks or that may not be written.
std::vector<RemoteFile> shard_files(const RemoteRepository& repository, std::string_view index_text);

}  // namespace amanuensis::model
