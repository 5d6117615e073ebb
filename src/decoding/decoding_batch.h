// The windows that are being decoded: a fixed number of slots, each with memory for one encoded window that is used
// again and again. Windows of any requests enter together, are encoded together, and from then on every step advances
// all of them by one decoder call; each leaves when it is done and another takes its slot. A window's result does not
// depend on the others (see the backend's contract on rows). Owned and used by the one thread that drives the backend.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "decoding/decode_window.h"
#include "decoding/sequence_pool.h"
#include "decoding/window_queue.h"

namespace amanuensis::decoding {

// A window at its end, its encoded form still there: what the finishing hook is given.
struct FinishedWindow {
  const std::shared_ptr<const model::EncodedWindow>& window;  // to be used during the call alone
  const WindowResult& result;
  const std::string& language;
  const std::shared_ptr<void>& attachment;  // the task's
};
// Runs on the thread that drives the backend, and may use the model. What it throws becomes the windows' outcome.
using FinishingHook = std::function<void(std::span<const FinishedWindow>)>;

struct BatchOptions {
  std::size_t max_windows = 16;
  // Sequences decoded at once, beams and samples included. A window that needs more than this is decoded alone.
  std::size_t max_sequences = 32;
  // Spreads the arithmetic on logits; may be the backend's, whose calls never overlap with it. Absent: one thread.
  ThreadPool* pool = nullptr;
  FinishingHook finishing = nullptr;
};

// What a window left the batch with.
struct BatchResult {
  RequestId request = 0;
  bool detects_for_request = false;  // it was to tell its request's language
  WindowTask task;
  WindowOutcome outcome;
};

// What a batch has done since it was made, and the time it took.
struct BatchTimes {
  std::size_t windows = 0;  // encoded
  std::size_t rows = 0;     // sequences advanced by a token
  double encoder_s = 0;
  double decoder_s = 0;    // the model's part of decoding
  double choosing_s = 0;   // logit rules and searches
  double finishing_s = 0;  // the hook
};

class DecodingBatch {
 public:
  // The context must outlive the batch.
  DecodingBatch(const DecodingContext& context, BatchOptions options);
  ~DecodingBatch();
  DecodingBatch(const DecodingBatch&) = delete;
  DecodingBatch& operator=(const DecodingBatch&) = delete;

  // Whether one more window can enter.
  bool accepts(const WindowTask& task) const;
  // Enters windows, each of which accepts() has allowed, one after the other. They are encoded by the next step().
  void enter(WindowQueue::Next next);

  // Encodes what has entered and advances every window by one decoder call.
  void step();
  // Windows that have ended, in the order in which they did.
  std::vector<BatchResult> take_results();
  // Requests whose language has become known.
  struct Detected {
    RequestId request = 0;
    std::string language;
  };
  std::vector<Detected> take_detected();
  // Ends the windows of a request with `error`, at once.
  void drop(RequestId request, const std::exception_ptr& error);

  bool empty() const { return running() == 0; }
  std::size_t running() const;
  // Sequences that steps have advanced for each request: what it is charged for.
  struct Work {
    RequestId request = 0;
    std::size_t rows = 0;
  };
  std::vector<Work> take_work();

  // For tests and metrics: what was allocated so far and stays.
  const BatchTimes& times() const { return times_; }
  std::size_t windows_made() const;
  const SequencePool& sequences() const { return sequences_; }

 private:
  struct Slot;

  std::size_t sequences_needed(const WindowTask& task, std::size_t attempt) const;
  void encode_entered();
  void begin(Slot& slot);
  void set_language(Slot& slot, LanguageProbabilities probabilities);
  void start_attempt(Slot& slot);
  void resume_parked();
  void decode();
  void decode_slots(std::span<Slot* const> slots);
  void place_logits(std::span<Slot* const> slots);
  void take_logits(std::span<Slot* const> slots);
  void detect(Slot& slot);
  void finish_done();
  void end(Slot& slot);
  void fail(Slot& slot, std::exception_ptr error);

  const DecodingContext context_;
  const BatchOptions options_;
  SequencePool sequences_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::size_t reserved_ = 0;  // sequences that running windows may come to use
  AlignedBuffer<float> logits_;
  std::vector<model::DecodeItem> items_;
  std::vector<Work> work_;
  std::vector<BatchResult> results_;
  std::vector<Detected> detected_;
  BatchTimes times_;
};

}  // namespace amanuensis::decoding
