// Opens the input as a media file and decodes its first seconds. A damaged file must give samples or an Error.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "audio/decode.h"
#include "base/error.h"

namespace {

constexpr std::size_t kMostBytes = 64 * 1024;
constexpr std::size_t kMostSamples = 5UL * amanuensis::audio::kSampleRateHz;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > kMostBytes) return 0;
  try {
    auto reader = amanuensis::audio::AudioReader::from_memory(std::as_bytes(std::span(data, size)), "input");
    std::vector<float> piece(4096);
    std::size_t total = 0;
    while (total < kMostSamples) {
      const std::size_t count = reader.read(piece);
      if (count == 0) break;
      if (count > piece.size()) std::abort();
      for (const float sample : std::span(piece).first(count)) {
        if (!(std::abs(sample) <= 1.0F)) std::abort();
      }
      total += count;
    }
  } catch (const amanuensis::Error& error) {
    if (error.code() == amanuensis::ErrorCode::kInternal) std::abort();
  }
  return 0;
}
