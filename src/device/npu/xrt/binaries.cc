#include "device/npu/xrt/binaries.h"

#include <fmt/format.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "device/npu/catalog.h"

namespace amanuensis::device::npu {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path, const KernelSpec& spec) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    throw Error(ErrorCode::kNotFound, fmt::format("NPU kernel {}: no {}; tools/npu/build.sh makes it (docs/npu.md)",
                                                  spec.name, path.string()));
  }
  return {std::istreambuf_iterator<char>(in), {}};
}

// What must be the same in the program's catalog and in the one the binary was built from.
bool same_promise(const KernelSpec& a, const KernelSpec& b) {
  if (a.operation != b.operation || a.function != b.function || a.batch != b.batch || a.block_rows != b.block_rows ||
      a.max_cols != b.max_cols || a.tile != b.tile || a.packed != b.packed || a.scales != b.scales ||
      a.arguments.size() != b.arguments.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.arguments.size(); ++i) {
    const ArgumentSpec& x = a.arguments[i];
    const ArgumentSpec& y = b.arguments[i];
    if (x.name != y.name || x.direction != y.direction || x.type != y.type || x.shape.size() != y.shape.size()) {
      return false;
    }
    for (std::size_t d = 0; d < x.shape.size(); ++d) {
      if (x.shape[d].number != y.shape[d].number || x.shape[d].name != y.shape[d].name) return false;
    }
  }
  return true;
}

std::size_t stated_words(const fs::path& manifest, const std::string& file, const KernelSpec& spec) {
  const auto json = nlohmann::json::parse(read_file(manifest, spec), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains(file) || !json[file].is_number_unsigned()) {
    throw Error(ErrorCode::kBadData, fmt::format("NPU kernel {}: {} does not say how many words {} has", spec.name,
                                                 manifest.string(), file));
  }
  return json[file].get<std::size_t>();
}

}  // namespace

KernelBinaries find_binaries(const fs::path& folder, const KernelSpec& spec, const LaunchShape& shape) {
  const fs::path entry = folder / (spec.name + ".json");
  if (!same_promise(parse_kernel_spec(read_file(entry, spec), entry.string()), spec)) {
    throw Error(ErrorCode::kBadData,
                fmt::format("NPU kernel {}: {} is not what this program was built with; build the kernels again",
                            spec.name, entry.string()));
  }
  KernelBinaries binaries;
  binaries.xclbin = folder / spec.xclbin;
  if (!fs::exists(binaries.xclbin)) {
    throw Error(ErrorCode::kNotFound, fmt::format("NPU kernel {}: no {}; tools/npu/build.sh makes it (docs/npu.md)",
                                                  spec.name, binaries.xclbin.string()));
  }
  const std::string file = instructions_file(spec, shape);
  const std::string stream = read_file(folder / file, spec);
  const std::size_t words = stated_words(folder / "manifest.json", file, spec);
  if (words == 0 || stream.size() != 4 * words) {
    throw Error(ErrorCode::kBadData, fmt::format("NPU kernel {}: {} has {} bytes, but the manifest states {} words",
                                                 spec.name, file, stream.size(), words));
  }
  binaries.instructions.resize(words);
  std::memcpy(binaries.instructions.data(), stream.data(), stream.size());
  return binaries;
}

}  // namespace amanuensis::device::npu
