#include "model/checkpoint/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "base/error.h"
#include "model/checkpoint/foreign_file.h"
#include "model/checkpoint/json_document.h"
#include "model/checkpoint/layout.h"

namespace amanuensis::model {
namespace {

constexpr std::size_t kLengthBytes = 8;
// Shapes longer than this are nobody's weights, and would only make messages long.
constexpr std::size_t kMaxDimensions = 8;

struct NamedType {
  std::string_view name;
  std::optional<StorageType> type;
};

constexpr NamedType kTypes[] = {
    {"F32", StorageType::kF32}, {"F16", StorageType::kF16}, {"BF16", StorageType::kBF16}, {"F64", std::nullopt},
    {"F8_E4M3", std::nullopt},  {"F8_E5M2", std::nullopt},  {"I64", std::nullopt},        {"I32", std::nullopt},
    {"I16", std::nullopt},      {"I8", std::nullopt},       {"U64", std::nullopt},        {"U32", std::nullopt},
    {"U16", std::nullopt},      {"U8", std::nullopt},       {"BOOL", std::nullopt},
};

struct Place {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// One entry of the header, as it is read.
class Entry {
 public:
  Entry(std::string_view file, const std::string& name, const nlohmann::json& value)
      : file_(file), name_(name), value_(value) {
    if (!value.is_object()) fail("is not a JSON object");
  }

  [[noreturn]] void fail(const std::string& what, ErrorCode code = ErrorCode::kBadData) const {
    throw Error(code, fmt::format("{}: tensor '{}' {}", file_, printable(name_), what));
  }

  StorageType type() const {
    const auto it = value_.find("dtype");
    if (it == value_.end() || !it->is_string()) fail("has no dtype");
    const auto& name = it->get_ref<const std::string&>();
    const auto* known = std::ranges::find(kTypes, std::string_view(name), &NamedType::name);
    if (known == std::end(kTypes)) fail(fmt::format("has an unknown dtype '{}'", printable(name)));
    if (!known->type) {
      fail(fmt::format("has dtype {}; F32, F16 and BF16 are read", name), ErrorCode::kUnsupported);
    }
    return *known->type;
  }

  std::vector<std::size_t> shape() const { return sizes("shape", kMaxDimensions); }

  // The bytes it takes, counted from the end of the header.
  Place place() const {
    const std::vector<std::size_t> offsets = sizes("data_offsets", 2);
    if (offsets.size() != 2) fail("has data_offsets that are not two numbers");
    if (offsets[0] > offsets[1]) fail(fmt::format("begins at byte {} and ends at {}", offsets[0], offsets[1]));
    return {offsets[0], offsets[1]};
  }

 private:
  std::vector<std::size_t> sizes(const char* field, std::size_t max_count) const {
    const auto it = value_.find(field);
    if (it == value_.end() || !it->is_array()) fail(fmt::format("has no {}", field));
    if (it->size() > max_count) fail(fmt::format("has {} numbers in {}", it->size(), field));
    std::vector<std::size_t> result;
    for (const nlohmann::json& item : *it) {
      if (!item.is_number_unsigned())
        fail(fmt::format("has {} with something else than whole numbers of 0 or more", field));
      result.push_back(item.get<std::size_t>());
    }
    return result;
  }

  std::string_view file_;
  const std::string& name_;
  const nlohmann::json& value_;
};

std::string_view header_text(std::span<const std::byte> bytes, std::string_view file) {
  std::uint64_t length = 0;
  if (bytes.size() >= kLengthBytes) std::memcpy(&length, bytes.data(), kLengthBytes);
  if (bytes.size() > kLengthBytes && length <= bytes.size() - kLengthBytes &&
      std::to_integer<char>(bytes[kLengthBytes]) == '{') {
    return {reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, static_cast<std::size_t>(length)};
  }
  const std::string foreign = describe_foreign_file(bytes);
  if (!foreign.empty()) throw Error(ErrorCode::kBadData, fmt::format("{}: {}", file, foreign));
  throw Error(
      ErrorCode::kBadData,
      fmt::format("{}: is not a safetensors file, or was cut short: it has {} bytes and says its header takes {}", file,
                  bytes.size(), length));
}

struct Placed {
  Tensor tensor;
  Place place;
};

Placed read_entry(const Entry& entry, const std::string& name, std::string_view file,
                  std::span<const std::byte> values) {
  // Read before the aggregate is built: GCC 12 destroys members twice when a later initialiser throws (bug 66139).
  const StorageType type = entry.type();
  std::vector<std::size_t> shape = entry.shape();
  const Place place = entry.place();
  if (place.end > values.size()) {
    entry.fail(
        fmt::format("ends at byte {} of the values, of which the file has {}: it was cut short; download it again",
                    place.end, values.size()));
  }
  const std::optional<std::size_t> expected = checked_storage_bytes(type, shape);
  if (expected != place.end - place.begin) {
    entry.fail(fmt::format("of type {} and shape {} cannot take {} bytes", to_string(type), shape_to_string(shape),
                           place.end - place.begin));
  }
  return {{name, std::string(file), type, std::move(shape), values.subspan(place.begin, place.end - place.begin)},
          place};
}

}  // namespace

std::vector<Tensor> parse_safetensors(std::span<const std::byte> bytes, std::string_view file) {
  const std::string_view text = header_text(bytes, file);
  const JsonDocument header(text, fmt::format("{} (header)", file));
  const std::span<const std::byte> values = bytes.subspan(kLengthBytes + text.size());

  std::vector<Placed> placed;
  for (const auto& [name, value] : header.root().items()) {
    if (name == "__metadata__") continue;
    placed.push_back(read_entry(Entry(file, name, value), name, file, values));
  }
  std::ranges::sort(placed, [](const Placed& a, const Placed& b) {
    return a.place.begin != b.place.begin ? a.place.begin < b.place.begin : a.place.end < b.place.end;
  });

  std::size_t end = 0;
  std::vector<Tensor> tensors;
  for (Placed& item : placed) {
    if (item.place.begin != end) {
      throw Error(ErrorCode::kBadData,
                  fmt::format("{}: tensor '{}' begins at byte {} of the values, {} byte {}", file,
                              printable(item.tensor.source_name), item.place.begin,
                              item.place.begin < end ? "inside another that ends at" : "after a gap from", end));
    }
    end = item.place.end;
    tensors.push_back(std::move(item.tensor));
  }
  if (end != values.size()) {
    throw Error(ErrorCode::kBadData,
                fmt::format("{}: {} bytes follow the last tensor: the file is damaged", file, values.size() - end));
  }
  return tensors;
}

}  // namespace amanuensis::model
