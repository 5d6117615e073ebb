#include "storage/local_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/whole_file.h"

namespace amanuensis::storage {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

[[noreturn]] void throw_failed(const fs::path& path, std::string_view what, int error) {
  ErrorCode code = ErrorCode::kIo;
  const char* advice = "";
  if (error == ENOENT) code = ErrorCode::kNotFound;
  if (error == EACCES || error == EPERM) advice = "; may this user read and write there?";
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
    code = ErrorCode::kResourceExhausted;
    advice = "; free some space or choose another folder";
  }
  if (error == EROFS) advice = "; it is mounted for reading only";
  throw Error(code, fmt::format("{}: {}: {}{}", path.string(), what, std::generic_category().message(error), advice));
}

class Descriptor {
 public:
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  ~Descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

// A renamed file has its new name after a power cut only when the folder is on disk, too.
void flush_folder(const fs::path& folder) {
  const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.get() < 0) throw_failed(folder, "cannot be flushed", errno);
  // Network file systems may not know the call; theirs is a promise of the server.
  if (::fsync(descriptor.get()) != 0 && errno != EINVAL && errno != ENOTSUP) {
    throw_failed(folder, "cannot be flushed", errno);
  }
}

// Makes the folders that are missing and leaves each name on disk.
void make_folders(const fs::path& folder) {
  std::vector<fs::path> missing;
  std::error_code problem;
  if (folder.empty()) return;
  for (fs::path at = folder; !at.empty() && !fs::exists(at, problem); at = at.parent_path()) missing.push_back(at);
  for (auto path = missing.rbegin(); path != missing.rend(); ++path) {
    if (::mkdir(path->c_str(), 0777) != 0 && errno != EEXIST) throw_failed(*path, "cannot be created", errno);
    flush_folder(path->has_parent_path() ? path->parent_path() : fs::path("."));
  }
  if (!fs::is_directory(folder, problem)) throw_failed(folder, "cannot hold objects", ENOTDIR);
}

// Size, time and identity of a file: what changes when another one takes its place.
std::string etag_of(const struct stat& status) {
  return fmt::format("{:x}-{:x}-{:x}{:09}", status.st_ino, status.st_size, status.st_mtim.tv_sec,
                     status.st_mtim.tv_nsec);
}

ObjectInfo info_of(std::string key, const struct stat& status) {
  return {.key = std::move(key), .size_bytes = static_cast<std::uint64_t>(status.st_size), .etag = etag_of(status)};
}

void throw_if_stopped(const std::stop_token& stop) {
  if (stop.stop_requested()) throw Error(ErrorCode::kCancelled, "cancelled");
}

// Calls `use` with every piece of an open file.
template <typename Use>
void read_pieces(const fs::path& path, int descriptor, const TransferOptions& options, const Use& use) {
  std::vector<char> piece(kPieceBytes);
  std::uint64_t moved = 0;
  while (true) {
    throw_if_stopped(options.stop);
    const ssize_t got = ::read(descriptor, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_failed(path, "cannot be read", errno);
    if (got == 0) return;
    use(std::string_view(piece.data(), static_cast<std::size_t>(got)));
    moved += static_cast<std::uint64_t>(got);
    if (options.on_bytes) options.on_bytes(moved);
  }
}

struct OpenFile {
  explicit OpenFile(const fs::path& path) : descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor.get() < 0) throw_failed(path, "cannot be opened", errno);
    if (::fstat(descriptor.get(), &status) != 0) throw_failed(path, "cannot be read", errno);
    if (S_ISDIR(status.st_mode)) throw_failed(path, "cannot be read", EISDIR);
  }
  Descriptor descriptor;
  struct stat status {};
};

// The folders on the way down to where a listing is, so that a link back up ends it.
using Identity = std::pair<dev_t, ino_t>;

class Listing {
 public:
  Listing(std::string_view prefix, const ObjectStore::Visitor& each, const std::stop_token& stop)
      : prefix_(prefix), each_(each), stop_(stop) {}

  // Visits what is in `folder`, whose keys begin with `base`. False when the visitor has had enough.
  bool visit(const fs::path& folder, const std::string& base) {
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0) return vanished(folder, errno);
    const Identity self(status.st_dev, status.st_ino);
    if (std::find(above_.begin(), above_.end(), self) != above_.end()) return true;
    above_.push_back(self);
    const bool more = visit_entries(folder, base);
    above_.pop_back();
    return more;
  }

 private:
  bool visit_entries(const fs::path& folder, const std::string& base) {
    std::vector<std::string> names;  // folders end in '/', which sorts them as their keys do
    std::error_code problem;
    for (fs::directory_iterator at(folder, problem), end; !problem && at != end; at.increment(problem)) {
      std::string name = at->path().filename().string();
      if (name.starts_with('.')) continue;
      std::error_code ignored;
      if (at->is_directory(ignored)) name += '/';
      names.push_back(std::move(name));
    }
    if (problem) return vanished(folder, problem.value());
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
      throw_if_stopped(stop_);
      if (!visit_entry(folder / name, base + name)) return false;
    }
    return true;
  }

  bool visit_entry(const fs::path& path, const std::string& key) {
    const std::size_t compared = std::min(key.size(), prefix_.size());
    if (key.ends_with('/')) {
      if (key.compare(0, compared, prefix_, 0, compared) != 0) return true;
      return visit(path, key);
    }
    if (!key.starts_with(prefix_)) return true;
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return true;  // gone, or a pipe or device
    return each_(info_of(key, status));
  }

  // What disappears while it is listed is not in the list. The folder asked for may be missing, too.
  static bool vanished(const fs::path& folder, int error) {
    if (error == ENOENT || error == ENOTDIR) return true;
    throw_failed(folder, "cannot be listed", error);
  }

  std::string prefix_;
  const ObjectStore::Visitor& each_;
  const std::stop_token& stop_;
  std::vector<Identity> above_;
};

class LocalStore : public ObjectStore {
 public:
  explicit LocalStore(fs::path folder) : folder_(std::move(folder)) {}

  std::string uri(std::string_view key) const override {
    return key.empty() ? folder_.string() : (folder_ / key).string();
  }

  void list(std::string_view prefix, const Visitor& each, const std::stop_token& stop) override {
    Listing(prefix, each, stop).visit(folder_, "");
  }

  std::optional<ObjectInfo> find(std::string_view key, const std::stop_token&) override {
    const fs::path path = path_of(key);
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0) {
      return S_ISDIR(status.st_mode) ? std::nullopt : std::optional(info_of(std::string(key), status));
    }
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    throw_failed(path, "cannot be looked at", errno);
  }

  std::string read(std::string_view key, std::uint64_t max_bytes, const TransferOptions& options) override {
    const fs::path path = path_of(key);
    const OpenFile file(path);
    std::string bytes;
    read_pieces(path, file.descriptor.get(), options, [&](std::string_view piece) {
      if (bytes.size() + piece.size() > max_bytes) {
        throw Error(ErrorCode::kBadData,
                    fmt::format("{}: is larger than {} bytes, the most that is read here", path.string(), max_bytes));
      }
      bytes += piece;
    });
    return bytes;
  }

  ObjectInfo download(std::string_view key, const fs::path& target, const TransferOptions& options) override {
    const OpenFile file(path_of(key));
    copy(path_of(key), file, target, options);
    return info_of(std::string(key), file.status);
  }

  void write(std::string_view key, std::string_view bytes, const TransferOptions& options) override {
    const fs::path path = prepare(key, options.stop);
    WholeFile file(path);
    file.write(bytes);
    file.commit();
    flush_folder(path.parent_path());
    if (options.on_bytes) options.on_bytes(bytes.size());
  }

  void write_file(std::string_view key, const fs::path& source, const TransferOptions& options) override {
    const OpenFile file(source);
    const fs::path path = prepare(key, options.stop);
    copy(source, file, path, options);
    flush_folder(path.parent_path());
  }

  bool write_if_absent(std::string_view key, std::string_view bytes, const TransferOptions& options) override {
    const fs::path path = prepare(key, options.stop);
    if (find(key, options.stop)) return false;
    WholeFile file(path);
    file.write(bytes);
    if (!file.commit_if_absent()) return false;
    flush_folder(path.parent_path());
    if (options.on_bytes) options.on_bytes(bytes.size());
    return true;
  }

  void remove(std::string_view key, const std::stop_token&) override {
    const fs::path path = path_of(key);
    if (::unlink(path.c_str()) != 0 && errno != ENOENT && errno != ENOTDIR) {
      throw_failed(path, "cannot be removed", errno);
    }
  }

  std::optional<fs::path> local_path(std::string_view key) const override { return path_of(key); }

 private:
  // Throws for a key that would lead out of the folder.
  fs::path path_of(std::string_view key) const {
    const auto refuse = [&](const char* why) {
      throw Error(ErrorCode::kInvalidArgument, fmt::format("{}: '{}' {}", folder_.string(), key, why));
    };
    if (key.empty()) refuse("is no object's name");
    if (key.find('\0') != std::string_view::npos) refuse("holds a zero byte, which no file name can");
    for (std::size_t begin = 0; begin <= key.size();) {
      const std::size_t end = std::min(key.find('/', begin), key.size());
      const std::string_view part = key.substr(begin, end - begin);
      if (part.empty() || part == "." || part == "..") refuse("is no path below this folder");
      begin = end + 1;
    }
    return folder_ / key;
  }

  // Where the object goes, its folder made.
  fs::path prepare(std::string_view key, const std::stop_token& stop) const {
    throw_if_stopped(stop);
    fs::path path = path_of(key);
    make_folders(path.parent_path());
    return path;
  }

  static void copy(const fs::path& source, const OpenFile& from, const fs::path& target,
                   const TransferOptions& options) {
    WholeFile file(target);
    std::uint64_t copied = 0;
    read_pieces(source, from.descriptor.get(), options, [&](std::string_view piece) {
      file.write(piece);
      copied += piece.size();
    });
    if (S_ISREG(from.status.st_mode) && copied != static_cast<std::uint64_t>(from.status.st_size)) {
      throw Error(ErrorCode::kBadData,
                  fmt::format("{}: changed while it was copied; try again when it is complete", source.string()));
    }
    file.commit();
  }

  fs::path folder_;
};

}  // namespace

std::unique_ptr<ObjectStore> open_local_store(const fs::path& folder) { return std::make_unique<LocalStore>(folder); }

}  // namespace amanuensis::storage
