#include "fleet/inputs.h"

#include <fmt/format.h>
#include <glob.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/error.h"

namespace amanuensis::fleet {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 27> kMediaEndings{
    ".wav", ".flac", ".mp3", ".m4a", ".mp4",  ".m4b", ".aac", ".ogg", ".oga", ".opus", ".webm", ".mkv", ".mka", ".mov",
    ".avi", ".wma",  ".wmv", ".aif", ".aiff", ".amr", ".3gp", ".ts",  ".mpg", ".mpeg", ".caf",  ".au",  ".w64"};

// JSON carries text alone.
void check_text(const std::string& path) {
  try {
    [[maybe_unused]] const std::string text = nlohmann::json(path).dump();
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorCode::kInvalidArgument, fmt::format("'{}': a name that is not UTF-8; rename it", path));
  }
}

void give_file(const fs::path& path, const std::function<void(const Input&)>& each) {
  check_text(path.string());
  std::error_code problem;
  Input input{.source = fs::weakly_canonical(path, problem).string(), .name = path.filename().string()};
  if (problem) input.source = fs::absolute(path).string();
  input.size_bytes = fs::file_size(path, problem);
  input.is_file = true;
  each(input);
}

void expand_folder(const fs::path& folder, const std::function<void(const Input&)>& each, const std::stop_token& stop) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::recursive_directory_iterator(folder, fs::directory_options::skip_permission_denied)) {
    if (stop.stop_requested()) throw Error(ErrorCode::kCancelled, "interrupted");
    const std::string name = entry.path().filename().string();
    std::error_code problem;
    if (!name.starts_with('.') && entry.is_regular_file(problem) && is_media_name(name)) found.push_back(entry.path());
  }
  if (found.empty()) {
    throw Error(ErrorCode::kNotFound, fmt::format("{}: no media files in this folder", folder.string()));
  }
  std::sort(found.begin(), found.end());
  for (const fs::path& path : found) give_file(path, each);
}

struct GlobResult {
  ~GlobResult() { globfree(&matches); }
  glob_t matches{};
};

void expand_pattern(const std::string& pattern, const std::function<void(const Input&)>& each,
                    const std::stop_token& stop) {
  GlobResult result;
  if (glob(pattern.c_str(), GLOB_TILDE, nullptr, &result.matches) != 0) {
    throw Error(ErrorCode::kNotFound, fmt::format("{}: nothing matches", pattern));
  }
  for (std::size_t i = 0; i < result.matches.gl_pathc; ++i) {
    const fs::path path = result.matches.gl_pathv[i];
    if (fs::is_directory(path)) {
      expand_folder(path, each, stop);
    } else {
      give_file(path, each);
    }
  }
}

void expand_remote(const std::string& uri, Stores& stores, const std::function<void(const Input&)>& each,
                   const std::stop_token& stop) {
  const storage::ObjectAddress address = storage::split_address(uri);
  const auto store = stores.open(address.store);
  const auto give = [&](const storage::ObjectInfo& object) {
    const std::size_t slash = object.key.rfind('/');
    each({.source = store->uri(object.key),
          .name = slash == std::string::npos ? object.key : object.key.substr(slash + 1),
          .size_bytes = object.size_bytes,
          .etag = object.etag});
  };
  if (!address.key.empty()) {
    if (const auto object = store->find(address.key, stop)) {
      give(*object);
      return;
    }
  }
  bool any = false;
  if (!uri.starts_with("http")) {
    store->list(
        address.key,
        [&](const storage::ObjectInfo& object) {
          if (!is_media_name(object.key)) return true;
          any = true;
          give(object);
          return true;
        },
        stop);
  }
  if (!any) throw Error(ErrorCode::kNotFound, fmt::format("{}: there is no recording", uri));
}

}  // namespace

bool is_media_name(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return false;
  std::string ending(name.substr(dot));
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return std::tolower(c); });
  return std::find(kMediaEndings.begin(), kMediaEndings.end(), ending) != kMediaEndings.end();
}

void expand_input(const std::string& text, Stores& stores, const std::function<void(const Input&)>& each,
                  const std::stop_token& stop) {
  if (text.starts_with("file://")) return expand_input(text.substr(7), stores, each, stop);
  if (is_remote(text)) return expand_remote(text, stores, each, stop);
  std::error_code problem;
  const fs::file_status status = fs::status(text, problem);
  if (fs::is_directory(status)) return expand_folder(text, each, stop);
  if (fs::exists(status)) return give_file(text, each);
  if (text.find_first_of("*?[") != std::string::npos) return expand_pattern(text, each, stop);
  throw Error(ErrorCode::kNotFound, fmt::format("{}: there is no such file", text));
}

std::vector<std::string> read_manifest(std::istream& in, const std::string& folder) {
  std::vector<std::string> inputs;
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty() || line.starts_with('#')) continue;
    if (line.starts_with('{')) {
      const nlohmann::json json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
      if (!json.is_object() || !json.contains("source") || !json.at("source").is_string()) {
        throw Error(ErrorCode::kBadData, fmt::format("manifest, line {}: no JSON object with a \"source\"", number));
      }
      line = json.at("source").get<std::string>();
    }
    const bool is_relative = !is_remote(line) && !line.starts_with('/');
    inputs.push_back(is_relative ? (fs::path(folder) / line).string() : line);
  }
  return inputs;
}

}  // namespace amanuensis::fleet
