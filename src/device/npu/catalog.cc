#include "device/npu/catalog.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/nearest_name.h"
#include "device/npu/runtime.h"

namespace amanuensis::device::npu {
namespace {

using Json = nlohmann::json;

class Reader {
 public:
  explicit Reader(std::string source) : source_(std::move(source)) {}

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::kBadData, fmt::format("NPU catalog, {}: {}", source_, what));
  }

  // Every key must be known, so that a misspelt one is not a silent default.
  void check_keys(const Json& json, const std::string& where, std::initializer_list<std::string_view> known) const {
    if (!json.is_object()) fail(fmt::format("{} is not an object", where));
    for (const auto& item : json.items()) {
      if (std::find(known.begin(), known.end(), item.key()) == known.end()) {
        fail(fmt::format("{} has an unknown field '{}'", where, item.key()));
      }
    }
  }
  std::string text(const Json& json, const char* key) const {
    if (!json.contains(key) || !json[key].is_string()) fail(fmt::format("'{}' is missing or no text", key));
    return json[key].get<std::string>();
  }
  std::size_t count(const Json& json, const char* key) const {
    if (!json.contains(key) || !json[key].is_number_unsigned()) {
      fail(fmt::format("'{}' is missing or no whole number", key));
    }
    return json[key].get<std::size_t>();
  }
  std::size_t count_or(const Json& json, const char* key, std::size_t otherwise) const {
    return json.contains(key) ? count(json, key) : otherwise;
  }
  bool flag(const Json& json, const char* key) const {
    if (!json.contains(key)) return false;
    if (!json[key].is_boolean()) fail(fmt::format("'{}' is neither true nor false", key));
    return json[key].get<bool>();
  }
  const Json& list(const Json& json, const char* key) const {
    if (!json.contains(key) || !json[key].is_array() || json[key].empty()) {
      fail(fmt::format("'{}' is missing or no list", key));
    }
    return json[key];
  }

 private:
  std::string source_;
};

Operation read_operation(const Reader& reader, const std::string& text) {
  for (const Operation each :
       {Operation::kLogMel, Operation::kGelu, Operation::kSoftmax, Operation::kLayerNorm, Operation::kResidualAdd,
        Operation::kMatmul, Operation::kAttention, Operation::kEncoderBlock}) {
    if (text == to_string(each)) return each;
  }
  reader.fail(fmt::format("no operation '{}'", text));
}

ValueType read_type(const Reader& reader, const std::string& text) {
  for (const ValueType each : {ValueType::kInt8, ValueType::kInt16, ValueType::kInt32, ValueType::kFloat32}) {
    if (text == to_string(each)) return each;
  }
  reader.fail(fmt::format("no type '{}'", text));
}

ArgumentSpec read_argument(const Reader& reader, const Json& json, const KernelSpec& spec) {
  reader.check_keys(json, "an argument", {"name", "direction", "type", "shape", "bytes", "once", "optional"});
  ArgumentSpec argument;
  argument.name = reader.text(json, "name");
  const std::string direction = reader.text(json, "direction");
  if (direction != "in" && direction != "out") reader.fail(fmt::format("no direction '{}'", direction));
  argument.direction = direction == "in" ? Direction::kIn : Direction::kOut;
  argument.type = read_type(reader, reader.text(json, "type"));
  argument.once = reader.flag(json, "once");
  argument.optional = reader.flag(json, "optional");
  for (const Json& extent : reader.list(json, "shape")) {
    static constexpr std::array<std::string_view, 7> kNames = {"rows",          "inner",         "cols",      "heads",
                                                               "rows_and_cols", "block_weights", "block_work"};
    if (extent.is_number_unsigned() && extent.get<std::size_t>() > 0) {
      argument.shape.push_back({.number = extent.get<std::size_t>()});
    } else if (extent.is_string() &&
               std::find(kNames.begin(), kNames.end(), extent.get<std::string>()) != kNames.end()) {
      argument.shape.push_back({.name = extent.get<std::string>()});
    } else {
      reader.fail(fmt::format("argument '{}': an extent is neither a number nor one of {}", argument.name,
                              fmt::join(kNames, ", ")));
    }
  }
  if (spec.batch > 0) {
    const std::size_t bytes = argument.size_bytes({.rows = spec.batch});
    if (reader.count(json, "bytes") != bytes) {
      reader.fail(fmt::format("argument '{}' states {} bytes, but its shape has {}", argument.name,
                              reader.count(json, "bytes"), bytes));
    }
  } else if (json.contains("bytes")) {
    reader.fail(fmt::format("argument '{}' states bytes, but its shape varies", argument.name));
  }
  return argument;
}

FifoSpec read_fifo(const Reader& reader, const Json& json, const KernelSpec& spec) {
  reader.check_keys(json, "a FIFO", {"argument", "channel", "element", "depth"});
  FifoSpec fifo;
  fifo.argument = reader.text(json, "argument");
  const auto found = std::find_if(spec.arguments.begin(), spec.arguments.end(),
                                  [&](const ArgumentSpec& each) { return each.name == fifo.argument; });
  if (found == spec.arguments.end())
    reader.fail(fmt::format("a FIFO for the argument '{}', which is not there", fifo.argument));
  fifo.channel = reader.count(json, "channel");
  if (fifo.channel >= kTileChannels) {
    reader.fail(fmt::format("the FIFO of '{}' is on channel {}, but a tile has {} each way", fifo.argument,
                            fifo.channel, kTileChannels));
  }
  fifo.depth = reader.count(json, "depth");
  if (fifo.depth == 0) reader.fail(fmt::format("the FIFO of '{}' has no depth", fifo.argument));
  fifo.element_bytes = size_of(found->type);
  for (const Json& extent : reader.list(json, "element")) {
    if (!extent.is_number_unsigned() || extent.get<std::size_t>() == 0) {
      reader.fail(fmt::format("the FIFO of '{}': an extent is no whole number", fifo.argument));
    }
    fifo.element.push_back(extent.get<std::size_t>());
    fifo.element_bytes *= fifo.element.back();
  }
  return fifo;
}

void read_tile(const Reader& reader, const Json& json, KernelSpec& spec) {
  const Json& tile = json.contains("tile_memory") ? json["tile_memory"] : Json();
  reader.check_keys(tile, "'tile_memory'", {"stack_bytes", "constant_bytes", "scratch_bytes"});
  spec.memory = {.stack_bytes = reader.count(tile, "stack_bytes"),
                 .constant_bytes = reader.count(tile, "constant_bytes"),
                 .scratch_bytes = reader.count(tile, "scratch_bytes")};
}

}  // namespace

KernelSpec parse_kernel_spec(std::string_view text, const std::string& source) {
  const Reader reader(source);
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) reader.fail("not JSON");
  reader.check_keys(json, "the kernel",
                    {"schema", "name", "operation", "function", "batch", "block_rows", "max_cols", "tile", "packed",
                     "tiles", "single_column", "arguments", "fifos", "tile_memory", "scales", "xclbin", "instructions",
                     "instruction_words", "about"});
  if (reader.count(json, "schema") != 1) reader.fail("its schema is not 1");
  KernelSpec spec;
  spec.name = reader.text(json, "name");
  spec.operation = read_operation(reader, reader.text(json, "operation"));
  spec.function = reader.text(json, "function");
  spec.batch = reader.count_or(json, "batch", 0);
  spec.block_rows = reader.count(json, "block_rows");
  spec.max_cols = reader.count_or(json, "max_cols", 0);
  spec.tile = reader.count_or(json, "tile", 0);
  spec.packed = reader.flag(json, "packed");
  spec.tiles = reader.count(json, "tiles");
  spec.single_column = reader.flag(json, "single_column");
  if (spec.block_rows == 0) reader.fail("'block_rows' is 0");
  if (spec.tiles == 0 || spec.tiles > kTilesPerColumn) {
    reader.fail(fmt::format("'tiles' is {}, but a column has {}", spec.tiles, kTilesPerColumn));
  }
  if (spec.batch > 0 && spec.batch % spec.block_rows != 0) {
    reader.fail(fmt::format("a batch of {} is not whole blocks of {}", spec.batch, spec.block_rows));
  }
  for (const Json& argument : reader.list(json, "arguments")) {
    spec.arguments.push_back(read_argument(reader, argument, spec));
  }
  for (const Json& fifo : reader.list(json, "fifos")) spec.fifos.push_back(read_fifo(reader, fifo, spec));
  for (const ArgumentSpec& argument : spec.arguments) {
    const bool wired = std::any_of(spec.fifos.begin(), spec.fifos.end(),
                                   [&](const FifoSpec& fifo) { return fifo.argument == argument.name; });
    if (!wired) reader.fail(fmt::format("the argument '{}' has no FIFO", argument.name));
  }
  read_tile(reader, json, spec);
  if (json.contains("scales")) {
    if (!json["scales"].is_object()) reader.fail("'scales' is not an object");
    for (const auto& item : json["scales"].items()) {
      if (!item.value().is_number()) reader.fail(fmt::format("the scale '{}' is no number", item.key()));
      spec.scales[item.key()] = item.value().get<double>();
    }
  }
  spec.xclbin = reader.text(json, "xclbin");
  spec.instructions = reader.text(json, "instructions");
  spec.instruction_words = reader.count_or(json, "instruction_words", 0);
  return spec;
}

std::string tile_memory_text(const KernelSpec& spec) {
  std::string text = fmt::format("stack {} + constants {} + scratch {}", spec.memory.stack_bytes,
                                 spec.memory.constant_bytes, spec.memory.scratch_bytes);
  for (const FifoSpec& fifo : spec.fifos) {
    text += fmt::format(" + {} {}x{}", fifo.argument, fifo.depth, fifo.element_bytes);
  }
  const std::size_t bytes = spec.tile_memory_bytes();
  return fmt::format("{} = {} of {} bytes ({:.1f} %)", text, bytes, kTileMemoryBytes,
                     100.0 * static_cast<double>(bytes) / static_cast<double>(kTileMemoryBytes));
}

void check_tile_memory(const KernelSpec& spec) {
  if (spec.tile_memory_bytes() <= kTileMemoryBytes) return;
  throw Error(ErrorCode::kResourceExhausted,
              fmt::format("NPU kernel {}: does not fit into a tile: {}; use a smaller batch or per-row FIFOs",
                          spec.name, tile_memory_text(spec)));
}

Catalog::Catalog()
    : Catalog([] {
        std::vector<KernelSpec> kernels;
        for (const CatalogFile& file : catalog_files()) {
          kernels.push_back(parse_kernel_spec(file.text, std::string(file.name)));
        }
        return kernels;
      }()) {}

Catalog::Catalog(std::vector<KernelSpec> kernels) : kernels_(std::move(kernels)) {
  for (std::size_t i = 0; i < kernels_.size(); ++i) {
    for (std::size_t j = i + 1; j < kernels_.size(); ++j) {
      if (kernels_[i].name == kernels_[j].name) {
        throw Error(ErrorCode::kBadData, fmt::format("NPU catalog: two kernels are called {}", kernels_[i].name));
      }
    }
  }
}

const KernelSpec* Catalog::find(std::string_view name) const {
  for (const KernelSpec& kernel : kernels_) {
    if (kernel.name == name) return &kernel;
  }
  return nullptr;
}

const KernelSpec& Catalog::at(std::string_view name) const {
  if (const KernelSpec* found = find(name)) return *found;
  std::vector<std::string_view> names;
  for (const KernelSpec& kernel : kernels_) names.emplace_back(kernel.name);
  throw Error(ErrorCode::kNotFound, fmt::format("no NPU kernel '{}'{}", name, did_you_mean(std::string(name), names)));
}

}  // namespace amanuensis::device::npu
