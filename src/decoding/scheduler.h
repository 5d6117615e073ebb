// Decodes the windows of many requests together. Anybody may open requests, submit windows, cancel and close; one
// thread, the one that drives the backend, calls step() again and again (or run()). See window_queue.h for whose turn
// it is and decoding_batch.h for what a step does.
//
// Every submitted window ends exactly once: its on_done is called with a result, or with the error of its own failure,
// of its request's cancellation (Error{kCancelled}) or of a missed deadline (Error{kDeadlineExceeded}).
#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <stop_token>
#include <vector>

#include "decoding/decode_window.h"
#include "decoding/decoding_batch.h"
#include "decoding/window_queue.h"

namespace amanuensis::decoding {

struct SchedulerOptions {
  BatchOptions batch = {};
  // Windows encoded in one step at most: running windows wait that long.
  std::size_t max_encoded_per_step = 2;
  // Windows that may wait, of all requests together; each request may always have one.
  std::size_t max_waiting = 32;
  // What an encoded window counts in a request's share, in decoder rows: what it costs in base, int8, with a batch
  // of 12.
  double encode_work = 250;
  // The time; tests bring their own.
  std::function<SchedulerClock::time_point()> now = SchedulerClock::now;
};

class Scheduler {
 public:
  // The context must outlive the scheduler. Throws Error{kInvalidArgument} for a batch without room.
  Scheduler(const DecodingContext& context, SchedulerOptions options);
  // Ends all windows with Error{kCancelled}. Nobody may be in step() or submit().
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // Any thread:
  RequestId open(RequestOptions options);
  // Takes a window, waiting for room. False, the task left as it was, when the request has been cancelled, has missed
  // its deadline or was closed, or when `stop` was requested.
  bool submit(RequestId id, WindowTask& task, std::stop_token stop = {});
  enum class Submitted { kYes, kNoRoom, kEnded };
  // The same without waiting. After kNoRoom the request's on_room is called once there is room, or an end.
  Submitted try_submit(RequestId id, WindowTask& task);
  // Ends the request's windows; those that run leave their slots at the beginning of the next step.
  void cancel(RequestId id);
  // No more windows will be submitted.
  void close(RequestId id);
  // Whether the request has been cancelled or has missed its deadline; null when neither.
  std::exception_ptr error_of(RequestId id) const;

  // The one thread that drives the backend:
  // Ends what is cancelled or late, lets windows enter, and advances the batch by one decoder call. False when there
  // was nothing to do.
  bool step();
  // Waits until there is something to do, or `stop`.
  void wait(const std::stop_token& stop);
  // Both, until `stop` is requested.
  void run(const std::stop_token& stop);

  struct Counts {
    std::size_t waiting = 0;
    std::size_t running = 0;
    std::size_t requests = 0;
    std::size_t steps = 0;
    std::size_t windows_made = 0;    // memory for encoded windows
    std::size_t sequences_made = 0;  // memory for sequences
    std::size_t sequences_lent = 0;
    BatchTimes times;
  };
  // As of the last step's results.
  Counts counts() const;

 private:
  // All take the lock where they need it and make calls without it.
  void end_failed();
  void admit();
  void hand_out();
  void update_counts();

  const SchedulerOptions options_;

  mutable std::mutex mutex_;
  std::condition_variable_any work_;  // there is something to do
  std::condition_variable_any room_;  // a window has left the queue
  WindowQueue queue_;
  bool attention_ = false;  // a cancellation is to be looked at
  Counts counts_;

  DecodingBatch batch_;  // of the driving thread
};

}  // namespace amanuensis::decoding
