// One file from the hub into the cache's blobs: resumed where an earlier try stopped, verified, and put in place by
// rename. Belongs to one thread; several processes may want the same file and take turns.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include "model/hub/cache.h"
#include "model/hub/hub_api.h"

namespace amanuensis::model {

struct Download {
  HttpClient& http;
  const HubSettings& settings;
  const RepositoryCache& cache;
  std::string repository;  // for messages
  std::string url;
};

// Makes the blob of `file` complete and returns its name in the cache. on_bytes (never empty) hears how much of this
// file is on disk, which may shrink when a server cannot resume. Throws Error{kNetwork} (gave up; hash or size wrong:
// the bad data is deleted), {kIo}, {kResourceExhausted} (disk full) and {kCancelled}; what arrived so far stays for a
// resume.
std::string download_blob(const Download& download, const RemoteFile& file,
                          const std::function<void(std::uint64_t)>& on_bytes, const std::stop_token& stop);

}  // namespace amanuensis::model
