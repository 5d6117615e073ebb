#include "model/hub/hub.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/nearest_name.h"
#include "model/hub/cache.h"
#include "model/hub/download.h"
#include "model/hub/file_selection.h"
#include "model/hub/hub_api.h"
#include "model/hub/model_name.h"

namespace amanuensis::model {
namespace {

namespace fs = std::filesystem;

// The folder of a bundled model of that name.
std::optional<fs::path> bundled(const HubSettings& settings, std::string_view name) {
  if (name.empty() || name.find('/') != std::string_view::npos || name.front() == '.') return std::nullopt;
  for (const fs::path& folder : settings.local_dirs) {
    if (is_complete_whisper_model(folder / name)) return folder / name;
  }
  return std::nullopt;
}

// The snapshot of a pulled model.
std::optional<fs::path> cached(const HubSettings& settings, const ModelName& name) {
  const RepositoryCache cache(settings.cache, name.repository);
  const auto commit = cache.commit_of(name.revision);
  if (!commit) return std::nullopt;
  const fs::path snapshot = cache.snapshot(*commit);
  if (!is_complete_model(snapshot, kind_of(name.repository))) return std::nullopt;
  return snapshot;
}

std::string approximate_size(std::string_view repository) {
  for (const KnownModel& known : known_models()) {
    if (known.repository != repository) continue;
    return known.download_mb < 1000 ? fmt::format(" (about {} MB)", known.download_mb)
                                    : fmt::format(" (about {:.1f} GB)", known.download_mb / 1000.0);
  }
  return {};
}

Error no_such_model(const Hub& hub, std::string_view name) {
  std::vector<std::string> installed_names;
  for (const InstalledModel& model : hub.installed()) installed_names.push_back(model.name);
  std::vector<std::string_view> candidates(installed_names.begin(), installed_names.end());
  for (const KnownModel& known : known_models()) candidates.push_back(known.name);
  std::sort(candidates.begin(), candidates.end());
  candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());

  const std::string installed =
      installed_names.empty() ? std::string("none") : fmt::format("{}", fmt::join(installed_names, ", "));
  if (const auto parsed = parse_model_name(name)) {
    return {ErrorCode::kNotFound,
            fmt::format("model '{}' is not on this machine (installed: {}); `{}` fetches it{}", name, installed,
                        pull_command(name), approximate_size(parsed->repository))};
  }
  return {ErrorCode::kNotFound, fmt::format("no model '{}'{} (installed: {}); `amanuensis models list` shows all names",
                                            name, did_you_mean(name, candidates), installed)};
}

// Fetches a repository's files into the cache, counting progress over all of them.
class Pull {
 public:
  Pull(const HubSettings& settings, const std::function<void(const PullProgress&)>& on_progress, std::stop_token stop)
      : settings_(settings),
        on_progress_(on_progress),
        stop_(std::move(stop)),
        http_({.user_agent = settings.user_agent, .token = settings.token, .stall_timeout = settings.stall_timeout}),
        api_(settings, http_) {}

  fs::path run(const ModelName& name) {
    const RemoteRepository repository = api_.describe(name, stop_);
    const RepositoryCache cache(settings_.cache, repository.repository);
    std::vector<RemoteFile> files = select_files(repository, kind_of(name.repository));
    if (files.back().name == kShardIndex) {
      announce(files);
      for (const RemoteFile& file : shard_files(repository, fetch_index(repository, cache, files.back()))) {
        files.push_back(file);
      }
    }
    for (RemoteFile& file : files) {
      if (file.hash.empty() || !file.size_bytes) api_.complete(repository, file, stop_);
    }
    announce(files);
    for (const RemoteFile& file : files) fetch(repository, cache, file);
    cache.set_commit(name.revision, repository.commit);
    return cache.snapshot(repository.commit);
  }

 private:
  void announce(const std::vector<RemoteFile>& files) {
    total_bytes_ = 0;
    for (const RemoteFile& file : files) total_bytes_ += file.size_bytes.value_or(0);
  }

  void fetch(const RemoteRepository& repository, const RepositoryCache& cache, const RemoteFile& file) {
    const Download download{http_, settings_, cache, repository.repository, api_.file_url(repository, file.name)};
    std::uint64_t of_this_file = 0;
    const auto on_bytes = [&](std::uint64_t bytes) {
      of_this_file = bytes;
      if (on_progress_) on_progress_({file.name, done_bytes_ + bytes, std::max(total_bytes_, done_bytes_ + bytes)});
    };
    const std::string blob = download_blob(download, file, on_bytes, stop_);
    done_bytes_ += of_this_file;
    cache.link_file(repository.commit, file.name, blob);
  }

  // The text of the shard index, without counting it as progress: it is fetched again, from the cache, with the rest.
  std::string fetch_index(const RemoteRepository& repository, const RepositoryCache& cache, RemoteFile file) {
    api_.complete(repository, file, stop_);
    const Download download{http_, settings_, cache, repository.repository, api_.file_url(repository, file.name)};
    const std::string blob = download_blob(
        download, file, [](std::uint64_t) {}, stop_);
    std::ifstream in(cache.blob(blob), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  const HubSettings& settings_;
  const std::function<void(const PullProgress&)>& on_progress_;
  std::stop_token stop_;
  HttpClient http_;
  HubApi api_;
  std::uint64_t done_bytes_ = 0;
  std::uint64_t total_bytes_ = 0;
};

}  // namespace

Hub::Hub(HubSettings settings) : settings_(std::move(settings)) {
  while (settings_.endpoint.ends_with('/')) settings_.endpoint.pop_back();
}

std::vector<InstalledModel> Hub::installed() const {
  std::map<std::string, fs::path> by_name;  // the first folder that has a name wins, as in resolve()
  for (const fs::path& folder : settings_.local_dirs) {
    std::error_code problem;
    for (fs::directory_iterator entry(folder, problem); !problem && entry != fs::directory_iterator();
         entry.increment(problem)) {
      if (is_complete_whisper_model(entry->path())) by_name.emplace(entry->path().filename().string(), entry->path());
    }
  }
  std::vector<InstalledModel> models;
  models.reserve(by_name.size());
  for (const auto& [name, path] : by_name) {
    models.push_back({name, path, directory_size_bytes(path), {}, {}, ModelKind::kWhisper});
  }
  const auto first_cached = static_cast<std::ptrdiff_t>(models.size());

  for (const std::string& repository : cached_repositories(settings_.cache)) {
    const RepositoryCache cache(settings_.cache, repository);
    const auto main_commit = cache.commit_of("main");
    std::error_code problem;
    for (fs::directory_iterator entry(cache.folder() / "snapshots", problem);
         !problem && entry != fs::directory_iterator(); entry.increment(problem)) {
      const std::string commit = entry->path().filename().string();
      const ModelKind kind = kind_of(repository);
      if (!is_complete_model(entry->path(), kind)) continue;
      const std::string name = display_name(repository);
      models.push_back({commit == main_commit ? name : fmt::format("{}@{}", name, commit), entry->path(),
                        directory_size_bytes(entry->path()), repository, commit, kind});
    }
  }
  std::sort(models.begin() + first_cached, models.end(),
            [](const InstalledModel& a, const InstalledModel& b) { return a.name < b.name; });
  return models;
}

fs::path Hub::resolve(std::string_view name) const {
  if (const auto path = bundled(settings_, name)) return *path;
  const auto parsed = parse_model_name(name);
  // A published short name means the published model even where a folder of that name lies around.
  const bool is_short_name = parsed && name.find('/') == std::string_view::npos;
  if (is_short_name) {
    if (const auto path = cached(settings_, *parsed)) return *path;
  }
  std::error_code problem;
  if (!name.empty() && fs::exists(fs::path(name), problem)) return fs::path(name);
  if (parsed && !is_short_name) {
    if (const auto path = cached(settings_, *parsed)) return *path;
  }
  throw no_such_model(*this, name);
}

fs::path Hub::pull(std::string_view name, const std::function<void(const PullProgress&)>& on_progress,
                   std::stop_token stop) const {
  const auto parsed = parse_model_name(name);
  if (!parsed) {
    if (bundled(settings_, name)) {
      throw Error(ErrorCode::kInvalidArgument, fmt::format("'{}' comes with the program: nothing to fetch", name));
    }
    std::vector<std::string_view> candidates;
    for (const KnownModel& known : known_models()) candidates.push_back(known.name);
    throw Error(ErrorCode::kNotFound,
                fmt::format("no model '{}'{}; use a name that `amanuensis models list` shows, or owner/name on the hub",
                            name, did_you_mean(name, candidates)));
  }
  if (settings_.offline) {
    if (const auto path = cached(settings_, *parsed)) return *path;
    throw Error(ErrorCode::kNetwork,
                fmt::format("model '{}' is not on this machine and HF_HUB_OFFLINE is set: unset it to download", name));
  }
  if (settings_.cache.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "no folder to download into: set HF_HOME, or HOME");
  }
  return Pull(settings_, on_progress, std::move(stop)).run(*parsed);
}

std::uint64_t Hub::remove(std::string_view name) const {
  if (const auto path = bundled(settings_, name)) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("'{}' comes with the program ({}): it is not removed", name, path->string()));
  }
  const auto parsed = parse_model_name(name);
  std::error_code problem;
  if (!parsed) {
    if (fs::exists(fs::path(name), problem)) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("'{}' is a path: only models in the cache are removed by name", name));
    }
    throw no_such_model(*this, name);
  }
  const RepositoryCache cache(settings_.cache, parsed->repository);
  const auto missing = [&] {
    return Error(ErrorCode::kNotFound,
                 fmt::format("model '{}' is not in the cache {}: nothing to remove", name, settings_.cache.string()));
  };
  if (!fs::is_directory(cache.folder(), problem)) throw missing();
  if (name.find('@') == std::string_view::npos) return cache.remove_all();
  const auto commit = cache.commit_of(parsed->revision);
  if (!commit || !fs::is_directory(cache.snapshot(*commit), problem)) throw missing();
  return cache.remove_snapshot(*commit);
}

}  // namespace amanuensis::model
