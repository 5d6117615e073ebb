// What a hub says about a repository: which commit a revision is, and which files it has. Speaks the Hugging Face hub's
// HTTP interface (GET /api/models/{repository}/revision/{revision}). Belongs to one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "model/hub/http.h"
#include "model/hub/hub.h"
#include "model/hub/model_name.h"

namespace amanuensis::model {

struct RemoteFile {
  std::string name;                         // path inside the repository; a server's word, not yet trusted
  std::optional<std::uint64_t> size_bytes;  // when the hub says
  std::string hash;  // SHA-256 (64 digits) of a large file, Git blob SHA-1 (40 digits) of a small one; empty: not known
};

struct RemoteRepository {
  std::string repository;
  std::string commit;  // 40 hexadecimal digits
  std::vector<RemoteFile> files;

  const RemoteFile* find(std::string_view name) const;
};

class HubApi {
 public:
  // Both must outlive the api.
  HubApi(const HubSettings& settings, HttpClient& http) : settings_(settings), http_(http) {}

  // Throws Error{kNotFound} (no such repository or revision, with the nearest names), Error{kNetwork} (gated, token
  // refused, unexpected answer, no connection) and Error{kCancelled}. Tries again after passing failures.
  RemoteRepository describe(const ModelName& name, const std::stop_token& stop);

  // Size and hash, asked for one file when describe() did not learn them.
  void complete(const RemoteRepository& repository, RemoteFile& file, const std::stop_token& stop);

  std::string file_url(const RemoteRepository& repository, std::string_view file) const;

 private:
  const HubSettings& settings_;
  HttpClient& http_;
};

// The error that a refusing answer (401, 403, 404, 429, 5xx, ...) means to a person. `what` is the model or file.
Error explain_refusal(const HttpResponse& response, const HubSettings& settings, std::string_view repository,
                      std::string_view what);

// 408, 429 and 5xx may pass.
bool is_transient_status(long status);

// Waits before attempt `failures` + 1: retry_wait, twice that, four times, ... at most 30 s. Throws Error{kCancelled}
// at once when `stop` is requested.
void wait_before_retry(const HubSettings& settings, int failures, const std::stop_token& stop);

}  // namespace amanuensis::model
