#include "decoding/decoding_batch.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/error.h"
#include "decoding/fallback.h"
#include "decoding/language.h"

namespace amanuensis::decoding {

namespace {

enum class SlotState {
  kFree,
  kEntered,    // waits to be encoded
  kDetecting,  // waits for the logits that tell its language
  kParked,     // waits for sequences to become free, to be decoded at the next temperature
  kDecoding,
  kDone,  // has a result
};

// Adds the time it lives to a sum.
class Stopwatch {
 public:
  explicit Stopwatch(double& sum_s) : sum_s_(sum_s) {}
  ~Stopwatch() { sum_s_ += std::chrono::duration<double>(SchedulerClock::now() - start_).count(); }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  double& sum_s_;
  const SchedulerClock::time_point start_ = SchedulerClock::now();
};

// Calls run(all) and, when that throws, run() for each one alone, so that one member's failure is not the others'.
// `blame` is told which ones failed alone.
template <typename Member, typename Run, typename Blame>
void run_isolated(std::span<Member> all, const Run& run, const Blame& blame) {
  if (all.empty()) return;
  try {
    run(all);
    return;
  } catch (...) {
    if (all.size() == 1) {
      blame(all[0], std::current_exception());
      return;
    }
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    try {
      run(all.subspan(i, 1));
    } catch (...) {
      blame(all[i], std::current_exception());
    }
  }
}

}  // namespace

struct DecodingBatch::Slot {
  SlotState state = SlotState::kFree;
  std::shared_ptr<model::EncodedWindow> window;         // made when the slot is first used
  std::shared_ptr<const model::EncodedWindow> encoded;  // the same, for readers
  RequestId request = 0;
  WindowTask task;
  WindowOutcome outcome;
  bool detect = false;
  std::size_t attempt = 0;
  std::size_t reserved = 0;               // of DecodingBatch::reserved_
  std::optional<SequenceLease> detector;  // one sequence, while the language is being detected
  std::optional<WindowDecoder> decoder;
  TensorView<float> logits;  // this slot's rows in the call in progress
};

DecodingBatch::DecodingBatch(const DecodingContext& context, BatchOptions options)
    : context_(context), options_(std::move(options)), sequences_(context.model) {
  if (options_.max_windows == 0 || options_.max_sequences == 0) {
    throw Error(ErrorCode::kInvalidArgument, "a decoding batch needs room for at least one window and one sequence");
  }
  for (std::size_t i = 0; i < options_.max_windows; ++i) slots_.push_back(std::make_unique<Slot>());
}

DecodingBatch::~DecodingBatch() = default;

std::size_t DecodingBatch::running() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(slots_, [](const auto& slot) { return slot->state != SlotState::kFree; }));
}

std::size_t DecodingBatch::windows_made() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(slots_, [](const auto& slot) { return slot->window != nullptr; }));
}

std::size_t DecodingBatch::sequences_needed(const WindowTask& task, std::size_t attempt) const {
  const std::vector<double>& temperatures = task.fallback.temperatures;
  if (attempt >= temperatures.size()) return 1;  // refused later, with a message
  return std::max<std::size_t>(1, temperatures[attempt] > 0 ? task.decoding.best_of : task.decoding.beam_size);
}

bool DecodingBatch::accepts(const WindowTask& task) const {
  bool has_slot = false;
  for (const auto& slot : slots_) {
    // Whoever has waited longest for sequences gets them first.
    if (slot->state == SlotState::kParked) return false;
    has_slot = has_slot || slot->state == SlotState::kFree;
  }
  return has_slot && (reserved_ == 0 || reserved_ + sequences_needed(task, 0) <= options_.max_sequences);
}

void DecodingBatch::enter(WindowQueue::Next next) {
  Slot& slot = **std::ranges::find_if(slots_, [](const auto& s) { return s->state == SlotState::kFree; });
  slot.reserved = sequences_needed(next.task, 0);
  reserved_ += slot.reserved;
  slot.state = SlotState::kEntered;
  slot.request = next.request;
  slot.task = std::move(next.task);
  slot.outcome = {};
  slot.detect = next.detect;
  slot.attempt = 0;
}

void DecodingBatch::step() {
  encode_entered();
  resume_parked();
  decode();
  finish_done();
}

std::vector<BatchResult> DecodingBatch::take_results() { return std::exchange(results_, {}); }

std::vector<DecodingBatch::Work> DecodingBatch::take_work() { return std::exchange(work_, {}); }

std::vector<DecodingBatch::Detected> DecodingBatch::take_detected() { return std::exchange(detected_, {}); }

void DecodingBatch::drop(RequestId request, const std::exception_ptr& error) {
  for (const auto& slot : slots_) {
    if (slot->state == SlotState::kFree || slot->request != request) continue;
    slot->outcome.error = error;
    end(*slot);
  }
}

void DecodingBatch::encode_entered() {
  std::vector<Slot*> entered;
  for (const auto& slot : slots_) {
    if (slot->state == SlotState::kEntered) entered.push_back(slot.get());
  }
  const model::ModelDimensions& dims = context_.model.dims();
  run_isolated(
      std::span(entered),
      [&](std::span<Slot* const> slots) {
        std::vector<TensorView<const float>> mels;
        std::vector<std::shared_ptr<model::EncodedWindow>> windows;
        for (Slot* slot : slots) {
          if (slot->task.log_mel.size() != dims.n_mels * dims.window_frames()) {
            throw Error(ErrorCode::kInvalidArgument, "a window's log-mel does not have this model's size");
          }
          if (slot->window == nullptr) {
            slot->window = context_.model.new_window();
            slot->encoded = slot->window;
          }
          mels.push_back(std::as_const(slot->task.log_mel).matrix(dims.n_mels, dims.window_frames()));
          windows.push_back(slot->window);
        }
        const Stopwatch watch(times_.encoder_s);
        context_.model.encode_into(mels, windows);
        times_.windows += windows.size();
      },
      [&](Slot* slot, std::exception_ptr error) { fail(*slot, std::move(error)); });
  for (Slot* slot : entered) {
    if (slot->state == SlotState::kEntered) begin(*slot);
  }
}

// The window is encoded; its language comes first.
void DecodingBatch::begin(Slot& slot) {
  try {
    if (slot.detect) {
      if (auto only = only_language(context_)) {
        set_language(slot, std::move(*only));
      } else {
        slot.detector.emplace(context_.model, &sequences_, slot.encoded);
        slot.detector->add();
        slot.state = SlotState::kDetecting;
        return;
      }
    }
    check_fallback(slot.task.fallback);
    start_attempt(slot);
  } catch (...) {
    fail(slot, std::current_exception());
  }
}

void DecodingBatch::set_language(Slot& slot, LanguageProbabilities probabilities) {
  slot.task.decoding.language = probabilities.front().first;
  slot.outcome.language_probabilities = std::move(probabilities);
  if (!slot.task.own_language) detected_.push_back({slot.request, slot.task.decoding.language});
}

void DecodingBatch::start_attempt(Slot& slot) {
  slot.decoder.reset();  // gives its sequences back first
  slot.decoder.emplace(context_, slot.encoded, attempt_options(slot.task.decoding, slot.task.fallback, slot.attempt),
                       &sequences_);
  slot.state = SlotState::kDecoding;
}

void DecodingBatch::resume_parked() {
  for (const auto& slot : slots_) {
    if (slot->state != SlotState::kParked) continue;
    const std::size_t needed = sequences_needed(slot->task, slot->attempt);
    if (reserved_ != 0 && reserved_ + needed > options_.max_sequences) continue;
    slot->reserved = needed;
    reserved_ += needed;
    try {
      start_attempt(*slot);
    } catch (...) {
      fail(*slot, std::current_exception());
    }
  }
}

void DecodingBatch::decode() {
  std::vector<Slot*> active;
  for (const auto& slot : slots_) {
    if (slot->state != SlotState::kDetecting && slot->state != SlotState::kDecoding) continue;
    active.push_back(slot.get());
    work_.push_back({.request = slot->request, .rows = slot->decoder ? slot->decoder->rows() : 1});
  }
  try {
    place_logits(active);
  } catch (...) {
    for (Slot* slot : active) fail(*slot, std::current_exception());
    return;
  }
  run_isolated(
      std::span(active), [&](std::span<Slot* const> slots) { decode_slots(slots); },
      [&](Slot* slot, std::exception_ptr error) { fail(*slot, std::move(error)); });
  std::erase_if(active, [](const Slot* slot) { return slot->state == SlotState::kDone; });
  take_logits(active);
}

void DecodingBatch::decode_slots(std::span<Slot* const> slots) {
  items_.clear();
  for (Slot* slot : slots) {
    if (slot->decoder) {
      slot->decoder->collect(items_, slot->logits);
    } else {
      items_.push_back({.sequence = &(*slot->detector)[0],
                        .tokens = {&context_.tokenizer.special().sot, 1},
                        .logits = slot->logits});
    }
  }
  const Stopwatch watch(times_.decoder_s);
  context_.model.decode(items_);
  times_.rows += items_.size();
}

// One row of logits below the other, so that the vocabulary's product can be written in place.
void DecodingBatch::place_logits(std::span<Slot* const> slots) {
  const std::size_t vocabulary = context_.model.dims().n_vocab;
  const auto rows_of = [](const Slot& slot) { return slot.decoder ? slot.decoder->rows() : 1; };
  std::size_t rows = 0;
  for (const Slot* slot : slots) rows += rows_of(*slot);
  if (logits_.size() < rows * vocabulary) {
    logits_ = {};
    logits_ = AlignedBuffer<float>(rows * vocabulary);
  }
  std::size_t first = 0;
  for (Slot* slot : slots) {
    slot->logits = logits_.matrix(rows, vocabulary).rows_at(first, rows_of(*slot));
    first += rows_of(*slot);
  }
}

void DecodingBatch::take_logits(std::span<Slot* const> slots) {
  const Stopwatch watch(times_.choosing_s);
  std::vector<std::exception_ptr> failures(slots.size());
  const auto choose = [&](std::size_t i, std::size_t /*worker*/) {
    try {
      if (slots[i]->decoder) slots[i]->decoder->choose();
    } catch (...) {
      failures[i] = std::current_exception();
    }
  };
  if (options_.pool != nullptr && slots.size() > 1) {
    options_.pool->parallel_for(slots.size(), choose);
  } else {
    for (std::size_t i = 0; i < slots.size(); ++i) choose(i, 0);
  }
  for (std::size_t i = 0; i < slots.size(); ++i) {
    Slot& slot = *slots[i];
    try {
      if (failures[i]) std::rethrow_exception(failures[i]);
      if (slot.decoder) {
        slot.decoder->settle();
      } else {
        detect(slot);
      }
    } catch (...) {
      fail(slot, std::current_exception());
    }
  }
}

void DecodingBatch::detect(Slot& slot) {
  set_language(slot, language_probabilities(context_, slot.logits.row(0)));
  slot.detector.reset();
  check_fallback(slot.task.fallback);
  start_attempt(slot);
}

// Windows whose decoder has ended are accepted, or go on at the next temperature.
void DecodingBatch::finish_done() {
  std::vector<Slot*> finishing;
  for (const auto& slot : slots_) {
    if (slot->state != SlotState::kDecoding || !slot->decoder->done()) continue;
    slot->outcome.result = slot->decoder->result();
    slot->decoder.reset();
    reserved_ -= std::exchange(slot->reserved, 0);
    const FallbackOptions& fallback = slot->task.fallback;
    if (slot->attempt + 1 < fallback.temperatures.size() && needs_fallback(slot->outcome.result, fallback)) {
      ++slot->attempt;
      slot->state = SlotState::kParked;
      continue;
    }
    slot->state = SlotState::kDone;
    if (slot->task.wants_finishing && options_.finishing) finishing.push_back(slot.get());
  }
  run_isolated(
      std::span(finishing),
      [&](std::span<Slot* const> slots) {
        std::vector<FinishedWindow> windows;
        windows.reserve(slots.size());
        for (const Slot* slot : slots) {
          windows.push_back({slot->encoded, slot->outcome.result, slot->task.decoding.language, slot->task.attachment});
        }
        const Stopwatch watch(times_.finishing_s);
        options_.finishing(windows);
      },
      [&](Slot* slot, std::exception_ptr error) { slot->outcome.error = std::move(error); });
  for (const auto& slot : slots_) {
    if (slot->state == SlotState::kDone) end(*slot);
  }
}

void DecodingBatch::fail(Slot& slot, std::exception_ptr error) {
  slot.outcome.error = std::move(error);
  slot.state = SlotState::kDone;
}

// Hands the result out and frees the slot.
void DecodingBatch::end(Slot& slot) {
  slot.decoder.reset();
  slot.detector.reset();
  slot.logits = {};
  reserved_ -= std::exchange(slot.reserved, 0);
  slot.outcome.language = slot.task.decoding.language;
  slot.outcome.log_mel = std::move(slot.task.log_mel);
  slot.outcome.attachment = slot.task.attachment;
  results_.push_back({.request = slot.request,
                      .detects_for_request = slot.detect && !slot.task.own_language,
                      .task = std::move(slot.task),
                      .outcome = std::move(slot.outcome)});
  slot.task = {};
  slot.state = SlotState::kFree;
}

}  // namespace amanuensis::decoding
