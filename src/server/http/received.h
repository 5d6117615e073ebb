// The bytes of one connection that have arrived and were not yet made sense of. Belongs to the connection and the
// loop's thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace amanuensis::server {

class Received {
 public:
  std::string_view view() const { return std::string_view(bytes_).substr(begin_, end_ - begin_); }
  bool empty() const { return begin_ == end_; }
  void consume(std::size_t count) {
    begin_ += count;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  // Room for at least one more byte; `size` is how large the whole may become.
  std::span<char> room(std::size_t size) {
    if (begin_ > 0) {
      bytes_.erase(0, begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    bytes_.resize(std::max(size, end_ + 1));
    return std::span(bytes_).subspan(end_);
  }
  void commit(std::size_t count) { end_ += count; }
  // Gives memory back while nothing is asked.
  void shrink() {
    if (empty()) std::string().swap(bytes_);
  }

 private:
  std::string bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace amanuensis::server
