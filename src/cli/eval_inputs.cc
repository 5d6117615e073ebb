#include "cli/eval_inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.h"

namespace amanuensis::cli {
namespace {

namespace fs = std::filesystem;

using FilesByName = std::map<std::string, fs::path>;

FilesByName files_in(const fs::path& folder, std::span<const std::string_view> extensions) {
  FilesByName files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string extension = entry.path().extension().string();
    if (!entry.is_regular_file() || std::ranges::find(extensions, extension) == extensions.end()) continue;
    const auto [found, is_new] = files.emplace(entry.path().stem().string(), entry.path());
    if (!is_new) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("{}: holds both {} and {}: which of them is meant?", folder.string(),
                              found->second.filename().string(), entry.path().filename().string()));
    }
  }
  return files;
}

void add_folders(const fs::path& reference, const fs::path& hypothesis, std::span<const std::string_view> extensions,
                 std::vector<EvalPair>& pairs) {
  const FilesByName said = files_in(reference, extensions);
  const FilesByName found = files_in(hypothesis, extensions);
  if (said.empty()) {
    throw Error(ErrorCode::kNotFound,
                fmt::format("{}: holds no files ending in {}", reference.string(), fmt::join(extensions, ", ")));
  }
  for (const auto& [name, path] : said) {
    const auto counterpart = found.find(name);
    if (counterpart == found.end()) {
      throw Error(ErrorCode::kNotFound, fmt::format("{}: holds nothing for {}", hypothesis.string(), path.string()));
    }
    pairs.push_back({path, counterpart->second});
  }
}

}  // namespace

std::vector<EvalPair> pair_inputs(const std::vector<std::string>& paths, std::span<const std::string_view> extensions) {
  if (paths.size() % 2 != 0) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("{} file{} to compare: give a reference and a hypothesis, in turn", paths.size(),
                            paths.size() == 1 ? "" : "s"));
  }
  std::vector<EvalPair> pairs;
  for (std::size_t i = 0; i < paths.size(); i += 2) {
    const fs::path reference = paths[i];
    const fs::path hypothesis = paths[i + 1];
    std::error_code problem;
    for (const fs::path& path : {reference, hypothesis}) {
      if (!fs::exists(path, problem)) {
        throw Error(ErrorCode::kNotFound, fmt::format("{}: no such file or folder", path.string()));
      }
    }
    const bool is_folder = fs::is_directory(reference, problem);
    if (is_folder != fs::is_directory(hypothesis, problem)) {
      throw Error(ErrorCode::kInvalidArgument, fmt::format("{} and {}: one is a folder and the other is not",
                                                           reference.string(), hypothesis.string()));
    }
    if (is_folder) {
      add_folders(reference, hypothesis, extensions, pairs);
    } else {
      pairs.push_back({reference, hypothesis});
    }
  }
  return pairs;
}

std::string percent_text(double rate) { return fmt::format("{:.2f} %", 100 * rate); }

}  // namespace amanuensis::cli
