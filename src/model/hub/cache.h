// The hub's cache on disk, in the layout of Python's huggingface_hub, which reads and writes the same folders:
//   <root>/models--owner--name/refs/main               the commit a branch stood at when it was last pulled
//   <root>/models--owner--name/blobs/<hash>            file contents, named by hash
//   <root>/models--owner--name/snapshots/<commit>/...  one symbolic link per file, into blobs
//   <root>/.locks/models--owner--name/<hash>.lock      held (flock) by whoever downloads that blob
// Plain functions over the file system; safe against other processes as far as rename and flock are.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/hub/model_name.h"

namespace amanuensis::model {

class RepositoryCache {
 public:
  // `repository` is a well-formed owner/name.
  RepositoryCache(const std::filesystem::path& root, std::string_view repository);

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path blob(std::string_view hash) const { return folder_ / "blobs" / hash; }
  std::filesystem::path lock(std::string_view hash) const;
  std::filesystem::path snapshot(std::string_view commit) const { return folder_ / "snapshots" / commit; }

  // The commit a revision is known to stand at; a commit stands for itself. Empty when it was never pulled.
  std::optional<std::string> commit_of(std::string_view revision) const;

  // Makes snapshots/<commit>/<file> a link to a blob, replacing what was there. Throws Error{kIo}.
  void link_file(std::string_view commit, std::string_view file, std::string_view hash) const;
  // Makes refs/<revision> say `commit`. Throws Error{kIo}.
  void set_commit(std::string_view revision, std::string_view commit) const;

  // Removes everything, or one commit's snapshot, its refs and the blobs nothing else links to; returns the bytes
  // freed.
  std::uint64_t remove_all() const;
  std::uint64_t remove_snapshot(std::string_view commit) const;

 private:
  std::filesystem::path folder_;
  std::filesystem::path locks_;
};

// The repositories that have a folder in the cache, as owner/name.
std::vector<std::string> cached_repositories(const std::filesystem::path& root);

// True when the folder holds a whole Whisper checkpoint: config.json with model_type "whisper" and all weight files.
bool is_complete_whisper_model(const std::filesystem::path& directory);

// Names of the weight file of a voice activity model, the publisher's own first.
inline constexpr std::array<std::string_view, 2> kVoiceActivityWeights{"silero_vad_16k.safetensors",
                                                                       "model.safetensors"};

// Names of the weight file of a speaker network: as we prefer it, and as it is published.
inline constexpr std::array<std::string_view, 2> kSpeakerWeights{"model.safetensors", "pytorch_model.bin"};

// Those of a kind other than Whisper's, one of which is enough.
std::span<const std::string_view> weight_files(ModelKind kind);

// True when what a model of that kind needs is there.
bool is_complete_model(const std::filesystem::path& directory, ModelKind kind);

// Bytes of the files below a folder, through links.
std::uint64_t directory_size_bytes(const std::filesystem::path& directory);

// A file held with flock() while the object lives. Waits for another process without blocking a cancel.
class FileLock {
 public:
  // Empty when somebody else holds it. Throws Error{kIo} when the lock file cannot be made.
  static std::optional<FileLock> try_lock(const std::filesystem::path& path);
  ~FileLock();
  FileLock(FileLock&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
  FileLock& operator=(FileLock&&) = delete;

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

// Throws Error{kIo} or, for a full disk or quota, Error{kResourceExhausted}, naming the path and the reason.
[[noreturn]] void throw_file_error(const std::filesystem::path& path, std::string_view action, int error_number);

}  // namespace amanuensis::model
