// multipart/form-data (RFC 7578, RFC 2046 section 5.1), read as it arrives: bytes go in, in pieces of any size, and
// parts come out. Keeps a few hundred bytes. What comes from a client is not trusted: sizes and counts are limited, and
// whatever makes no sense is an error. Belongs to one thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace amanuensis::server {

struct MultipartLimits {
  std::size_t parts = 256;
  std::size_t header_bytes = 8 * 1024;  // of one part
};

struct PartHeader {
  std::string name;
  bool is_file = false;  // it has a file name, perhaps an empty one
  std::string file_name;
  std::string content_type;
};

// Told of parts in order: begin, data (any number of times), end.
class MultipartHandler {
 public:
  virtual ~MultipartHandler() = default;
  virtual void on_part(const PartHeader& header) = 0;
  virtual void on_data(std::string_view bytes) = 0;
  virtual void on_part_end() = 0;
};

class MultipartParser {
 public:
  // The handler must outlive the parser; what it throws goes through feed(). Throws Error{kInvalidArgument} for a
  // boundary that is none.
  MultipartParser(std::string_view boundary, MultipartLimits limits, MultipartHandler& handler);

  // Throws Error{kBadData} saying what is wrong with the form; nothing more may be fed then.
  void feed(std::string_view bytes);
  // The body has ended. Throws Error{kBadData} when the form has not.
  void finish() const;

 private:
  enum class State { kPreamble, kAfterBoundary, kHeader, kData, kEpilogue };

  bool step();
  bool find_boundary();
  bool pass_boundary_line();
  bool take_header();

  const std::string delimiter_;  // CRLF, two dashes, the boundary
  const MultipartLimits limits_;
  MultipartHandler& handler_;
  State state_ = State::kPreamble;
  std::string pending_;
  std::size_t parts_ = 0;
};

// The boundary of a multipart/form-data content type. Throws Error{kInvalidArgument} when it is something else, or has
// none.
std::string multipart_boundary(std::string_view content_type);

// One part's header fields, without the empty line. Throws Error{kBadData}.
PartHeader parse_part_header(std::string_view header);

}  // namespace amanuensis::server
