// Model names, the local cache and the download from a Hugging Face hub. The cache has the hub's own layout
// (models--owner--name/{blobs,refs,snapshots}), so that Python tools share it. One cache may be used by several
// processes: files appear complete, by rename, and two processes that want the same file take turns.
//
// A Hub is immutable; its calls may be made from any thread. It reads no environment variable: the program fills
// HubSettings.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace amanuensis::model {

// Where models are found; read from the environment by the program (HF_ENDPOINT, HF_TOKEN, HF_HOME, ...).
struct HubSettings {
  std::string endpoint = "https://huggingface.co";
  std::string token;                              // empty: anonymous; sent to the endpoint's host alone, never logged
  std::filesystem::path cache;                    // .../hub
  std::vector<std::filesystem::path> local_dirs;  // folders whose subfolders are models by name ("models/demo")
  bool offline = false;                           // never touch the network
  std::string user_agent = "amanuensis";

  // A request that fails for a passing reason (time-out, 5xx, 429, a connection cut) is made again, at most this often
  // in a row without a byte of progress, after a wait that doubles each time.
  int retries = 5;
  std::chrono::milliseconds retry_wait{1000};
  // A transfer that moves no data for this long is taken for dead.
  std::chrono::seconds stall_timeout{30};
};

enum class ModelKind {
  kWhisper,
  kVoiceActivity,        // Silero's network: model/vad/silero_vad.h
  kSpeakerSegmentation,  // pyannote's: model/speaker/segmentation_network.h
  kSpeakerEmbedding,     // WeSpeaker's: model/speaker/wespeaker_network.h
};

// A published short name.
struct KnownModel {
  std::string_view name;        // "base.en"
  std::string_view repository;  // "openai/whisper-base.en"
  std::string_view note;        // "74 M parameters, English only"
  int download_mb;              // about, of the files we fetch
  ModelKind kind = ModelKind::kWhisper;
};
std::span<const KnownModel> known_models();

struct InstalledModel {
  std::string name;  // the short name if it has one, else owner/name
  std::filesystem::path path;
  std::uint64_t size_bytes = 0;
  std::string repository;  // empty for a bundled model
  std::string revision;    // commit; empty for a bundled model
  ModelKind kind = ModelKind::kWhisper;
};

struct PullProgress {
  std::string file;               // being fetched now; the last one once all is done
  std::uint64_t done_bytes = 0;   // of all files, what earlier pulls left included
  std::uint64_t total_bytes = 0;  // of all files
};

class Hub {
 public:
  explicit Hub(HubSettings settings);

  const HubSettings& settings() const { return settings_; }

  // Models that are complete on this machine: bundled ones first, then the cache, each group by name.
  std::vector<InstalledModel> installed() const;
  // A checkpoint's path for a bundled name, a short name, an existing path (directory or file), or owner/name, each of
  // the names optionally with "@revision". Throws Error{kNotFound} with the nearest names and the command that fetches
  // it.
  std::filesystem::path resolve(std::string_view name) const;
  // Downloads a model into the cache and returns its path; resumes, verifies size and hash. Throws Error{kNetwork |
  // kNotFound | kUnsupported | kIo | kResourceExhausted | kCancelled}; what was complete before stays, nothing
  // half-written is visible. on_progress may be empty; it is called on the calling thread.
  std::filesystem::path pull(std::string_view name, const std::function<void(const PullProgress&)>& on_progress,
                             std::stop_token stop) const;
  // Removes a downloaded model (one revision when "@revision" is given) and returns the bytes freed; files shared with
  // another revision stay. Throws Error{kNotFound}, or Error{kInvalidArgument} for a bundled model or a path.
  std::uint64_t remove(std::string_view name) const;

 private:
  HubSettings settings_;
};

}  // namespace amanuensis::model
