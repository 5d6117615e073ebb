#include "fleet/recording.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <sstream>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "pipeline/transcript_json.h"
#include "pipeline/writers/writers.h"

namespace amanuensis::fleet {
namespace {

// A transcript of a day of speech with all word times is some 100 MB.
constexpr std::uint64_t kLargestResult = std::uint64_t{1} << 30;

constexpr std::size_t kMostStores = 64;

std::string own_name(const std::string& key) {
  static std::atomic<std::uint64_t> count{0};
  return fmt::format("recording-{}-{}{}", ::getpid(), ++count, std::filesystem::path(key).extension().string());
}

}  // namespace

std::shared_ptr<storage::ObjectStore> Stores::open(const std::string& uri) {
  const std::scoped_lock lock(mutex_);
  const auto known = stores_.find(uri);
  if (known != stores_.end()) return known->second;
  std::shared_ptr<storage::ObjectStore> store = storage::open_store(uri, settings_);
  // An address of a recording is a store of its own: those that nobody uses go when there are many.
  if (stores_.size() >= kMostStores)
    std::erase_if(stores_, [](const auto& each) { return each.second.use_count() == 1; });
  stores_.emplace(uri, store);
  return store;
}

Recording::Recording(Stores& stores, const std::string& source, const std::filesystem::path& folder,
                     const std::stop_token& stop) {
  const storage::ObjectAddress address = storage::split_address(source);
  const auto store = stores.open(address.store);
  if (const auto local = store->local_path(address.key)) {
    path_ = *local;
    if (std::filesystem::is_directory(path_)) {
      throw Error(ErrorCode::kInvalidArgument, fmt::format("{}: is a folder, not a recording", source));
    }
  } else {
    path_ = folder / own_name(address.key);
    is_ours_ = true;
    fetched_bytes_ = store->download(address.key, path_, {.stop = stop}).size_bytes;
  }
  sha256_ = sha256_of_file(path_.string());
}

Recording::~Recording() {
  std::error_code ignored;
  if (is_ours_) std::filesystem::remove(path_, ignored);
}

bool is_remote(std::string_view text) {
  return text.starts_with("s3://") || text.starts_with("http://") || text.starts_with("https://");
}

std::optional<std::string> find_result(storage::ObjectStore& store, const std::string& key) {
  if (!store.exists(key + ".json")) return std::nullopt;
  return store.read(key + ".json", kLargestResult);
}

std::string write_result(storage::ObjectStore& store, const std::string& key, const std::string& json,
                         const std::vector<std::string>& formats) {
  const std::string name = key + ".json";
  std::string kept = store.write_if_absent(name, json) ? json : store.read(name, kLargestResult);
  if (formats.empty()) return kept;
  const pipeline::Transcript transcript = pipeline::parse_full_json(kept);
  for (const std::string& format : formats) {
    const pipeline::WriterFormat* writer = pipeline::find_writer_format(format);
    if (writer == nullptr || format == "json") continue;
    std::ostringstream text;
    writer->write(transcript, {}, text);
    store.write_if_absent(fmt::format("{}.{}", key, format), text.str());
  }
  return kept;
}

}  // namespace amanuensis::fleet
