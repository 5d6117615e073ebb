// Enforces the room table of docs/architecture.md: reads every #include of src/ and fails on an edge that the table
// lacks.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace amanuensis {
namespace {

namespace fs = std::filesystem;

// A room, and the rooms it may include besides itself and base. "port" is device/backend.h and
// device/encoder_backend.h.
const std::map<std::string, std::set<std::string>>& allowed_includes() {
  static const std::map<std::string, std::set<std::string>> table = {
      {"base", {}},
      {"kernels", {}},
      {"audio", {"kernels"}},
      {"port", {}},
      {"device/cpu", {"kernels", "port"}},
      {"device/npu", {"kernels", "port"}},
      {"transfer", {}},
      {"model", {"port", "transfer"}},
      {"decoding", {"model"}},
      {"pipeline", {"audio", "model", "decoding", "port"}},
      {"storage", {"transfer"}},
      {"fleet", {"pipeline", "storage"}},
      {"server", {"pipeline", "fleet", "storage"}},
      {"cli",
       {"kernels", "audio", "port", "device/cpu", "device/npu", "model", "decoding", "pipeline", "storage", "fleet",
        "server", "transfer"}},
  };
  return table;
}

// The room of a path relative to src/, e.g. "device/cpu/cpu_backend.cc" -> "device/cpu".
std::string room_of(const std::string& path) {
  if (path == "device/backend.h" || path == "device/encoder_backend.h") return "port";
  if (path.starts_with("device/cpu/")) return "device/cpu";
  if (path.starts_with("device/npu/")) return "device/npu";
  return path.substr(0, path.find('/'));
}

// What is wrong with `file` including `included`, or nothing.
std::optional<std::string> complaint(const std::string& file, const std::string& included) {
  const std::string from = room_of(file);
  const std::string to = room_of(included);
  const auto row = allowed_includes().find(from);
  if (row == allowed_includes().end()) return file + ": room '" + from + "' is not in the table";
  if (to == from || to == "base" || row->second.contains(to)) return std::nullopt;
  return file + " includes " + included + ": room '" + from + "' may not include room '" + to + "'";
}

std::vector<std::string> project_includes(const fs::path& file) {
  static const std::regex pattern("^\\s*#\\s*include\\s*\"([^\"]+)\"");
  std::ifstream in(file);
  std::vector<std::string> found;
  for (std::string line; std::getline(in, line);) {
    std::smatch match;
    if (std::regex_search(line, match, pattern)) found.push_back(match[1]);
  }
  return found;
}

std::vector<std::string> source_files() {
  const fs::path root = fs::path(AMANUENSIS_SOURCE_DIR) / "src";
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    const std::string extension = entry.path().extension().string();
    if (extension == ".h" || extension == ".cc") files.push_back(fs::relative(entry.path(), root).string());
  }
  return files;
}

TEST(Includes, TheCheckSeesAForbiddenEdge) {
  EXPECT_TRUE(complaint("kernels/gemm/gemm.cc", "model/whisper/whisper_model.h").has_value());
  EXPECT_TRUE(complaint("model/whisper/encoder.cc", "device/cpu/cpu_backend.h").has_value());
  EXPECT_TRUE(complaint("attic/old.cc", "base/error.h").has_value());
  EXPECT_FALSE(complaint("model/whisper/encoder.cc", "device/backend.h").has_value());
  EXPECT_FALSE(complaint("audio/log_mel.cc", "kernels/fft/fft.h").has_value());
}

TEST(Includes, EveryIncludeFollowsTheRoomTable) {
  const fs::path root = fs::path(AMANUENSIS_SOURCE_DIR) / "src";
  const std::vector<std::string> files = source_files();
  ASSERT_GT(files.size(), 20U) << "no sources below " << root;
  for (const std::string& file : files) {
    for (const std::string& included : project_includes(root / file)) {
      EXPECT_TRUE(fs::exists(root / included)) << file << " includes " << included << ", which is not below src/";
      if (const auto wrong = complaint(file, included)) ADD_FAILURE() << *wrong;
    }
  }
}

TEST(Includes, XrtHeadersAppearOnlyInItsOwnRoom) {
  static const std::regex pattern("^\\s*#\\s*include\\s*[<\"]xrt/");
  const fs::path root = fs::path(AMANUENSIS_SOURCE_DIR) / "src";
  for (const std::string& file : source_files()) {
    if (file.starts_with("device/npu/xrt/")) continue;
    std::ifstream in(root / file);
    for (std::string line; std::getline(in, line);) {
      EXPECT_FALSE(std::regex_search(line, pattern)) << file << ": " << line;
    }
  }
}

TEST(Files, AreOneIdeaLong) {
  // Tables of data are exempt from the limit.
  static const std::set<std::string> tables = {"pipeline/eval/english_spellings.cc", "pipeline/eval/unicode_tables.cc"};
  const fs::path root = fs::path(AMANUENSIS_SOURCE_DIR) / "src";
  for (const std::string& file : source_files()) {
    if (tables.contains(file)) continue;
    std::ifstream in(root / file);
    std::size_t lines = 0;
    for (std::string line; std::getline(in, line);) ++lines;
    EXPECT_LE(lines, 500U) << file;
  }
}

}  // namespace
}  // namespace amanuensis
