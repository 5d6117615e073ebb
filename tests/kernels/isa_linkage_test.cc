// Files compiled for one instruction set hold only their entry points and internal code. A function that the linker may
// merge with the same function of another file could put AVX-512 instructions under a name that generic code calls.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace amanuensis::kernels {
namespace {

namespace fs = std::filesystem;

std::string output_of(const std::string& command) {
  const auto close = [](FILE* file) { pclose(file); };
  const std::unique_ptr<FILE, decltype(close)> pipe(popen(command.c_str(), "r"), close);
  std::string text;
  std::array<char, 4096> buffer{};
  while (pipe && fgets(buffer.data(), static_cast<int>(buffer.size()), pipe.get()) != nullptr) text += buffer.data();
  return text;
}

std::vector<fs::path> isa_objects() {
  std::vector<fs::path> objects;
  const fs::path folder = fs::path(AMANUENSIS_BINARY_DIR) / "src";
  if (!fs::exists(folder)) return objects;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    for (const char* end : {"_avx2.cc.o", "_avx512f.cc.o", "_avx512_vnni.cc.o", "_avx512.cc.o", "_neon.cc.o",
                            "_neon_dotprod.cc.o", "_neon_bf16.cc.o"}) {
      if (name.ends_with(end)) objects.push_back(entry.path());
    }
  }
  return objects;
}

TEST(IsaFiles, HoldNoFunctionTheLinkerCouldMerge) {
  if (output_of("nm --version 2>/dev/null").empty()) GTEST_SKIP() << "nm is not installed";
  const std::vector<fs::path> objects = isa_objects();
  if (objects.empty()) GTEST_SKIP() << "no object files below " << AMANUENSIS_BINARY_DIR;
  for (const fs::path& object : objects) {
    std::istringstream symbols(output_of("nm -C '" + object.string() + "'"));
    for (std::string line; std::getline(symbols, line);) {
      // "address type name"; W are functions that several files may define. Tables may be shared: they hold no code.
      if (line.size() < 19 || line[17] != 'W') continue;
      const std::string name = line.substr(19);
      // Undefined weak references (sanitizers use them) have no address.
      if (line.find_first_not_of(' ') >= 16) continue;
      if (name.starts_with("__asan") || name.starts_with("__ubsan") || name.starts_with("__tsan")) continue;
      ADD_FAILURE() << object.filename().string() << " defines '" << name << "', which another file may define too";
    }
  }
}

}  // namespace
}  // namespace amanuensis::kernels
