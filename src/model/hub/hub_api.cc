#include "model/hub/hub_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/nearest_name.h"

namespace amanuensis::model {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxListingBytes = std::size_t{32} << 20U;

// "W/\"abc\"" -> "abc".
std::string bare_etag(std::string text) {
  if (text.starts_with("W/")) text.erase(0, 2);
  std::erase(text, '"');
  return text;
}

bool is_hash(std::string_view text) {
  return (text.size() == 40 || text.size() == 64) &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string string_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<std::uint64_t> size_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_unsigned()) return std::nullopt;
  return found->get<std::uint64_t>();
}

RemoteFile parse_sibling(const Json& sibling) {
  RemoteFile file;
  file.name = string_at(sibling, "rfilename");
  file.size_bytes = size_at(sibling, "size");
  file.hash = string_at(sibling, "blobId");
  if (const auto lfs = sibling.find("lfs"); lfs != sibling.end() && lfs->is_object()) {
    file.hash = string_at(*lfs, "sha256");
    if (const auto size = size_at(*lfs, "size")) file.size_bytes = size;
  }
  if (!is_hash(file.hash)) file.hash.clear();
  return file;
}

RemoteRepository parse_listing(const std::string& body, const ModelName& name, const std::string& endpoint) {
  const Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  RemoteRepository repository;
  repository.repository = name.repository;
  if (json.is_object()) repository.commit = string_at(json, "sha");
  const auto siblings = json.is_object() ? json.find("siblings") : json.end();
  if (!is_commit(repository.commit) || siblings == json.end() || !siblings->is_array()) {
    throw Error(ErrorCode::kNetwork,
                fmt::format("{}: the answer about {} is not a hub's (no commit and file list); is HF_ENDPOINT right?",
                            url_origin(endpoint), name.repository));
  }
  for (const Json& sibling : *siblings) {
    if (!sibling.is_object()) continue;
    RemoteFile file = parse_sibling(sibling);
    if (is_safe_relative_path(file.name)) repository.files.push_back(std::move(file));
  }
  return repository;
}

std::vector<std::string_view> known_names() {
  std::vector<std::string_view> names;
  for (const KnownModel& known : known_models()) {
    names.push_back(known.name);
    names.push_back(known.repository);
  }
  return names;
}

Error not_found(const HubSettings& settings, std::string_view repository) {
  std::string hint = did_you_mean(repository, known_names());
  if (hint.empty()) {
    hint = settings.token.empty() ? "; if it is private, set HF_TOKEN"
                                  : "; if it is private, check that HF_TOKEN may read it";
  }
  return {ErrorCode::kNotFound,
          fmt::format("{}: no repository '{}'{}", url_origin(settings.endpoint), repository, hint)};
}

}  // namespace

const RemoteFile* RemoteRepository::find(std::string_view name) const {
  const auto found = std::find_if(files.begin(), files.end(), [&](const RemoteFile& f) { return f.name == name; });
  return found == files.end() ? nullptr : &*found;
}

bool is_transient_status(long status) { return status == 408 || status == 429 || status >= 500; }

void wait_before_retry(const HubSettings& settings, int failures, const std::stop_token& stop) {
  const auto wait = std::min<std::chrono::milliseconds>(settings.retry_wait * (1 << std::min(failures, 10)),
                                                        std::chrono::seconds(30));
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, wait, [] { return false; });
  if (stop.stop_requested()) throw Error(ErrorCode::kCancelled, "cancelled");
}

Error explain_refusal(const HttpResponse& response, const HubSettings& settings, std::string_view repository,
                      std::string_view what) {
  const std::string origin = url_origin(settings.endpoint);
  const std::string code = response.header("x-error-code");
  const bool has_token = !settings.token.empty();
  if (code == "GatedRepo" || (response.status == 403 && code.empty())) {
    return {ErrorCode::kNetwork,
            fmt::format("{}: '{}' is gated: accept its terms at {}/{}{}", origin, repository, origin, repository,
                        has_token ? ", with the account HF_TOKEN belongs to"
                                  : ", then set HF_TOKEN to a token of that account")};
  }
  if (code == "RepoNotFound") return not_found(settings, repository);
  if (response.status == 401) {
    return {ErrorCode::kNetwork, fmt::format("{}: '{}' needs a login; {}", origin, what,
                                             has_token ? "the token in HF_TOKEN was refused: is it still valid?"
                                                       : "set HF_TOKEN (or check the name)")};
  }
  if (response.status == 404) {
    if (code == "RevisionNotFound") {
      return {ErrorCode::kNotFound, fmt::format("{}: '{}' has no such revision ({})", origin, repository, what)};
    }
    if (code == "EntryNotFound") {
      return {ErrorCode::kNotFound, fmt::format("{}: '{}' has no file '{}'", origin, repository, what)};
    }
    return not_found(settings, repository);
  }
  const std::string said = response.header("x-error-message");
  return {ErrorCode::kNetwork, fmt::format("{}: {}: HTTP status {}{}", origin, what, response.status,
                                           said.empty() ? std::string() : " (" + said.substr(0, 200) + ")")};
}

RemoteRepository HubApi::describe(const ModelName& name, const std::stop_token& stop) {
  const std::string url = fmt::format("{}/api/models/{}/revision/{}?blobs=true", settings_.endpoint, name.repository,
                                      url_encode(name.revision, false));
  for (int failures = 0;; ++failures) {
    try {
      const HttpResponse response = http_.get(url, kMaxListingBytes, stop);
      if (response.status == 200) return parse_listing(response.body, name, settings_.endpoint);
      if (!is_transient_status(response.status) || failures >= settings_.retries) {
        const std::string what = name.revision == "main" ? name.repository : name.repository + "@" + name.revision;
        throw explain_refusal(response, settings_, name.repository, what);
      }
    } catch (const TransferError& error) {
      if (!error.transient() || failures >= settings_.retries) throw;
    }
    wait_before_retry(settings_, failures, stop);
  }
}

void HubApi::complete(const RemoteRepository& repository, RemoteFile& file, const std::stop_token& stop) {
  std::string url = file_url(repository, file.name);
  for (int hops = 0; hops < 5; ++hops) {
    const HttpResponse response = http_.head(url, stop);
    const std::string location = response.header("location");
    // A redirect inside the hub (a renamed repository) leads on; one to its store already tells what is needed.
    if (response.status >= 300 && response.status < 400 && location.starts_with("/")) {
      url = url_origin(settings_.endpoint) + location;
      continue;
    }
    if (response.status >= 400) throw explain_refusal(response, settings_, repository.repository, file.name);
    const bool linked = !response.header("x-linked-etag").empty();
    const std::string hash = bare_etag(response.header(linked ? "x-linked-etag" : "etag"));
    const std::string size = response.header(linked ? "x-linked-size" : "content-length");
    if (is_hash(hash)) file.hash = hash;
    std::uint64_t value = 0;
    const auto [end, problem] = std::from_chars(size.data(), size.data() + size.size(), value);
    if (problem == std::errc() && end == size.data() + size.size() && response.status < 400 && !size.empty() &&
        (linked || response.status == 200)) {
      file.size_bytes = value;
    }
    return;
  }
}

std::string HubApi::file_url(const RemoteRepository& repository, std::string_view file) const {
  return fmt::format("{}/{}/resolve/{}/{}", settings_.endpoint, repository.repository, repository.commit,
                     url_encode(file, true));
}

}  // namespace amanuensis::model
