#include "model/hub/cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>

#include "base/error.h"

namespace amanuensis::model {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::string_view kFolderPrefix = "models--";

std::string folder_name(std::string_view repository) {
  std::string name(kFolderPrefix);
  for (const char c : repository) name += c == '/' ? std::string("--") : std::string(1, c);
  return name;
}

std::optional<std::string> read_small_file(const fs::path& path, std::size_t max_bytes) {
  std::error_code problem;
  const auto size = fs::file_size(path, problem);
  if (problem || size > max_bytes) return std::nullopt;
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

void make_folder(const fs::path& folder) {
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (problem) throw_file_error(folder, "cannot be created", problem.value());
}

// A name beside `path` that no other process uses.
fs::path temporary_beside(const fs::path& path) {
  return path.parent_path() / fmt::format(".{}.{}.tmp", path.filename().string(), getpid());
}

// Walks without following links and without throwing: the cache may change under our feet.
template <typename Visit>
void for_each_file(const fs::path& folder, const Visit& visit) {
  std::error_code problem;
  fs::recursive_directory_iterator entry(folder, fs::directory_options::skip_permission_denied, problem);
  for (; !problem && entry != fs::recursive_directory_iterator(); entry.increment(problem)) {
    std::error_code ignored;
    if (!entry->is_directory(ignored) || entry->is_symlink(ignored)) visit(*entry);
  }
}

std::uint64_t size_or_zero(const fs::path& path) {
  std::error_code problem;
  const auto size = fs::file_size(path, problem);
  return problem ? 0 : size;
}

void remove_or_throw(const fs::path& path) {
  std::error_code problem;
  fs::remove_all(path, problem);
  if (problem) throw_file_error(path, "cannot be removed", problem.value());
}

}  // namespace

RepositoryCache::RepositoryCache(const fs::path& root, std::string_view repository)
    : folder_(root / folder_name(repository)), locks_(root / ".locks" / folder_name(repository)) {}

fs::path RepositoryCache::lock(std::string_view hash) const { return locks_ / fmt::format("{}.lock", hash); }

std::optional<std::string> RepositoryCache::commit_of(std::string_view revision) const {
  if (is_commit(revision)) return std::string(revision);
  auto text = read_small_file(folder_ / "refs" / revision, 256);
  if (!text) return std::nullopt;
  while (!text->empty() && std::isspace(static_cast<unsigned char>(text->back())) != 0) text->pop_back();
  if (!is_commit(*text)) return std::nullopt;
  return text;
}

void RepositoryCache::link_file(std::string_view commit, std::string_view file, std::string_view hash) const {
  const fs::path link = snapshot(commit) / file;
  make_folder(link.parent_path());
  const fs::path target = fs::relative(blob(hash), link.parent_path());
  std::error_code problem;
  if (fs::is_symlink(link, problem) && fs::read_symlink(link, problem) == target) return;
  const fs::path temporary = temporary_beside(link);
  fs::remove(temporary, problem);
  fs::create_symlink(target, temporary, problem);
  if (problem) {
    throw_file_error(link, "cannot be created (the cache needs a file system with symbolic links)", problem.value());
  }
  fs::rename(temporary, link, problem);
  if (problem) throw_file_error(link, "cannot be created", problem.value());
}

void RepositoryCache::set_commit(std::string_view revision, std::string_view commit) const {
  if (is_commit(revision)) return;
  const fs::path ref = folder_ / "refs" / revision;
  make_folder(ref.parent_path());
  const fs::path temporary = temporary_beside(ref);
  {
    std::ofstream out(temporary, std::ios::binary);
    out << commit;
    out.flush();
    if (!out) throw_file_error(ref, "cannot be written", errno);
  }
  std::error_code problem;
  fs::rename(temporary, ref, problem);
  if (problem) throw_file_error(ref, "cannot be written", problem.value());
}

std::uint64_t RepositoryCache::remove_all() const {
  std::uint64_t freed = 0;
  for_each_file(folder_, [&](const fs::directory_entry& entry) {
    std::error_code ignored;
    if (!entry.is_symlink(ignored)) freed += size_or_zero(entry.path());
  });
  // First out of everybody's sight, so that an interrupted removal leaves no model that looks whole.
  const fs::path doomed = temporary_beside(folder_);
  std::error_code problem;
  fs::rename(folder_, doomed, problem);
  if (problem) throw_file_error(folder_, "cannot be removed", problem.value());
  remove_or_throw(doomed);
  remove_or_throw(locks_);
  return freed;
}

std::uint64_t RepositoryCache::remove_snapshot(std::string_view commit) const {
  const auto linked_by = [&](const fs::path& folder) {
    std::set<fs::path> blobs;
    for_each_file(folder, [&](const fs::directory_entry& entry) {
      std::error_code problem;
      const fs::path target = fs::weakly_canonical(entry.path(), problem);
      if (!problem) blobs.insert(target);
    });
    return blobs;
  };
  const std::set<fs::path> ours = linked_by(snapshot(commit));
  remove_or_throw(snapshot(commit));
  for_each_file(folder_ / "refs", [&](const fs::directory_entry& entry) {
    if (read_small_file(entry.path(), 256).value_or("").starts_with(commit)) remove_or_throw(entry.path());
  });
  const std::set<fs::path> others = linked_by(folder_ / "snapshots");
  std::uint64_t freed = 0;
  const fs::path blobs = fs::weakly_canonical(folder_ / "blobs");
  for (const fs::path& path : ours) {
    if (others.contains(path) || path.parent_path() != blobs) continue;
    freed += size_or_zero(path);
    remove_or_throw(path);
  }
  return freed;
}

std::vector<std::string> cached_repositories(const fs::path& root) {
  std::vector<std::string> repositories;
  std::error_code problem;
  for (fs::directory_iterator entry(root, problem); !problem && entry != fs::directory_iterator();
       entry.increment(problem)) {
    std::string name = entry->path().filename().string();
    if (!name.starts_with(kFolderPrefix)) continue;
    name.erase(0, kFolderPrefix.size());
    const std::size_t dashes = name.find("--");
    if (dashes == std::string::npos) continue;
    name = name.substr(0, dashes) + "/" + name.substr(dashes + 2);
    if (parse_model_name(name)) repositories.push_back(std::move(name));
  }
  std::sort(repositories.begin(), repositories.end());
  return repositories;
}

bool is_complete_whisper_model(const fs::path& directory) {
  std::error_code problem;
  const auto config = read_small_file(directory / "config.json", std::size_t{1} << 20U);
  if (!config) return false;
  const Json json = Json::parse(*config, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return false;
  const auto type = json.find("model_type");
  if (type == json.end() || !type->is_string() || type->get<std::string>() != "whisper") return false;
  if (fs::is_regular_file(directory / "model.safetensors", problem)) return true;
  const auto index = read_small_file(directory / "model.safetensors.index.json", std::size_t{16} << 20U);
  if (!index) return false;
  const Json shards = Json::parse(*index, nullptr, /*allow_exceptions=*/false);
  const auto map = shards.is_object() ? shards.find("weight_map") : shards.end();
  if (map == shards.end() || !map->is_object() || map->empty()) return false;
  return std::all_of(map->begin(), map->end(), [&](const Json& file) {
    std::error_code ignored;
    return file.is_string() && is_safe_relative_path(file.get<std::string>()) &&
           fs::is_regular_file(directory / file.get<std::string>(), ignored);
  });
}

std::span<const std::string_view> weight_files(ModelKind kind) {
  switch (kind) {
    case ModelKind::kVoiceActivity:
      return kVoiceActivityWeights;
    case ModelKind::kSpeakerSegmentation:
    case ModelKind::kSpeakerEmbedding:
      return kSpeakerWeights;
    case ModelKind::kWhisper:
      break;
  }
  return {};
}

bool is_complete_model(const fs::path& directory, ModelKind kind) {
  if (kind == ModelKind::kWhisper) return is_complete_whisper_model(directory);
  return std::ranges::any_of(weight_files(kind), [&](std::string_view name) {
    std::error_code problem;
    return fs::is_regular_file(directory / name, problem);
  });
}

std::uint64_t directory_size_bytes(const fs::path& directory) {
  std::uint64_t total = 0;
  for_each_file(directory, [&](const fs::directory_entry& entry) { total += size_or_zero(entry.path()); });
  return total;
}

std::optional<FileLock> FileLock::try_lock(const fs::path& path) {
  make_folder(path.parent_path());
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) throw_file_error(path, "cannot be created", errno);
  FileLock lock(descriptor);
  if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK || errno == EINTR) return std::nullopt;
  throw_file_error(path, "cannot be locked", errno);
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

void throw_file_error(const fs::path& path, std::string_view action, int error_number) {
  const std::string reason = std::generic_category().message(error_number);
  if (error_number == ENOSPC || error_number == EDQUOT) {
    throw Error(ErrorCode::kResourceExhausted,
                fmt::format("{}: {}: {}; free some space, or choose another folder with HF_HOME", path.string(), action,
                            reason));
  }
  throw Error(ErrorCode::kIo, fmt::format("{}: {}: {}", path.string(), action, reason));
}

}  // namespace amanuensis::model
