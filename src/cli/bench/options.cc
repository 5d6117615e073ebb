#include "cli/bench/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/error.h"
#include "base/nearest_name.h"
#include "base/thread_pool.h"

namespace amanuensis::cli {
namespace {

constexpr std::uint64_t kMostThreads = 1024;

// Names that people use, and the published size each stands for.
struct Alias {
  std::string_view name;
  std::string_view size;
};
constexpr Alias kAliases[] = {{"turbo", "large-v3-turbo"}, {"large", "large-v3"}, {"large-v1", "large-v2"}};

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> items;
  std::size_t start = 0;
  while (start <= text.size()) {
    const std::size_t end = std::min(text.find(',', start), text.size());
    if (end > start) items.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return items;
}

template <typename T>
void add_once(std::vector<T>& items, const T& item) {
  if (std::ranges::find(items, item) == items.end()) items.push_back(item);
}

}  // namespace

std::vector<std::string> read_choices(const OptionText& option, std::span<const std::string_view> choices) {
  std::vector<std::string> found;
  for (const std::string& item : split(option.text)) {
    if (item == "all") {
      for (const std::string_view choice : choices) add_once(found, std::string(choice));
    } else {
      add_once(found, read_choice({option.name, item}, choices));
    }
  }
  if (found.empty()) {
    throw Error(ErrorCode::kInvalidArgument, fmt::format("{} '{}': name at least one of {}, all", option.name,
                                                         option.text, fmt::join(choices, ", ")));
  }
  return found;
}

std::vector<std::size_t> read_counts(const OptionText& option, std::uint64_t lowest, std::uint64_t highest) {
  std::vector<std::size_t> counts;
  for (const std::string& item : split(option.text)) {
    add_once(counts, static_cast<std::size_t>(read_count({option.name, item}, lowest, highest)));
  }
  if (counts.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("{} '{}': give whole numbers, e.g. 1,2", option.name, option.text));
  }
  return counts;
}

std::vector<std::size_t> read_thread_counts(const OptionText& option) {
  std::vector<std::size_t> counts;
  for (const std::size_t count : read_counts(option, 0, kMostThreads)) {
    add_once(counts, count == 0 ? ThreadPool(0).threads() : count);
  }
  std::ranges::sort(counts);
  return counts;
}

model::PublishedSize read_published_size(const OptionText& option) {
  const auto* alias = std::ranges::find(kAliases, option.text, &Alias::name);
  const std::string_view wanted = alias == std::end(kAliases) ? std::string_view(option.text) : alias->size;
  const auto sizes = model::published_sizes();
  const auto found = std::ranges::find(sizes, wanted, &model::PublishedSize::name);
  if (found != sizes.end()) return *found;
  std::vector<std::string_view> names;
  for (const model::PublishedSize& size : sizes) names.push_back(size.name);
  for (const Alias& each : kAliases) names.push_back(each.name);
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("{} '{}': no published size of Whisper; there are {}{}", option.name, option.text,
                          fmt::join(names, ", "), did_you_mean(option.text, names)));
}

std::vector<model::PublishedSize> read_published_sizes(const OptionText& option) {
  std::vector<model::PublishedSize> sizes;
  for (const std::string& item : split(option.text)) sizes.push_back(read_published_size({option.name, item}));
  if (sizes.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("{} '{}': name published sizes, e.g. base,large-v3", option.name, option.text));
  }
  return sizes;
}

std::vector<device::ComputeType> read_compute_types(const OptionText& option) {
  constexpr std::array kTypes = {device::ComputeType::kFloat32, device::ComputeType::kBFloat16,
                                 device::ComputeType::kInt8};
  std::vector<std::string_view> names;
  names.reserve(kTypes.size());
  for (const device::ComputeType type : kTypes) names.push_back(device::to_string(type));
  std::vector<device::ComputeType> found;
  for (const std::string& name : read_choices(option, names)) {
    found.push_back(*std::ranges::find_if(kTypes, [&](auto type) { return device::to_string(type) == name; }));
  }
  return found;
}

void require_writable(const OptionText& option) {
  if (option.text.empty()) return;
  const std::filesystem::path path(option.text);
  std::error_code problem;
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  if (!std::filesystem::is_directory(folder, problem)) {
    throw Error(ErrorCode::kNotFound,
                fmt::format("{} '{}': the folder {} does not exist", option.name, option.text, folder.string()));
  }
  if (std::filesystem::is_directory(path, problem)) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("{} '{}': is a folder; name a file in it", option.name, option.text));
  }
}

}  // namespace amanuensis::cli
