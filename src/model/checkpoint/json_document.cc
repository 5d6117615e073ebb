#include "model/checkpoint/json_document.h"

#include <fmt/format.h>

#include <set>
#include <utility>

#include "base/error.h"
#include "base/mapped_file.h"
#include "model/checkpoint/foreign_file.h"

namespace amanuensis::model {
namespace {

// The header of a large-v3 checkpoint takes 0.15 MB; a parsed document needs some ten times its text.
constexpr std::size_t kMaxBytes = std::size_t{16} << 20;
constexpr int kMaxDepth = 32;

// How deep brackets nest outside strings, counted before parsing so that nothing recurses into a hostile document.
int nesting_depth(std::string_view text) {
  int depth = 0;
  int deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return deepest;
}

// Sees every key while the document is parsed: the parser itself would keep the last of two equal ones in silence.
class DuplicateKeys {
 public:
  bool operator()(nlohmann::json::parse_event_t event, const nlohmann::json& parsed) {
    if (event == nlohmann::json::parse_event_t::object_start) objects_.emplace_back();
    if (event == nlohmann::json::parse_event_t::object_end && !objects_.empty()) objects_.pop_back();
    if (event == nlohmann::json::parse_event_t::key && !objects_.empty()) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!objects_.back().insert(key).second && !duplicate_) duplicate_ = key;
    }
    return true;
  }
  const std::optional<std::string>& duplicate() const { return duplicate_; }

 private:
  std::vector<std::set<std::string>> objects_;
  std::optional<std::string> duplicate_;
};

std::optional<std::int64_t> to_integer(const nlohmann::json& value) {
  if (!value.is_number_integer()) return std::nullopt;
  if (value.is_number_unsigned() && !std::in_range<std::int64_t>(value.get<std::uint64_t>())) return std::nullopt;
  return value.get<std::int64_t>();
}

std::optional<std::vector<std::int64_t>> to_integers(const nlohmann::json& value) {
  if (!value.is_array()) return std::nullopt;
  std::vector<std::int64_t> result;
  for (const nlohmann::json& item : value) {
    const std::optional<std::int64_t> integer = to_integer(item);
    if (!integer) return std::nullopt;
    result.push_back(*integer);
  }
  return result;
}

}  // namespace

JsonDocument::JsonDocument(std::string_view text, std::string name) : name_(std::move(name)) {
  if (text.size() > kMaxBytes) {
    throw Error(ErrorCode::kBadData, fmt::format("{}: {} bytes of JSON are more than the {} a checkpoint can need",
                                                 name_, text.size(), kMaxBytes));
  }
  if (nesting_depth(text) > kMaxDepth) {
    throw Error(ErrorCode::kBadData, fmt::format("{}: JSON is nested more than {} levels deep", name_, kMaxDepth));
  }
  DuplicateKeys keys;
  try {
    root_ = nlohmann::json::parse(
        text.begin(), text.end(),
        [&keys](int, nlohmann::json::parse_event_t event, nlohmann::json& parsed) { return keys(event, parsed); });
  } catch (const nlohmann::json::parse_error& error) {
    throw Error(ErrorCode::kBadData, fmt::format("{}: is not valid JSON (byte {})", name_, error.byte));
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorCode::kBadData, fmt::format("{}: holds a JSON number beyond any range", name_));
  }
  if (keys.duplicate()) {
    throw Error(ErrorCode::kBadData, fmt::format("{}: '{}' is there twice", name_, printable(*keys.duplicate())));
  }
  if (!root_.is_object()) throw Error(ErrorCode::kBadData, fmt::format("{}: is not a JSON object", name_));
}

JsonDocument JsonDocument::from_file(const std::filesystem::path& path) {
  const MappedFile file(path);
  const std::span<const std::byte> bytes = file.bytes();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos || text[start] != '{') {
    const std::string foreign = describe_foreign_file(bytes);
    if (!foreign.empty()) throw Error(ErrorCode::kBadData, fmt::format("{}: {}", path.string(), foreign));
  }
  return {text, path.string()};
}

const nlohmann::json* JsonDocument::find(std::string_view field) const {
  const auto it = root_.find(field);
  return it == root_.end() || it->is_null() ? nullptr : &*it;
}

void JsonDocument::throw_wrong_type(std::string_view field, std::string_view expected) const {
  throw Error(ErrorCode::kBadData, fmt::format("{}: '{}' is not {}", name_, field, expected));
}

std::optional<std::size_t> JsonDocument::find_size(std::string_view field) const {
  const nlohmann::json* value = find(field);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number_unsigned()) throw_wrong_type(field, "a whole number of 0 or more");
  return value->get<std::size_t>();
}

std::size_t JsonDocument::size(std::string_view field) const {
  const std::optional<std::size_t> value = find_size(field);
  if (!value) throw Error(ErrorCode::kBadData, fmt::format("{}: '{}' is missing", name_, field));
  return *value;
}

std::optional<bool> JsonDocument::find_bool(std::string_view field) const {
  const nlohmann::json* value = find(field);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) throw_wrong_type(field, "true or false");
  return value->get<bool>();
}

std::optional<std::string> JsonDocument::find_string(std::string_view field) const {
  const nlohmann::json* value = find(field);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) throw_wrong_type(field, "a string");
  return value->get<std::string>();
}

std::optional<std::vector<std::int64_t>> JsonDocument::find_integers(std::string_view field) const {
  const nlohmann::json* value = find(field);
  if (value == nullptr) return std::nullopt;
  std::optional<std::vector<std::int64_t>> integers = to_integers(*value);
  if (!integers) throw_wrong_type(field, "a list of whole numbers");
  return integers;
}

std::optional<std::vector<std::vector<std::int64_t>>> JsonDocument::find_integer_lists(std::string_view field) const {
  const nlohmann::json* value = find(field);
  if (value == nullptr) return std::nullopt;
  if (!value->is_array()) throw_wrong_type(field, "a list of lists of whole numbers");
  std::vector<std::vector<std::int64_t>> lists;
  for (const nlohmann::json& item : *value) {
    std::optional<std::vector<std::int64_t>> integers = to_integers(item);
    if (!integers) throw_wrong_type(field, "a list of lists of whole numbers");
    lists.push_back(std::move(*integers));
  }
  return lists;
}

}  // namespace amanuensis::model
