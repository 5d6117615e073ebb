// What a person typed for a model, taken apart: "base", "owner/name", either with "@revision". Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/hub/hub.h"

namespace amanuensis::model {

struct ModelName {
  std::string repository;  // "openai/whisper-base"
  std::string revision;    // a branch, tag or commit; "main" unless given
};

// Empty when the text is neither a published short name nor a well-formed owner/name (letters, digits, "-", "_", ".";
// no component begins with a dot).
std::optional<ModelName> parse_model_name(std::string_view text);

// The short name of a repository, or the repository itself when it has none.
std::string display_name(std::string_view repository);

// What a repository holds, by the published names; Whisper where it is not among them.
ModelKind kind_of(std::string_view repository);

// "amanuensis models pull base" is right for this text; empty when it names nothing that could be fetched.
std::string pull_command(std::string_view text);

// True for 40 hexadecimal digits: a commit, which never moves.
bool is_commit(std::string_view revision);

// A relative path without "..", empty components, control characters or backslashes: safe to create below a folder of
// ours although a server chose it.
bool is_safe_relative_path(std::string_view path);

}  // namespace amanuensis::model
