// One object over HTTP, however often the connection breaks: resumed where it stopped, begun anew when the object has
// changed, and checked at the end. Free functions; they use nothing but what they are given.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <string>

#include "base/error.h"
#include "base/whole_file.h"
#include "storage/http.h"
#include "storage/object_store.h"
#include "storage/settings.h"

namespace amanuensis::storage {

// Where the bytes come from.
struct DownloadSource {
  std::string address;  // for messages
  // One request for the bytes from `first_byte` on, of the object with this etag (empty: whatever it is now). The sink
  // gets the body of a 200 or 206. An object that has changed is answered with 412, or with 200 and the whole of it.
  using Sink = std::function<void(const HttpAnswer& so_far, std::span<const std::byte> piece)>;
  std::function<HttpAnswer(std::uint64_t first_byte, const std::string& etag, const Sink& sink)> ask;
  std::function<std::string(const HttpAnswer&)> etag_of;
  // Called for an answer that is neither the object nor a passing failure.
  std::function<Error(const HttpAnswer&)> explain;
  // Whether an object's etag is the MD5 of its bytes, as far as the answer shows.
  std::function<bool(const HttpAnswer&)> etag_is_md5;
  std::uint64_t max_bytes = 0;
};

// Where they go.
struct DownloadTarget {
  std::function<void()> restart;  // forgets what was taken
  std::function<void(std::span<const std::byte>)> take;
};

// Which must outlive the target.
DownloadTarget into(std::string& bytes);
DownloadTarget into(WholeFile& file);

// Returns size and etag; the key is the caller's. Throws as ObjectStore::download() does.
ObjectInfo download_object(const DownloadSource& source, const DownloadTarget& target, const StorageSettings& settings,
                           const TransferOptions& options);

}  // namespace amanuensis::storage
