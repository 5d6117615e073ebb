// Forms from the network: whatever is sent, in whatever pieces, is taken apart or refused with Error{kBadData}. The
// first byte says how large the pieces are.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "server/upload/multipart.h"

namespace {

class Counter : public amanuensis::server::MultipartHandler {
 public:
  void on_part(const amanuensis::server::PartHeader& header) override {
    if (open_) __builtin_trap();  // a part begins before the last has ended
    open_ = true;
    size_ += header.name.size();
  }
  void on_data(std::string_view bytes) override {
    if (!open_ || bytes.empty()) __builtin_trap();
    size_ += bytes.size();
  }
  void on_part_end() override {
    if (!open_) __builtin_trap();
    open_ = false;
  }
  std::size_t size() const { return size_; }

 private:
  bool open_ = false;
  std::size_t size_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0];
  std::string_view form(reinterpret_cast<const char*>(data) + 1, size - 1);
  Counter counter;
  try {
    amanuensis::server::MultipartParser parser("XX", {.parts = 16, .header_bytes = 512}, counter);
    for (std::size_t at = 0; at < form.size(); at += piece) parser.feed(form.substr(at, piece));
    parser.finish();
  } catch (const amanuensis::Error& error) {
    if (error.code() != amanuensis::ErrorCode::kBadData) __builtin_trap();
  }
  if (counter.size() > size) __builtin_trap();  // nothing is made up
  return 0;
}
