// A Hugging Face hub small enough to read: repositories in memory, served as the real one serves them, with the ways in
// which a real one goes wrong as switches. Needs the model room (for the hashes that name files).
#pragma once

#include <charconv>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "model/hub/hashing.h"
#include "support/http_server.h"
#include "support/temp_folder.h"

namespace amanuensis::test {

struct HubFile {
  std::string content;
  bool large = false;  // named by SHA-256, kept in the store
};

class FakeHub {
 public:
  struct Repository {
    std::string commit;
    std::map<std::string, HubFile> files;
  };
  // How the next answers go wrong.
  struct Faults {
    std::map<std::string, int> failures = {};           // file -> answers that are 503 before the first good one
    std::map<std::string, std::size_t> cut_after = {};  // file -> the first full answer breaks off after so many bytes
    bool ignore_range = false;                          // answer 200 with everything
    bool refuse_range = false;                          // answer 416
    bool corrupt = false;                               // one byte of every large file is wrong
    std::string required_token = {};                    // 401 without it
    bool gated = false;                                 // 403
    bool gated_files = false;                           // 401 for files, while the listing is public, as the real one
    bool hide_hashes = false;                           // the listing says only names, as an old mirror
    std::chrono::milliseconds delay_each_kb{0};
  };

  FakeHub()
      : store_([this](const ServerRequest& request) { return serve_store(request); }),
        hub_([this](const ServerRequest& request) { return serve_hub(request); }) {}

  std::string url() const { return hub_.url(); }
  std::vector<ServerRequest> requests() const { return hub_.requests(); }
  std::vector<ServerRequest> store_requests() const { return store_.requests(); }

  void set_repository(const std::string& name, Repository repository) {
    const std::lock_guard lock(mutex_);
    repositories_[name] = std::move(repository);
  }
  void set_faults(Faults faults) {
    const std::lock_guard lock(mutex_);
    faults_ = std::move(faults);
  }

  static std::string hash_of(const HubFile& file) {
    const TempFolder folder;
    const auto path = folder.write("content", file.content);
    return file.large ? model::sha256_of_file(path, {}) : model::git_blob_sha1_of_file(path, {});
  }

 private:
  static ServerResponse refusal(int status, const std::string& code, const std::string& message = "") {
    ServerResponse response;
    response.status = status;
    if (!code.empty()) response.headers["X-Error-Code"] = code;
    if (!message.empty()) response.headers["X-Error-Message"] = message;
    response.body = "{\"error\":\"refused\"}";
    return response;
  }

  ServerResponse serve_hub(const ServerRequest& request) {
    const std::lock_guard lock(mutex_);
    const auto authorization = request.headers.find("authorization");
    if (!faults_.required_token.empty() &&
        (authorization == request.headers.end() || authorization->second != "Bearer " + faults_.required_token)) {
      return refusal(401, "", "Invalid username or password.");
    }
    if (faults_.gated) return refusal(403, "GatedRepo");
    for (const auto& [name, repository] : repositories_) {
      const std::string api = "/api/models/" + name + "/revision/";
      if (request.target.starts_with(api)) {
        std::string revision = request.target.substr(api.size());
        revision = revision.substr(0, revision.find('?'));
        if (revision != "main" && revision != repository.commit) return refusal(404, "RevisionNotFound");
        return listing(repository);
      }
      const std::string resolve = "/" + name + "/resolve/" + repository.commit + "/";
      if (request.target.starts_with(resolve))
        return resolved(repository, request, request.target.substr(resolve.size()));
    }
    // As the real hub does for a stranger.
    return request.target.starts_with("/api/") ? refusal(401, "RepoNotFound") : refusal(404, "EntryNotFound");
  }

  ServerResponse listing(const Repository& repository) const {
    nlohmann::json json = {{"sha", repository.commit}, {"siblings", nlohmann::json::array()}};
    for (const auto& [name, file] : repository.files) {
      nlohmann::json sibling = {{"rfilename", name}};
      if (!faults_.hide_hashes) {
        sibling["size"] = file.content.size();
        sibling["blobId"] = hash_of({file.content, false});
        if (file.large) sibling["lfs"] = {{"sha256", hash_of(file)}, {"size", file.content.size()}};
      }
      json["siblings"].push_back(sibling);
    }
    ServerResponse response;
    response.body = json.dump();
    return response;
  }

  ServerResponse resolved(const Repository& repository, const ServerRequest& request, const std::string& name) {
    if (faults_.gated_files) return refusal(401, "GatedRepo", "Access to this model is restricted.");
    const auto found = repository.files.find(name);
    if (found == repository.files.end()) return refusal(404, "EntryNotFound");
    if (int& failures = faults_.failures[name]; failures > 0 && request.method == "GET") {
      --failures;
      return refusal(503, "");
    }
    ServerResponse response;
    response.headers["X-Repo-Commit"] = repository.commit;
    if (found->second.large) {
      response.status = 302;
      response.headers["Location"] = store_.url() + "/" + name;
      response.headers["X-Linked-Etag"] = "\"" + hash_of(found->second) + "\"";
      response.headers["X-Linked-Size"] = std::to_string(found->second.content.size());
      stored_[name] = found->second.content;
      return response;
    }
    response.headers["ETag"] = "\"" + hash_of(found->second) + "\"";
    send_content(request, name, found->second.content, response);
    return response;
  }

  ServerResponse serve_store(const ServerRequest& request) {
    const std::lock_guard lock(mutex_);
    const std::string name = request.target.substr(1);
    std::string content = stored_[name];
    if (faults_.corrupt && !content.empty()) content[content.size() / 2] ^= 1;
    ServerResponse response;
    send_content(request, name, content, response);
    return response;
  }

  void send_content(const ServerRequest& request, const std::string& name, const std::string& content,
                    ServerResponse& response) {
    response.body = content;
    response.delay_each_kb = faults_.delay_each_kb;
    const auto range = request.headers.find("range");
    if (range != request.headers.end() && !faults_.ignore_range) {
      std::size_t first = 0;
      const std::string text = range->second.substr(std::string("bytes=").size());
      std::from_chars(text.data(), text.data() + text.size(), first);
      if (faults_.refuse_range || first >= content.size()) {
        response = refusal(416, "");
        return;
      }
      response.status = 206;
      response.headers["Content-Range"] = fmt::format("bytes {}-{}/{}", first, content.size() - 1, content.size());
      response.body = content.substr(first);
    }
    if (const auto cut = faults_.cut_after.find(name); cut != faults_.cut_after.end() && request.method == "GET") {
      response.cut_after_bytes = cut->second;
      faults_.cut_after.erase(cut);
    }
  }

  std::mutex mutex_;
  std::map<std::string, Repository> repositories_;
  std::map<std::string, std::string> stored_;
  Faults faults_;
  HttpServer store_;
  HttpServer hub_;
};

}  // namespace amanuensis::test
