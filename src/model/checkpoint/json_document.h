// JSON that may be damaged or hostile: bounded in size and depth, duplicate keys refused, every field read with a
// message that names the file and the field. Used by the readers of Hugging Face files. A document is immutable after
// parsing; may be read from any thread.
#pragma once

#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace amanuensis::model {

class JsonDocument {
 public:
  // Parses an object. `name` is the file, for messages. Throws Error{kBadData}: not JSON (with the byte), not an
  // object, too large, nested too deep, or a key twice in one object.
  JsonDocument(std::string_view text, std::string name);
  // Reads a file. Throws as MappedFile does, and as above.
  static JsonDocument from_file(const std::filesystem::path& path);

  const nlohmann::json& root() const { return root_; }
  const std::string& name() const { return name_; }

  // A field that is absent or null gives nothing; one of another type throws Error{kBadData}.
  std::optional<std::size_t> find_size(std::string_view field) const;
  std::optional<bool> find_bool(std::string_view field) const;
  std::optional<std::string> find_string(std::string_view field) const;
  std::optional<std::vector<std::int64_t>> find_integers(std::string_view field) const;
  std::optional<std::vector<std::vector<std::int64_t>>> find_integer_lists(std::string_view field) const;
  // As find_size(), and throws when the field is absent.
  std::size_t size(std::string_view field) const;

 private:
  const nlohmann::json* find(std::string_view field) const;
  [[noreturn]] void throw_wrong_type(std::string_view field, std::string_view expected) const;

  std::string name_;
  nlohmann::json root_;
};

}  // namespace amanuensis::model
