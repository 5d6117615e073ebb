#include "server/jobs/webhooks.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <span>

#include "server/http/random_id.h"
#include "server/jobs/job_json.h"

namespace amanuensis::server {
namespace {

// A second, then twice as long each time, up to an hour; given up after a day or so.
constexpr std::int64_t kFirstPauseMs = 1000;
constexpr std::int64_t kLongestPauseMs = 3'600'000;
constexpr std::int64_t kMostAttempts = 35;
// One that does not answer must not hold up the others.
constexpr std::size_t kAtOnce = 8;
constexpr std::chrono::seconds kWriteAgainAfter{30};

}  // namespace

std::string sign_webhook(const std::string& secret, std::int64_t unix_s, const std::string& body) {
  const std::string signed_text = fmt::format("{}.{}", unix_s, body);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(signed_text.data()), signed_text.size(), digest.data(), &size);
  return fmt::format("t={},v1={}", unix_s, to_hex(std::span(digest).first(size)));
}

std::int64_t webhook_pause_ms(std::int64_t attempts) {
  if (attempts >= kMostAttempts) return 0;
  return attempts >= 12 ? kLongestPauseMs : std::min(kLongestPauseMs, kFirstPauseMs << attempts);
}

Webhooks::Webhooks(Loop& loop, JobService& jobs, Log& log, std::string secret, PostFn post)
    : loop_(loop), jobs_(jobs), log_(log), secret_(std::move(secret)), post_(std::move(post)), sender_(loop, kAtOnce) {}

void Webhooks::look() {
  look_again_ = true;
  if (looking_) return;
  looking_ = true;
  spawn(begin_due(), [this](const std::exception_ptr& error) {
    looking_ = false;
    if (error) log_.write(LogLevel::kError, "webhooks", {{"what", "the job database cannot be read"}});
  });
}

// Begins with what is due, as far as there are threads; whichever ends looks again.
Task<void> Webhooks::begin_due() {
  std::int64_t now = 0;
  while (std::exchange(look_again_, false)) {
    now = now_ms();
    const auto look = [&] { return jobs_.store().webhooks_due(now); };
    const std::vector<WebhookDelivery> due = co_await jobs_.database().run(look);
    for (const WebhookDelivery& delivery : due) {
      if (sending_.size() >= kAtOnce) co_return;
      if (sending_.insert(delivery.job_id).second) begin(delivery);
    }
  }
  const auto next = [&] { return jobs_.store().next_webhook_ms(now); };
  const std::optional<std::int64_t> next_ms = co_await jobs_.database().run(next);
  if (next_ms) look_after(std::chrono::milliseconds(std::max<std::int64_t>(50, *next_ms - now_ms())));
}

void Webhooks::look_after(std::chrono::milliseconds pause) {
  timer_ = loop_.call_after(pause, [this] { look(); });
}

void Webhooks::begin(const WebhookDelivery& delivery) {
  spawn(send(delivery), [this, id = delivery.job_id](const std::exception_ptr& error) {
    sending_.erase(id);
    if (!error) return look();
    // It would be sent again and again.
    log_.write(LogLevel::kError, "webhooks", {{"what", "the job database cannot be written"}});
    look_after(kWriteAgainAfter);
  });
}

Task<void> Webhooks::send(WebhookDelivery delivery) {
  const std::optional<JobRecord> job = co_await jobs_.find(delivery.job_id);
  int status = 0;
  if (job) {
    const std::string body = job_json(*job, nullptr, std::nullopt);
    std::map<std::string, std::string> headers{{"X-Amanuensis-Event", fmt::format("job.{}", to_string(job->status))},
                                               {"X-Amanuensis-Delivery", job->id}};
    if (!secret_.empty()) headers["X-Amanuensis-Signature"] = sign_webhook(secret_, now_ms() / 1000, body);
    const auto post = [&] { return post_(delivery.url, body, headers); };
    status = co_await sender_.run(post);
  }
  const bool taken = status >= 200 && status < 300;
  const std::int64_t pause_ms = webhook_pause_ms(delivery.attempt);
  const bool over = !job || taken || pause_ms == 0;
  log_.write(taken ? LogLevel::kInfo : LogLevel::kWarning, "webhook",
             {{"job", delivery.job_id},
              {"status", std::to_string(status)},
              {"attempt", std::to_string(delivery.attempt + 1)},
              {"given_up", over && !taken ? "yes" : "no"}});
  const auto write = [&] {
    if (over) {
      jobs_.store().end_webhook(delivery.job_id);
    } else {
      jobs_.store().retry_webhook(delivery.job_id, now_ms() + pause_ms);
    }
  };
  co_await jobs_.database().run(write);
}

}  // namespace amanuensis::server
