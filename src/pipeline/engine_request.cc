#include "pipeline/engine_request.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "decoding/language.h"
#include "decoding/prompt.h"
#include "decoding/random.h"
#include "model/whisper/constants.h"
#include "pipeline/transcribe_setup.h"

namespace amanuensis::pipeline {

namespace {

using decoding::SchedulerClock;

double seconds_of(std::size_t samples) {
  return static_cast<double>(samples) / static_cast<double>(model::kSampleRateHz);
}

// Runs `work` and adds the time it took to `sum_s`, under `mutex`.
template <typename Work>
auto timed(std::mutex& mutex, double& sum_s, const Work& work) {
  const auto start = SchedulerClock::now();
  auto result = work();
  const std::scoped_lock lock(mutex);
  sum_s += std::chrono::duration<double>(SchedulerClock::now() - start).count();
  return result;
}

}  // namespace

BatchedCut cut_part(const WindowPart& part, const decoding::WindowResult& result, const model::Tokenizer& tokenizer,
                    bool words) {
  return cut_batched(result, part.place, tokenizer,
                     {.cut_off = result.tokens.size() >= part.sample_length,
                      .empty = words ? EmptySegments::kKeep : EmptySegments::kClear});
}

SegmenterOptions windows_of_model(const model::WhisperModel& model, SegmenterOptions options) {
  options.window.max_samples = model.dims().window_frames() * model::kHopSamples;
  check_speech_options(options.speech);
  return options;
}

std::string silent_language(const decoding::DecodingContext& context, const std::string& requested) {
  if (!requested.empty()) return requested;
  const auto only = decoding::only_language(context);
  return only ? only->front().first : "en";
}

Engine::Request::Request(State& state, EngineRequest request)
    : state_(state),
      request_(std::move(request)),
      decoding_(request_.options.transcribe.decoding),
      largest_mel_(-std::numeric_limits<float>::infinity()),
      builder_(request_.options.transcribe.word_timestamps) {
  const TranscribeOptions& options = request_.options.transcribe;
  const model::Tokenizer& tokenizer = state_.context.tokenizer;
  decoding_.language = requested_language(state_.context, options.language);
  if (!options.initial_prompt.empty()) decoding_.prompt = encode_prompt(tokenizer, options.initial_prompt);
  if (!options.hotwords.empty()) decoding_.hotwords = encode_prompt(tokenizer, options.hotwords);
  check_decoding(state_.context, decoding_, options.fallback);
  request_.options.segmenter = windows_of_model(state_.context.model, request_.options.segmenter);
  if (request_.range) largest_mel_ = request_.range->largest_mel;
  if (!request_.audio) throw Error(ErrorCode::kInvalidArgument, "a transcription needs audio");
}

void Engine::Request::start() {
  {
    const std::scoped_lock lock(mutex_);
    started_ = true;
    const auto self = shared_from_this();
    id_ = state_.scheduler.open(
        {.priority = request_.priority, .weight = request_.weight, .deadline = request_.deadline, .on_room = [self] {
           self->state_.workers.post([self] { self->produce(); });
         }});
  }
  state_.workers.post([self = shared_from_this()] { self->produce(); });
}

void Engine::Request::fail(const std::exception_ptr& error) {
  const std::scoped_lock lock(mutex_);
  if (ended_ || error_) return;
  error_ = error;
  if (started_) state_.scheduler.cancel(id_);
}

void Engine::Request::cancel(const std::exception_ptr& error) {
  fail(error);
  {
    const std::scoped_lock lock(mutex_);
    if (started_ || ending_) return;  // its jobs will end it, or have
  }
  state_.drop_waiting(shared_from_this());
}

bool Engine::Request::done() const {
  const std::scoped_lock lock(mutex_);
  return ended_;
}

Transcript Engine::Request::wait() const {
  std::unique_lock lock(mutex_);
  ended_condition_.wait(lock, [this] { return ended_; });
  if (error_) std::rethrow_exception(error_);
  return builder_.transcript();
}

std::string Engine::Request::warning() const {
  const std::scoped_lock lock(mutex_);
  return warning_;
}

void Engine::Request::produce() {
  Produced produced = Produced::kOver;
  try {
    produced = take_turn();
  } catch (...) {
    fail(std::current_exception());
  }
  if (produced == Produced::kWaits) return;  // until there is room
  if (produced == Produced::kTurnOver) {
    state_.workers.post([self = shared_from_this()] { self->produce(); });
    return;
  }
  pending_.reset();
  source_.reset();
  segmenter_.reset();
  {
    const std::scoped_lock lock(mutex_);
    producing_ = false;
  }
  end_if_over();
}

// A window that was begun is finished before another request's is: of many that come at once the first is with the
// backend after its own time, not after everybody's. Audio without speech makes no window however long it is.
Engine::Request::Produced Engine::Request::take_turn() {
  constexpr std::size_t kReadsInATurn = 4;
  reads_in_turn_ = 0;
  while (reads_in_turn_ < kReadsInATurn) {
    const Produced produced = produce_some();
    if (produced != Produced::kMore) return produced;
  }
  return Produced::kTurnOver;
}

// One small piece of work.
Engine::Request::Produced Engine::Request::produce_some() {
  {
    const std::scoped_lock lock(mutex_);
    if (error_) return Produced::kOver;
  }
  if (pending_) return send_pending();
  if (request_.range) return produce_planned();
  if (!segmenter_) {
    source_ = request_.audio();
    const bool filtered = request_.options.vad_filter && state_.options.detector != nullptr;
    segmenter_.emplace(filtered ? state_.options.detector() : nullptr, request_.options.segmenter);
  }
  if (std::optional<SpeechWindow> window = segmenter_->take_window()) {
    prepare_window(std::move(*window));
    return Produced::kMore;
  }
  if (source_ended_) return Produced::kOver;
  read_audio();
  return Produced::kMore;
}

// The next window of a range, whose audio is the next of the source.
Engine::Request::Produced Engine::Request::produce_planned() {
  const std::vector<AudioWindow>& windows = request_.range->windows;
  if (next_planned_ == windows.size()) return Produced::kOver;
  if (!source_) {
    source_ = request_.audio();
    const std::scoped_lock lock(mutex_);
    read_s_ = total_s_ = windows.back().pieces.empty() ? 0 : seconds_of(windows.back().pieces.back().end);
  }
  SpeechWindow window{.window = windows[next_planned_++], .samples = {}};
  window.samples.resize(window.window.samples());
  const std::size_t got =
      timed(state_.mutex, state_.times.decode_s, [&] { return source_->read(std::span(window.samples)); });
  if (got < window.samples.size()) {
    throw Error(ErrorCode::kBadData, "the audio of a range ends before its windows do");
  }
  prepare_window(std::move(window));
  return Produced::kMore;
}

Engine::Request::Produced Engine::Request::send_pending() {
  {
    const std::scoped_lock lock(mutex_);
    ++outstanding_;
  }
  const auto submitted = state_.scheduler.try_submit(id_, *pending_);
  if (submitted == decoding::Scheduler::Submitted::kYes) {
    pending_.reset();
    return Produced::kTurnOver;
  }
  {
    const std::scoped_lock lock(mutex_);
    --outstanding_;
  }
  if (submitted == decoding::Scheduler::Submitted::kNoRoom) return Produced::kWaits;
  fail(state_.scheduler.error_of(id_));
  return Produced::kOver;
}

void Engine::Request::read_audio() {
  ++reads_in_turn_;
  buffer_.resize(kPieceSamples);
  const std::size_t got =
      timed(state_.mutex, state_.times.decode_s, [this] { return source_->read(std::span(buffer_)); });
  source_ended_ = got < buffer_.size();
  timed(state_.mutex, state_.times.vad_s, [&] {
    const std::scoped_lock lock(state_.detector_mutex);
    segmenter_->push(std::span(buffer_).first(got));
    if (source_ended_) segmenter_->finish();
    return true;
  });
  const std::scoped_lock lock(mutex_);
  read_s_ = seconds_of(segmenter_->samples());
  total_s_ = source_ended_ ? read_s_ : std::max(read_s_, source_->duration_s().value_or(0));
  if (source_ended_) warning_ = source_->warning();
}

void Engine::Request::prepare_window(SpeechWindow window) {
  const model::ModelDimensions& dims = state_.context.model.dims();
  const std::size_t frames = std::min(content_frames(window.samples.size()), dims.window_frames());
  if (frames == 0) return;
  AlignedBuffer<float> log_mel = timed(state_.mutex, state_.times.mel_s, [&] {
    return window_log_mel(window.samples, state_.filters, dims.window_frames(),
                          {.device = state_.options.front_end.device,
                           .kernels = state_.options.front_end.kernels,
                           .largest = &largest_mel_});
  });
  auto part = std::make_shared<WindowPart>();
  part->index = next_index_++;
  part->window = std::make_shared<const AudioWindow>(std::move(window.window));
  part->place = {.seek = 0, .frames = frames};
  part->task = decoding_.task;
  part->sample_length = decoding::resolve_sample_length(decoding_, dims.n_text_ctx);
  pending_ = make_task(std::move(part), std::move(log_mel));
}

decoding::WindowTask Engine::Request::make_task(std::shared_ptr<WindowPart> part, AlignedBuffer<float> log_mel) {
  decoding::WindowTask task;
  task.log_mel = std::move(log_mel);
  task.decoding = decoding_;
  task.decoding.seed = decoding::stream_key(
      decoding_.seed, original_sample(*part->window, part->place.seek * model::kHopSamples) / model::kHopSamples);
  task.fallback = request_.options.transcribe.fallback;
  task.own_language = request_.options.multilingual;
  task.wants_finishing = request_.options.transcribe.word_timestamps;
  task.goes_first = part->part > 0;
  task.attachment = part;
  task.on_done = [self = shared_from_this(), part = std::move(part)](decoding::WindowOutcome outcome) {
    // A job is copied; an outcome cannot be.
    auto shared = std::make_shared<decoding::WindowOutcome>(std::move(outcome));
    self->state_.workers.post([self, part, shared] { self->arrive(part, *shared); });
  };
  return task;
}

void Engine::Request::arrive(const std::shared_ptr<WindowPart>& part, decoding::WindowOutcome& outcome) {
  try {
    if (outcome.error) std::rethrow_exception(outcome.error);
    Finished finished = finish_window(*part, outcome);
    const std::scoped_lock lock(mutex_);
    finished_.emplace(Place{part->index, part->part}, std::move(finished));
  } catch (...) {
    fail(std::current_exception());
  }
  deliver();
  {
    const std::scoped_lock lock(mutex_);
    --outstanding_;
  }
  end_if_over();
}

Engine::Request::Finished Engine::Request::finish_window(WindowPart& part, decoding::WindowOutcome& outcome) {
  const TranscribeOptions& options = request_.options.transcribe;
  Finished finished{.segments = {},
                    .window = part.window,
                    .language = outcome.language,
                    .language_probabilities = std::move(outcome.language_probabilities)};
  if (is_silence(outcome.result, options.fallback)) return finished;
  BatchedCut cut = cut_part(part, outcome.result, state_.context.tokenizer, options.word_timestamps);
  if (cut.advance_frames > 0 && request_.options.continue_windows) {
    finished.continues = continue_window(part, cut.advance_frames, outcome);
  }
  if (options.word_timestamps) {
    add_word_times(cut.segments, std::move(part.alignment), state_.context.tokenizer,
                   {.window_start_s = seconds_of(part.place.seek * model::kHopSamples), .last_speech_s = 0},
                   options.words);
    for (Segment& segment : cut.segments) clear_if_empty(segment);
  }
  std::erase_if(cut.segments, [](const Segment& segment) { return segment.text.empty(); });
  move_to_original(cut.segments, *part.window);
  for (Segment& segment : cut.segments) {
    segment.seek = original_sample(*part.window, part.place.seek * model::kHopSamples) / model::kHopSamples;
  }
  finished.segments = std::move(cut.segments);
  return finished;
}

// Submits what the window left open; whether it was taken.
bool Engine::Request::continue_window(const WindowPart& part, std::size_t advance, decoding::WindowOutcome& outcome) {
  const model::ModelDimensions& dims = state_.context.model.dims();
  shift_log_mel(outcome.log_mel.matrix(dims.n_mels, dims.window_frames()), advance);
  auto rest = std::make_shared<WindowPart>(part);
  ++rest->part;
  rest->alignment.clear();
  rest->place = {.seek = part.place.seek + advance, .frames = part.place.frames - advance};
  decoding::WindowTask task = make_task(std::move(rest), std::move(outcome.log_mel));
  if (!task.own_language) task.decoding.language = outcome.language;
  {
    const std::scoped_lock lock(mutex_);
    ++outstanding_;
  }
  if (state_.scheduler.try_submit(id_, task) == decoding::Scheduler::Submitted::kYes) return true;
  const std::scoped_lock lock(mutex_);
  --outstanding_;
  return false;
}

void Engine::Request::deliver() {
  std::unique_lock lock(mutex_);
  if (delivering_) return;  // whoever does will see what has arrived
  delivering_ = true;
  while (!error_) {
    auto node = finished_.extract(next_);
    if (node.empty()) break;
    next_ = node.mapped().continues ? Place{next_.first, next_.second + 1} : Place{next_.first + 1, 0};
    lock.unlock();
    try {
      hand_out(node.mapped());
    } catch (...) {
      fail(std::current_exception());
    }
    lock.lock();
  }
  delivering_ = false;
}

void Engine::Request::tell_language(const std::string& language, decoding::LanguageProbabilities probabilities) {
  if (!builder_.set_language(language, std::move(probabilities))) return;
  const auto& told = builder_.transcript().language_probabilities;
  const double probability = told.empty() ? 1 : told.front().second;
  const auto& on_language = request_.events.transcribe.on_language;
  if (on_language) on_language(language, probability);
}

void Engine::Request::hand_out(Finished& window) {
  if (request_.events.on_window) {
    request_.events.on_window({window.segments, window.language, window.language_probabilities});
  }
  tell_language(window.language, std::move(window.language_probabilities));
  const TranscribeEvents& events = request_.events.transcribe;
  for (const Segment& segment : builder_.add(std::move(window.segments))) {
    if (events.on_segment) events.on_segment(segment);
  }
  if (!events.on_progress || window.continues) return;
  double total_s = 0;
  {
    const std::scoped_lock lock(mutex_);
    total_s = total_s_;
  }
  events.on_progress({.audio_done_s = seconds_of(window.window->pieces.back().end), .audio_total_s = total_s});
}

void Engine::Request::end_if_over() {
  {
    const std::scoped_lock lock(mutex_);
    if (ending_ || producing_ || delivering_ || outstanding_ > 0) return;
    ending_ = true;
  }
  state_.scheduler.close(id_);
  end();
  state_.forget(shared_from_this());
}

void Engine::Request::end_unstarted() {
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
  }
  end();
}

// The last that is heard of the request.
void Engine::Request::end() {
  std::exception_ptr error;
  double duration_s = 0;
  {
    const std::scoped_lock lock(mutex_);
    error = error_;
    duration_s = read_s_;
  }
  if (!error) {
    try {
      tell_language(silent_language(state_.context, decoding_.language), {});
      builder_.transcript().duration_s = duration_s;
      const auto& on_progress = request_.events.transcribe.on_progress;
      if (on_progress) on_progress({.audio_done_s = duration_s, .audio_total_s = duration_s});
    } catch (...) {
      error = std::current_exception();
    }
  }
  if (request_.events.on_end) {
    try {
      request_.events.on_end(builder_.transcript(), error);
    } catch (...) {
      if (!error) error = std::current_exception();
    }
  }
  request_.events = {};  // what callbacks hold is not kept alive by a handle
  request_.audio = nullptr;
  const std::scoped_lock lock(mutex_);
  error_ = error;
  ended_ = true;
  ended_condition_.notify_all();
}

}  // namespace amanuensis::pipeline
