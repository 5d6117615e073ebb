#include "model/checkpoint/torch_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>

#include "base/error.h"
#include "model/checkpoint/pickle.h"
#include "model/checkpoint/zip_directory.h"

namespace amanuensis::model {
namespace {

using Kind = PickleValue::Kind;
using Files = std::map<std::string, std::span<const std::byte>, std::less<>>;

constexpr std::string_view kPickleName = "/data.pkl";
constexpr std::size_t kMaxDimensions = 8;

struct NamedType {
  std::string_view name;
  StorageType type;
};
constexpr NamedType kTypes[] = {{"torch FloatStorage", StorageType::kF32},
                                {"torch HalfStorage", StorageType::kF16},
                                {"torch BFloat16Storage", StorageType::kBF16}};

bool is_call_of(const PickleValue& value, std::string_view function) {
  return value.kind == Kind::kCall && value.items[0]->kind == Kind::kGlobal && value.items[0]->text == function &&
         value.items[1]->kind == Kind::kList;
}

class TensorReader {
 public:
  TensorReader(const Files& files, std::string_view folder, std::string_view file)
      : files_(files), folder_(folder), file_(file) {}

  // Nothing for a value that is no tensor of a type that is read.
  std::optional<Tensor> read(const std::string& name, const PickleValue& value) const {
    const PickleValue* made = &value;
    if (is_call_of(*made, "torch._utils _rebuild_parameter") && !made->items[1]->items.empty()) {
      made = made->items[1]->items[0];
    }
    if (!is_call_of(*made, "torch._utils _rebuild_tensor_v2")) return std::nullopt;
    // storage, first value, shape, strides, ...
    const auto& parts = made->items[1]->items;
    if (parts.size() < 4 || parts[0]->kind != Kind::kPersistent || parts[1]->kind != Kind::kInteger) {
      fail(name, "is not made as PyTorch makes tensors");
    }
    // "storage", type, key, device, number of values
    const PickleValue& storage = *parts[0]->items[0];
    if (storage.kind != Kind::kList || storage.items.size() < 3) fail(name, "has no storage");
    const auto* type = std::ranges::find(kTypes, std::string_view(storage.items[1]->text), &NamedType::name);
    if (type == std::end(kTypes)) return std::nullopt;
    const std::vector<std::size_t> shape = sizes(name, *parts[2]);
    check_strides(name, shape, sizes(name, *parts[3]));
    const auto found = files_.find(fmt::format("{}/data/{}", folder_, storage.items[2]->text));
    if (found == files_.end()) fail(name, "has its values in a file that the archive lacks");
    const auto wanted = checked_storage_bytes(type->type, shape);
    const std::size_t value_bytes = storage_bytes(type->type, 1);
    const std::int64_t first = parts[1]->integer;
    const std::size_t there = found->second.size();
    if (!wanted || first < 0 || static_cast<std::uint64_t>(first) > there / value_bytes ||
        *wanted > there - static_cast<std::size_t>(first) * value_bytes) {
      fail(name, fmt::format("reaches beyond the {} bytes of its storage", there));
    }
    return Tensor{name, std::string(file_), type->type, shape,
                  found->second.subspan(static_cast<std::size_t>(first) * value_bytes, *wanted)};
  }

 private:
  [[noreturn]] void fail(const std::string& name, const std::string& what, ErrorCode code = ErrorCode::kBadData) const {
    throw Error(code, fmt::format("{}: tensor '{}' {}", file_, name, what));
  }

  std::vector<std::size_t> sizes(const std::string& name, const PickleValue& list) const {
    std::vector<std::size_t> result;
    if (list.kind != Kind::kList || list.items.size() > kMaxDimensions) fail(name, "has no shape");
    for (const PickleValue* item : list.items) {
      if (item->kind != Kind::kInteger || item->integer < 0) fail(name, "has a shape of something else than sizes");
      result.push_back(static_cast<std::size_t>(item->integer));
    }
    return result;
  }

  void check_strides(const std::string& name, const std::vector<std::size_t>& shape,
                     const std::vector<std::size_t>& strides) const {
    bool is_plain = strides.size() == shape.size();
    std::size_t expected = 1;
    for (std::size_t i = shape.size(); i-- > 0 && is_plain;) {
      is_plain = shape[i] <= 1 || strides[i] == expected;
      expected *= std::max<std::size_t>(1, shape[i]);
    }
    if (!is_plain) fail(name, "is not laid out row by row", ErrorCode::kUnsupported);
  }

  const Files& files_;
  std::string_view folder_;
  std::string_view file_;
};

// The dictionary of tensors: the file's own, or its "state_dict".
const PickleValue& state_of(const PickleValue& root) {
  if (root.kind != Kind::kDict) return root;
  for (std::size_t i = 0; i + 1 < root.items.size(); i += 2) {
    if (root.items[i]->kind == Kind::kText && root.items[i]->text == "state_dict") return *root.items[i + 1];
  }
  return root;
}

}  // namespace

std::vector<Tensor> parse_torch_file(std::span<const std::byte> bytes, std::string_view file) {
  if (bytes.size() < 2 || bytes[0] != std::byte{'P'} || bytes[1] != std::byte{'K'}) {
    throw Error(ErrorCode::kUnsupported,
                fmt::format("{}: is no file that PyTorch 1.6 or later saved; load and save it again with it", file));
  }
  const Files files = read_zip_directory(bytes, file);
  const auto pickle_file =
      std::ranges::find_if(files, [](const auto& entry) { return entry.first.ends_with(kPickleName); });
  if (pickle_file == files.end()) {
    throw Error(ErrorCode::kBadData, fmt::format("{}: holds no data.pkl: it is no file of torch.save()", file));
  }
  const std::string_view folder =
      std::string_view(pickle_file->first).substr(0, pickle_file->first.size() - kPickleName.size());
  const Pickle pickle(pickle_file->second, file);
  const PickleValue& state = state_of(pickle.root());
  if (state.kind != Kind::kDict) {
    throw Error(ErrorCode::kBadData, fmt::format("{}: holds no dictionary of tensors", file));
  }
  const TensorReader reader(files, folder, file);
  std::vector<Tensor> tensors;
  for (std::size_t i = 0; i + 1 < state.items.size(); i += 2) {
    if (state.items[i]->kind != Kind::kText) continue;
    if (auto tensor = reader.read(state.items[i]->text, *state.items[i + 1])) tensors.push_back(std::move(*tensor));
  }
  return tensors;
}

}  // namespace amanuensis::model
