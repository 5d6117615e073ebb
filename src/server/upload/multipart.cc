#include "server/upload/multipart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "base/error.h"

namespace amanuensis::server {
namespace {

constexpr std::size_t kLongestBoundary = 70;  // RFC 2046
constexpr std::size_t kLongestPadding = 256;

Error bad_form(const std::string& why) {
  return Error(ErrorCode::kBadData, fmt::format("the request's body is no multipart form: {}", why));
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// "a=b; c="d e"" -> the parameters of a header field, names in lower case. `text` begins after the first ';'.
std::map<std::string, std::string> parse_parameters(std::string_view text) {
  std::map<std::string, std::string> parameters;
  while (true) {
    text = trimmed(text);
    while (text.starts_with(';')) text = trimmed(text.substr(1));
    if (text.empty()) return parameters;
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos || text.find(';') < equals) {  // a parameter without value
      text.remove_prefix(std::min(text.find(';'), text.size()));
      continue;
    }
    const std::string name = lower_case(trimmed(text.substr(0, equals)));
    text = trimmed(text.substr(equals + 1));
    std::string value;
    if (text.starts_with('"')) {
      std::size_t i = 1;
      for (; i < text.size() && text[i] != '"'; ++i) {
        // Browsers do not escape backslashes, which Windows paths are full of: only a quote or a backslash is meant.
        if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\')) ++i;
        value += text[i];
      }
      if (i >= text.size()) throw bad_form(fmt::format("the value of '{}' has no closing quote", name.substr(0, 40)));
      text.remove_prefix(i + 1);
    } else {
      const std::size_t end = std::min(text.find(';'), text.size());
      value = trimmed(text.substr(0, end));
      text.remove_prefix(end);
    }
    parameters.emplace(name, std::move(value));
  }
}

// RFC 8187: charset'language'percent-encoded text. Nothing for what is not UTF-8.
std::string decode_extended(std::string_view text) {
  const std::size_t first = text.find('\'');
  const std::size_t second = first == std::string_view::npos ? first : text.find('\'', first + 1);
  if (second == std::string_view::npos || lower_case(text.substr(0, first)) != "utf-8") return {};
  std::string decoded;
  for (std::size_t i = second + 1; i < text.size(); ++i) {
    const bool is_escape = text[i] == '%' && i + 2 < text.size() &&
                           std::isxdigit(static_cast<unsigned char>(text[i + 1])) &&
                           std::isxdigit(static_cast<unsigned char>(text[i + 2]));
    if (!is_escape) {
      decoded += text[i];
      continue;
    }
    decoded += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
    i += 2;
  }
  return decoded;
}

}  // namespace

std::string multipart_boundary(std::string_view content_type) {
  const std::size_t semicolon = std::min(content_type.find(';'), content_type.size());
  if (lower_case(trimmed(content_type.substr(0, semicolon))) != "multipart/form-data") {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("the body must be multipart/form-data with a field 'file'; its content type is '{}'",
                            content_type.substr(0, 100)));
  }
  const auto parameters = parse_parameters(content_type.substr(semicolon));
  const auto boundary = parameters.find("boundary");
  if (boundary == parameters.end() || boundary->second.empty() || boundary->second.size() > kLongestBoundary) {
    throw Error(ErrorCode::kInvalidArgument,
                "the content type multipart/form-data needs a boundary of 1 to 70 characters");
  }
  return boundary->second;
}

PartHeader parse_part_header(std::string_view header) {
  PartHeader part;
  bool has_disposition = false;
  while (!header.empty()) {
    const std::size_t end = std::min(header.find("\r\n"), header.size());
    const std::string_view line = header.substr(0, end);
    header.remove_prefix(std::min(header.size(), end + 2));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) throw bad_form("a part's header has a line without a colon");
    const std::string name = lower_case(trimmed(line.substr(0, colon)));
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (name == "content-type") part.content_type = value.substr(0, 200);
    if (name != "content-disposition") continue;
    const std::size_t semicolon = std::min(value.find(';'), value.size());
    if (lower_case(trimmed(value.substr(0, semicolon))) != "form-data") {
      throw bad_form("a part's Content-Disposition is not form-data");
    }
    const auto parameters = parse_parameters(value.substr(semicolon));
    const auto field = parameters.find("name");
    if (field == parameters.end()) throw bad_form("a part has no name");
    part.name = field->second;
    if (const auto file = parameters.find("filename"); file != parameters.end()) {
      part.is_file = true;
      part.file_name = file->second;
    }
    if (const auto file = parameters.find("filename*"); file != parameters.end()) {
      part.is_file = true;
      if (std::string decoded = decode_extended(file->second); !decoded.empty()) part.file_name = std::move(decoded);
    }
    has_disposition = true;
  }
  if (!has_disposition) throw bad_form("a part has no Content-Disposition");
  return part;
}

MultipartParser::MultipartParser(std::string_view boundary, MultipartLimits limits, MultipartHandler& handler)
    : delimiter_("\r\n--" + std::string(boundary)), limits_(limits), handler_(handler), pending_("\r\n") {
  // The line's end in `pending_` makes the first boundary, which has none before it, like the others.
  if (boundary.empty() || boundary.size() > kLongestBoundary) {
    throw Error(ErrorCode::kInvalidArgument, "a multipart boundary has 1 to 70 characters");
  }
}

void MultipartParser::feed(std::string_view bytes) {
  if (state_ == State::kEpilogue) return;
  pending_.append(bytes);
  while (step()) {
  }
}

void MultipartParser::finish() const {
  if (state_ != State::kEpilogue) throw bad_form("it breaks off before its last boundary");
}

// Whether another step may be possible.
bool MultipartParser::step() {
  switch (state_) {
    case State::kPreamble:
    case State::kData:
      return find_boundary();
    case State::kAfterBoundary:
      return pass_boundary_line();
    case State::kHeader:
      return take_header();
    case State::kEpilogue:
      pending_.clear();
      return false;
  }
  return false;
}

bool MultipartParser::find_boundary() {
  const std::size_t at = pending_.find(delimiter_);
  const bool found = at != std::string::npos;
  // The end may be the beginning of a boundary.
  const std::size_t certain = found ? at : pending_.size() - std::min(pending_.size(), delimiter_.size() - 1);
  if (state_ == State::kData && certain > 0) handler_.on_data(std::string_view(pending_).substr(0, certain));
  pending_.erase(0, found ? at + delimiter_.size() : certain);
  if (!found) return false;
  if (state_ == State::kData) handler_.on_part_end();
  state_ = State::kAfterBoundary;
  return true;
}

// What follows a boundary: "--" ends the form; otherwise the rest of the line is padding.
bool MultipartParser::pass_boundary_line() {
  if (pending_.size() < 2) return false;
  if (pending_.starts_with("--")) {
    state_ = State::kEpilogue;
    return true;
  }
  const std::size_t end = pending_.find("\r\n");
  const std::string_view padding = std::string_view(pending_).substr(0, std::min(end, pending_.size()));
  if (!std::all_of(padding.begin(), padding.end(), [](char c) { return c == ' ' || c == '\t' || c == '\r'; })) {
    throw bad_form("a boundary is followed by something else than a line's end");
  }
  if (padding.size() > kLongestPadding) throw bad_form("a boundary's line is too long");
  if (end == std::string::npos) return false;
  pending_.erase(0, end + 2);
  if (++parts_ > limits_.parts) throw bad_form(fmt::format("it has more than {} parts", limits_.parts));
  state_ = State::kHeader;
  return true;
}

bool MultipartParser::take_header() {
  if (pending_.starts_with("\r\n")) throw bad_form("a part has no header");
  const std::size_t end = pending_.find("\r\n\r\n");
  if (std::min(end, pending_.size()) > limits_.header_bytes) {
    throw bad_form(fmt::format("a part's header is larger than {} bytes", limits_.header_bytes));
  }
  if (end == std::string::npos) return false;
  const PartHeader header = parse_part_header(std::string_view(pending_).substr(0, end));
  pending_.erase(0, end + 4);
  state_ = State::kData;
  handler_.on_part(header);
  return true;
}

}  // namespace amanuensis::server
