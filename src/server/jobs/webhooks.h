// Tells a job's owner that it is over: a POST with the job object, signed, tried again with growing pauses until it is
// taken. What is still to be sent is on disk and survives the process. Belongs to the loop's thread.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "server/http/worker.h"
#include "server/jobs/jobs.h"

namespace amanuensis::server {

// Posts a JSON text; the status, or 0. Blocks.
using PostFn = std::function<int(const std::string& url, const std::string& json,
                                 const std::map<std::string, std::string>& headers)>;

// "t=SECONDS,v1=HEX": HMAC-SHA256, with the secret, of "SECONDS.BODY".
std::string sign_webhook(const std::string& secret, std::int64_t unix_s, const std::string& body);
// Milliseconds until the next try, after so many; 0: no more.
std::int64_t webhook_pause_ms(std::int64_t attempts);

class Webhooks {
 public:
  // Without a secret the posts are not signed.
  Webhooks(Loop& loop, JobService& jobs, Log& log, std::string secret, PostFn post);

  // There may be something to send.
  void look();

 private:
  Task<void> begin_due();
  void look_after(std::chrono::milliseconds pause);
  void begin(const WebhookDelivery& delivery);
  Task<void> send(WebhookDelivery delivery);

  Loop& loop_;
  JobService& jobs_;
  Log& log_;
  const std::string secret_;
  const PostFn post_;
  std::set<std::string> sending_;  // ids of jobs
  bool looking_ = false;
  bool look_again_ = false;
  std::unique_ptr<Timer> timer_;
  Worker sender_;
};

}  // namespace amanuensis::server
