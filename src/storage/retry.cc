#include "storage/retry.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <random>
#include <utility>

namespace amanuensis::storage {
namespace {

// A number in [0, 1); splitmix64 (Steele, Lea, Flood 2014).
double next_random(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9E3779B97F4A7C15U);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1.0p-53;
}

// Returns early, with an error, when stop is requested.
void wait(std::chrono::milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, time, [] { return false; });
  if (stop.stop_requested()) throw Error(ErrorCode::kCancelled, "cancelled");
}

}  // namespace

bool is_transient_answer(int status, std::string_view code) {
  constexpr std::array<std::string_view, 8> kCodes{
      "SlowDown",         "RequestTimeout",      "InternalError",   "ServiceUnavailable",
      "OperationAborted", "ThrottlingException", "TooManyRequests", "ConditionalRequestConflict"};
  if (std::find(kCodes.begin(), kCodes.end(), code) != kCodes.end()) return true;
  return status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

std::chrono::milliseconds pause_before(const StorageSettings& settings, int failures, double random) {
  const double whole = std::min(static_cast<double>(settings.longest_pause.count()),
                                std::ldexp(static_cast<double>(settings.first_pause.count()), failures - 1));
  return std::chrono::milliseconds(static_cast<std::int64_t>(whole * (1.0 - random / 2.0)));
}

Retry::Retry(const StorageSettings& settings, std::stop_token stop)
    : settings_(settings), stop_(std::move(stop)), random_state_(std::random_device{}()) {}

bool Retry::again(std::chrono::seconds server_wait) {
  ++failures_;
  if (failures_ >= settings_.tries) return false;
  const auto asked = std::min<std::chrono::milliseconds>(server_wait, settings_.longest_pause);
  wait(std::max(asked, pause_before(settings_, failures_, next_random(random_state_))), stop_);
  return true;
}

std::chrono::seconds retry_after(const HttpAnswer& answer) {
  const std::string text = answer.header("retry-after");
  int seconds = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (problem != std::errc() || end != text.data() + text.size() || seconds < 0) return std::chrono::seconds(0);
  return std::chrono::seconds(seconds);
}

}  // namespace amanuensis::storage
