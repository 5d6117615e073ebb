#include "cli/live_input.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <span>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "model/whisper/constants.h"

namespace amanuensis::cli {
namespace {

// How soon a request to stop is noticed while nothing arrives.
constexpr int kPollMs = 50;
// More unread audio than this is not taken in: the producer then waits.
constexpr std::size_t kMostSamples = std::size_t{120} * model::kSampleRateHz;

// Appends the whole samples that `bytes` hold; returns the bytes they took.
std::size_t append_samples(std::span<const std::uint8_t> bytes, PcmFormat format, std::vector<float>& samples) {
  static_assert(std::endian::native == std::endian::little, "samples are read as they lie in memory");
  const std::size_t size = format == PcmFormat::kS16le ? sizeof(std::int16_t) : sizeof(float);
  const std::size_t count = bytes.size() / size;
  for (std::size_t i = 0; i < count; ++i) {
    if (format == PcmFormat::kS16le) {
      std::int16_t value = 0;
      std::memcpy(&value, bytes.data() + i * size, size);
      samples.push_back(static_cast<float>(value) / 32768.0F);
    } else {
      float value = 0;
      std::memcpy(&value, bytes.data() + i * size, size);
      samples.push_back(value == value ? value : 0.0F);
    }
  }
  return count * size;
}

}  // namespace

LiveInput::LiveInput(int descriptor, PcmFormat format, std::stop_token stop)
    : reader_([this, descriptor, format, caller = std::move(stop)](const std::stop_token& own) {
        // Either the caller's request or the end of this object ends the reading.
        std::stop_source either;
        const std::stop_callback from_caller(caller, [&either] { either.request_stop(); });
        const std::stop_callback from_owner(own, [&either] { either.request_stop(); });
        read(descriptor, format, either.get_token());
      }) {}

void LiveInput::read(int descriptor, PcmFormat format, const std::stop_token& stop) {
  std::array<std::uint8_t, 1U << 15U> bytes{};
  std::size_t kept = 0;  // of a sample whose rest has not arrived
  std::vector<float> arrived;
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      if (samples_.size() > kMostSamples) {
        changed_.wait_for(lock, std::chrono::milliseconds(kPollMs));
        continue;
      }
    }
    pollfd ready{.fd = descriptor, .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, kPollMs) <= 0) continue;
    const ssize_t got = ::read(descriptor, bytes.data() + kept, bytes.size() - kept);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return finish(std::generic_category().message(errno));
    if (got == 0) break;
    const std::size_t have = kept + static_cast<std::size_t>(got);
    arrived.clear();
    const std::size_t used = append_samples(std::span(bytes).first(have), format, arrived);
    kept = have - used;
    std::memmove(bytes.data(), bytes.data() + used, kept);
    const std::scoped_lock lock(mutex_);
    samples_.insert(samples_.end(), arrived.begin(), arrived.end());
    changed_.notify_all();
  }
  finish({});
}

void LiveInput::finish(std::string failure) {
  const std::scoped_lock lock(mutex_);
  failure_ = std::move(failure);
  ended_ = true;
  changed_.notify_all();
}

std::optional<std::vector<float>> LiveInput::take() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return ended_ || !samples_.empty(); });
  if (!samples_.empty()) {
    std::vector<float> taken = std::exchange(samples_, {});
    changed_.notify_all();
    return taken;
  }
  if (!failure_.empty()) {
    throw Error(ErrorCode::kIo, fmt::format("standard input: cannot be read: {}", failure_));
  }
  return std::nullopt;
}

}  // namespace amanuensis::cli
