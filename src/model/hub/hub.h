// Model names, the local cache and the download from a Hugging Face hub. The cache has the hub's own layout
// (models--owner--name/{blobs,refs,snapshots}), so that Python tools share it. One process-wide cache may be used by
// several processes: files appear complete, by rename.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace amanuensis::model {

// Where models are found; read from the environment by the program (HF_ENDPOINT, HF_TOKEN, HF_HOME, ...).
struct HubSettings {
  std::string endpoint = "https://huggingface.co";
  std::string token;                             // empty: anonymous
  std::filesystem::path cache;                   // .../hub
  std::vector<std::filesystem::path> local_dirs;  // folders whose subfolders are models by name ("models/demo")
};

// A published short name.
struct KnownModel {
  std::string_view name;        // "base.en"
  std::string_view repository;  // "openai/whisper-base.en"
  std::string_view note;        // "74 M parameters, English only"
};
std::vector<KnownModel> known_models();

struct InstalledModel {
  std::string name;  // the short name if it has one, else owner/name
  std::filesystem::path path;
  std::uint64_t size_bytes = 0;
};

struct PullProgress {
  std::string file;
  std::uint64_t done_bytes = 0;
  std::uint64_t total_bytes = 0;  // of all files
};

class Hub {
 public:
  explicit Hub(HubSettings settings);

  std::vector<InstalledModel> installed() const;
  // A checkpoint's path for a short name, owner/name, or an existing path (directory or file). Throws Error{kNotFound}
  // with the nearest names and the command that fetches it.
  std::filesystem::path resolve(std::string_view name) const;
  // Downloads a model into the cache and returns its path; resumes, verifies size and hash. Throws Error{kNetwork |
  // kNotFound | kIo | kCancelled}; what was complete before stays, nothing half-written is visible.
  std::filesystem::path pull(std::string_view name, const std::function<void(const PullProgress&)>& on_progress,
                             std::stop_token stop) const;
  // Removes a downloaded model; returns the bytes freed.
  std::uint64_t remove(std::string_view name) const;

 private:
  HubSettings settings_;
};

}  // namespace amanuensis::model
