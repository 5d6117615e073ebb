#include "pipeline/eval/text_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <system_error>

#include "base/error.h"

namespace amanuensis::pipeline {

std::string read_text_file(const std::filesystem::path& path) {
  std::error_code problem;
  if (!std::filesystem::exists(path, problem)) {
    throw Error(ErrorCode::kNotFound, fmt::format("{}: no such file", path.string()));
  }
  if (std::filesystem::is_directory(path, problem)) {
    throw Error(ErrorCode::kInvalidArgument, fmt::format("{}: is a folder, expected a text file", path.string()));
  }
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in) {
    throw Error(ErrorCode::kIo, fmt::format("{}: cannot be read: {}", path.string(), std::strerror(errno)));
  }
  if (text.find('\0') != std::string::npos) {
    throw Error(ErrorCode::kBadData,
                fmt::format("{}: holds zero bytes: this is no text file in UTF-8 or ASCII", path.string()));
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  return text;
}

}  // namespace amanuensis::pipeline
