// The server's coroutines. A Task<T> is a piece of work that may wait; it begins when it is awaited and belongs to
// whoever awaits it. An Async<T> is what it waits for: an operation that is started with a function to call with its
// result. Everything here belongs to the thread of one Loop (loop.h): tasks are resumed there and nowhere else.
#pragma once

#include <coroutine>
#include <exception>
#include <functional>
#include <optional>
#include <utility>
#include <variant>

namespace amanuensis::server {

template <typename T>
class Task;

namespace task_detail {

struct FinalAwaiter {
  bool await_ready() const noexcept { return false; }
  template <typename Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
    const std::coroutine_handle<> next = ended.promise().continuation;
    return next ? next : std::noop_coroutine();
  }
  void await_resume() const noexcept {}
};

template <typename T>
struct Promise {
  std::coroutine_handle<> continuation;
  std::variant<std::monostate, T, std::exception_ptr> result;

  Task<T> get_return_object();
  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  void return_value(T value) { result.template emplace<1>(std::move(value)); }
  void unhandled_exception() { result.template emplace<2>(std::current_exception()); }
  T take() {
    if (result.index() == 2) std::rethrow_exception(std::get<2>(result));
    return std::move(std::get<1>(result));
  }
};

template <>
struct Promise<void> {
  std::coroutine_handle<> continuation;
  std::exception_ptr error;

  Task<void> get_return_object();
  std::suspend_always initial_suspend() const noexcept { return {}; }
  FinalAwaiter final_suspend() const noexcept { return {}; }
  void return_void() const noexcept {}
  void unhandled_exception() { error = std::current_exception(); }
  void take() const {
    if (error) std::rethrow_exception(error);
  }
};

}  // namespace task_detail

template <typename T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = task_detail::Promise<T>;

  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  ~Task() {
    if (handle_) handle_.destroy();
  }
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) noexcept {
    handle_.promise().continuation = waiting;
    return handle_;
  }
  // Throws what the task threw.
  T await_resume() { return handle_.promise().take(); }

 private:
  std::coroutine_handle<promise_type> handle_;
};

namespace task_detail {

template <typename T>
Task<T> Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}

// A coroutine that nobody awaits: it frees itself at its end.
struct Detached {
  struct promise_type {
    Detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

inline Detached run_detached(Task<void> task, std::function<void(std::exception_ptr)> on_end) {
  std::exception_ptr error;
  try {
    co_await task;
  } catch (...) {
    error = std::current_exception();
  }
  on_end(error);
}

}  // namespace task_detail

// Begins a task at once and lets it run by itself; `on_end` is told its error, or null, and must not throw.
inline void spawn(Task<void> task, std::function<void(std::exception_ptr)> on_end) {
  task_detail::run_detached(std::move(task), std::move(on_end));
}

// An operation in callback form. `start` is given the function that ends it, which is called once, on the loop's
// thread, perhaps before `start` returns.
template <typename T>
class [[nodiscard]] Async {
 public:
  using Resolve = std::function<void(T)>;
  explicit Async(std::function<void(Resolve)> start) : start_(std::move(start)) {}

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiting) {
    start_([this, waiting](T value) {
      value_.emplace(std::move(value));
      if (suspended_) waiting.resume();
    });
    suspended_ = !value_.has_value();
    return suspended_;
  }
  T await_resume() { return std::move(*value_); }

 private:
  std::function<void(Resolve)> start_;
  std::optional<T> value_;
  bool suspended_ = false;
};

}  // namespace amanuensis::server
