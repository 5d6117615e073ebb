#include "model/hub/model_name.h"

#include <algorithm>
#include <cctype>

#include "model/hub/hub.h"

namespace amanuensis::model {
namespace {

bool is_name_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
}

bool is_name_component(std::string_view text) {
  return !text.empty() && text.size() <= 96 && text.front() != '.' &&
         std::all_of(text.begin(), text.end(), is_name_character) && text.find("--") == std::string_view::npos;
}

const KnownModel* find_known(std::string_view name) {
  const auto models = known_models();
  const auto found = std::find_if(models.begin(), models.end(), [&](const KnownModel& m) { return m.name == name; });
  return found == models.end() ? nullptr : &*found;
}

}  // namespace

std::optional<ModelName> parse_model_name(std::string_view text) {
  ModelName name;
  const std::size_t at = text.find('@');
  name.revision = at == std::string_view::npos ? "main" : std::string(text.substr(at + 1));
  if (!is_safe_relative_path(name.revision) || name.revision.find(':') != std::string::npos) return std::nullopt;
  const std::string_view repository = text.substr(0, at);
  if (const KnownModel* known = find_known(repository)) {
    name.repository = known->repository;
    return name;
  }
  const std::size_t slash = repository.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  if (!is_name_component(repository.substr(0, slash)) || !is_name_component(repository.substr(slash + 1))) {
    return std::nullopt;
  }
  name.repository = repository;
  return name;
}

std::string display_name(std::string_view repository) {
  for (const KnownModel& known : known_models()) {
    if (known.repository == repository) return std::string(known.name);
  }
  return std::string(repository);
}

ModelKind kind_of(std::string_view repository) {
  const auto models = known_models();
  const auto found = std::ranges::find(models, repository, &KnownModel::repository);
  return found == models.end() ? ModelKind::kWhisper : found->kind;
}

std::string pull_command(std::string_view text) {
  return parse_model_name(text) ? "amanuensis models pull " + std::string(text) : std::string();
}

bool is_commit(std::string_view revision) {
  return revision.size() == 40 && std::all_of(revision.begin(), revision.end(),
                                              [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_safe_relative_path(std::string_view path) {
  if (path.empty() || path.size() > 255) return false;
  for (const char c : path) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\') return false;
  }
  std::size_t start = 0;
  while (start <= path.size()) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    const std::string_view component = path.substr(start, end - start);
    if (component.empty() || component == "." || component == "..") return false;
    start = end + 1;
  }
  return true;
}

}  // namespace amanuensis::model
