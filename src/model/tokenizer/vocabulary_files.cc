#include "model/tokenizer/vocabulary_files.h"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>

#include "base/error.h"
#include "base/mapped_file.h"
#include "model/tokenizer/vocabulary_builder.h"

namespace amanuensis::model {
namespace {

using Json = nlohmann::json;

// The largest published tokenizer.json has 4 MB; a file far beyond that is not one, and parsing it would only cost
// memory.
constexpr std::size_t kLargestFileBytes = 64U << 20U;
constexpr int kDeepestNesting = 32;

[[noreturn]] void throw_bad(std::string_view file, const std::string& what) {
  throw Error(ErrorCode::kBadData, fmt::format("{}: {}", file, what));
}

bool is_there(const std::filesystem::path& path) {
  std::error_code ignored;  // what cannot be looked at is reported when it is opened
  return std::filesystem::exists(path, ignored);
}

std::string_view text_of(const MappedFile& file) {
  const auto bytes = file.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void check_size(std::string_view text, std::string_view file) {
  if (text.size() > kLargestFileBytes) {
    throw_bad(file, fmt::format("{} bytes; a tokenizer file of more than {} MB cannot be right", text.size(),
                                kLargestFileBytes >> 20U));
  }
}

// Refuses brackets nested beyond reason before the parser would build a tree of them.
void check_nesting(std::string_view text, std::string_view file) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kDeepestNesting) {
        throw_bad(file, fmt::format("brackets nested more than {} deep at byte {}", kDeepestNesting, i));
      }
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
}

Json parse_json(std::string_view text, std::string_view file) {
  check_size(text, file);
  check_nesting(text, file);
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    throw_bad(file, fmt::format("not valid JSON at byte {}; the file is damaged or incomplete", error.byte));
  } catch (const Json::exception& error) {
    throw_bad(file, fmt::format("not usable JSON: {}", error.what()));
  }
}

const Json& member(const Json& object, const char* key, std::string_view file) {
  const auto found = object.find(key);
  if (found == object.end()) throw_bad(file, fmt::format("no \"{}\"; this is not a tokenizer file of Whisper", key));
  return *found;
}

// A token's id as a number the builder can judge; anything that is no integer is refused here.
std::int64_t id_of(const Json& value, std::string_view name, std::string_view file) {
  if (value.is_number_unsigned()) {
    const auto id = value.get<std::uint64_t>();
    constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    return static_cast<std::int64_t>(id < kMax ? id : kMax);
  }
  if (!value.is_number_integer())
    throw_bad(file, fmt::format("the id of token {} is not an integer", quoted_entry(name)));
  return value.get<std::int64_t>();
}

void add_tokens(const Json& vocab, std::string_view file, VocabularyBuilder& builder) {
  if (!vocab.is_object()) throw_bad(file, "the vocabulary is not an object of \"token\": id");
  for (const auto& [spelling, id] : vocab.items()) builder.add_token(file, spelling, id_of(id, spelling, file));
}

void add_spaced_merge(std::string_view line, std::size_t number, std::string_view file, VocabularyBuilder& builder) {
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || space == 0 || line.find(' ', space + 1) != std::string_view::npos ||
      space + 1 == line.size()) {
    throw_bad(file, fmt::format("merge {} is {}, not two tokens with a space between", number, quoted_entry(line)));
  }
  builder.add_merge(file, line.substr(0, space), line.substr(space + 1));
}

void add_merges(const Json& merges, std::string_view file, VocabularyBuilder& builder) {
  if (!merges.is_array()) throw_bad(file, "\"merges\" is not a list");
  std::size_t number = 0;
  for (const Json& merge : merges) {
    if (merge.is_string()) {
      add_spaced_merge(merge.get_ref<const std::string&>(), number, file, builder);
    } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      builder.add_merge(file, merge[0].get_ref<const std::string&>(), merge[1].get_ref<const std::string&>());
    } else {
      throw_bad(file, fmt::format("merge {} is neither \"a b\" nor [\"a\", \"b\"]", number));
    }
    ++number;
  }
}

void add_merge_lines(std::string_view text, std::string_view file, VocabularyBuilder& builder) {
  check_size(text, file);
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.starts_with("#version")) continue;
    add_spaced_merge(line, number++, file, builder);
  }
}

void add_added_tokens(const Json& added, std::string_view file, VocabularyBuilder& builder) {
  if (!added.is_array()) throw_bad(file, "\"added_tokens\" is not a list");
  std::size_t number = 0;
  for (const Json& token : added) {
    const bool well_formed = token.is_object() && token.contains("content") && token["content"].is_string() &&
                             token.contains("id") && (!token.contains("special") || token["special"].is_boolean());
    if (!well_formed) throw_bad(file, fmt::format("added token {} lacks a \"content\" or an \"id\"", number));
    const auto& content = token["content"].get_ref<const std::string&>();
    builder.add_added_token(file, content, id_of(token["id"], content, file), token.value("special", false));
    ++number;
  }
}

Vocabulary read_vocab_and_merges(const std::filesystem::path& directory) {
  VocabularyBuilder builder(directory.string());
  const std::filesystem::path added_path = directory / "added_tokens.json";
  if (is_there(added_path)) {
    const std::string name = added_path.string();
    const Json added = parse_json(text_of(MappedFile(added_path)), name);
    if (!added.is_object()) throw_bad(name, "not an object of \"token\": id");
    for (const auto& [content, id] : added.items()) {
      builder.add_added_token(name, content, id_of(id, content, name), false);
    }
  }
  const std::string vocab_name = (directory / "vocab.json").string();
  add_tokens(parse_json(text_of(MappedFile(vocab_name)), vocab_name), vocab_name, builder);
  const std::string merges_name = (directory / "merges.txt").string();
  add_merge_lines(text_of(MappedFile(merges_name)), merges_name, builder);
  return builder.finish();
}

}  // namespace

Vocabulary parse_tokenizer_json(std::string_view text, std::string_view name) {
  const Json root = parse_json(text, name);
  if (!root.is_object()) throw_bad(name, "not a JSON object; this is not a tokenizer.json");
  const Json& model = member(root, "model", name);
  if (!model.is_object()) throw_bad(name, "\"model\" is not an object");
  if (const auto type = model.find("type"); type != model.end() && *type != "BPE") {
    throw Error(
        ErrorCode::kUnsupported,
        fmt::format("{}: the tokenizer is of type {}, expected \"BPE\" as every Whisper has", name, type->dump()));
  }
  VocabularyBuilder builder{std::string(name)};
  if (const auto added = root.find("added_tokens"); added != root.end()) add_added_tokens(*added, name, builder);
  add_tokens(member(model, "vocab", name), name, builder);
  add_merges(member(model, "merges", name), name, builder);
  return builder.finish();
}

Vocabulary read_vocabulary(const std::filesystem::path& directory) {
  const std::filesystem::path single = directory / "tokenizer.json";
  if (is_there(single)) {
    const MappedFile file(single);
    return parse_tokenizer_json(text_of(file), single.string());
  }
  if (is_there(directory / "vocab.json") && is_there(directory / "merges.txt")) {
    return read_vocab_and_merges(directory);
  }
  throw Error(
      ErrorCode::kNotFound,
      fmt::format("{}: no tokenizer: expected tokenizer.json, or vocab.json with merges.txt", directory.string()));
}

}  // namespace amanuensis::model
