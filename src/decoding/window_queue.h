// The windows that wait to be decoded, of all requests, and whose turn it is. A request is a stream of windows with a
// priority and perhaps a deadline; its windows come out in the order in which they went in. Among requests of one
// priority the one that has had the least work done for it (its weight considered) goes next, so that a short recording
// never waits behind a long one. A plain data structure: the scheduler guards it with its lock.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "decoding/decode_window.h"
#include "decoding/language.h"
#include "decoding/options.h"

namespace amanuensis::decoding {

using SchedulerClock = std::chrono::steady_clock;
using RequestId = std::uint64_t;

// What became of a window.
struct WindowOutcome {
  std::exception_ptr error;  // null: the result is valid
  WindowResult result;
  std::string language;                              // that it was decoded in
  LanguageProbabilities language_probabilities;      // empty unless it was detected from this window
  AlignedBuffer<float> log_mel;                      // the task's, given back
  std::shared_ptr<const void> attachment = nullptr;  // the task's
};

// One window to decode.
struct WindowTask {
  AlignedBuffer<float> log_mel;  // [n_mels, 2 * n_audio_ctx]
  DecodingOptions decoding;      // temperature and seed as decode_with_fallback() takes them
  FallbackOptions fallback;
  // How decoding.language is found when it is empty: from this window alone, or from the first window of the request.
  bool own_language = false;
  // Goes before the request's other windows and needs no room: it continues one that is done.
  bool goes_first = false;
  // Whether the scheduler's finishing hook is to see the window before it is done.
  bool wants_finishing = false;
  std::shared_ptr<void> attachment;  // the caller's, for the hook
  // Called once, whatever happens, on the thread that runs the scheduler; must be quick, must not throw and must not
  // call the scheduler's submit().
  std::function<void(WindowOutcome)> on_done;
};

struct RequestOptions {
  int priority = 0;     // higher goes first, always
  double weight = 1.0;  // share among requests of one priority
  // After this, what is left of the request ends with Error{kDeadlineExceeded}.
  std::optional<SchedulerClock::time_point> deadline = std::nullopt;
  // Called when a refused try_submit() may now succeed; on the scheduler's thread, with no lock held.
  std::function<void()> on_room = nullptr;
};

class WindowQueue {
 public:
  // Room for `capacity` waiting windows, which the open requests share; each may always have one.
  explicit WindowQueue(std::size_t capacity) : capacity_(capacity) {}

  RequestId open(RequestOptions options);
  // No further windows; the request is forgotten when those it has are done.
  void close(RequestId id);
  // The windows it has end with `error`, and so do later ones.
  void fail(RequestId id, std::exception_ptr error);
  // Requests whose deadline is before `now` fail.
  void expire(SchedulerClock::time_point now);

  bool has_room(RequestId id) const;
  // Whether the request takes windows at all: it is open and has not failed.
  std::exception_ptr error_of(RequestId id) const;
  bool is_open(RequestId id) const;
  // Ignores has_room(), which the caller asks first if it wants to.
  void push(RequestId id, WindowTask task);

  struct Next {
    RequestId request = 0;
    WindowTask task;
    bool detect = false;  // the language is to be detected from this window
  };
  // Takes out the window whose turn it is, `accept` being asked whether it can be taken; absent when none waits or it
  // cannot. A window that would have to overtake the one whose turn it is stays where it is.
  std::optional<Next> pop(const std::function<bool(const WindowTask&)>& accept);

  // The request's language is known now.
  void set_language(RequestId id, const std::string& language);
  // The window it was to be detected from has failed: the next one tells it.
  void forget_detection(RequestId id);
  // Counts work done for the request: rows of the decoding batch, or as many as an encoded window is worth.
  void charge(RequestId id, double work);
  // A popped window is done.
  void finish(RequestId id);

  // Windows of failed requests that still wait, with their request's error.
  std::vector<std::pair<WindowTask, std::exception_ptr>> take_failed();
  // Room callbacks to call now, of requests that were refused and have room again.
  std::vector<std::function<void()>> take_room_calls();
  void want_room(RequestId id);

  std::size_t waiting() const { return waiting_; }
  std::size_t requests() const { return requests_.size(); }
  std::optional<SchedulerClock::time_point> next_deadline() const;
  std::vector<RequestId> ids() const;

 private:
  struct Request {
    RequestOptions options;
    std::deque<WindowTask> waiting;
    double service = 0;       // work done, divided by the weight, on the common clock
    std::size_t running = 0;  // popped and not finished
    std::string language;     // once known
    bool detecting = false;   // a popped window will tell the language
    bool wants_room = false;
    bool closed = false;
    std::exception_ptr error;
  };

  bool is_ready(const Request& request) const;
  void forget_if_over(std::map<RequestId, Request>::iterator request);

  std::size_t capacity_;
  std::map<RequestId, Request> requests_;
  RequestId next_id_ = 1;
  std::size_t waiting_ = 0;
  double clock_ = 0;  // the service of the request that was served last: where newcomers start
};

}  // namespace amanuensis::decoding
