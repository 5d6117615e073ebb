#include "pipeline/engine.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/error.h"
#include "decoding/language.h"
#include "pipeline/engine_request.h"
#include "pipeline/transcribe_setup.h"

namespace amanuensis::pipeline {

namespace {

std::exception_ptr cancelled() {
  return std::make_exception_ptr(Error(ErrorCode::kCancelled, "transcription was cancelled"));
}

decoding::SchedulerOptions with_hook(decoding::SchedulerOptions options, decoding::FinishingHook hook) {
  options.batch.finishing = std::move(hook);
  return options;
}

}  // namespace

Engine::State::State(const decoding::DecodingContext& shared, EngineOptions given)
    : context(shared),
      options(std::move(given)),
      filters(context.model.dims().n_mels),
      scheduler(context, with_hook(options.scheduler, [this](auto windows) { align(windows); })),
      workers(options.front_end_threads),
      driver([this](const std::stop_token& stop) { scheduler.run(stop); }) {}

void Engine::State::align(std::span<const decoding::FinishedWindow> windows) const {
  std::vector<SpokenWindow> spoken;
  spoken.reserve(windows.size());
  for (const decoding::FinishedWindow& window : windows) {
    const auto& part = *static_cast<const WindowPart*>(window.attachment.get());
    const BatchedCut cut = cut_part(part, window.result, context.tokenizer, true);
    spoken.push_back({.window = window.window,
                      .text_tokens = text_tokens_of(cut.segments, context.tokenizer),
                      .content_frames = part.place.frames,
                      .language = window.language,
                      .task = part.task});
  }
  std::vector<std::vector<WordTiming>> alignments = align_words(context, spoken, options.scheduler.batch.pool);
  for (std::size_t i = 0; i < windows.size(); ++i) {
    static_cast<WindowPart*>(windows[i].attachment.get())->alignment = std::move(alignments[i]);
  }
}

void Engine::State::start_waiting() {
  std::vector<std::shared_ptr<Request>> started;
  {
    const std::scoped_lock lock(mutex);
    while (!waiting.empty() && active.size() < options.max_active) {
      const auto next = std::ranges::max_element(
          waiting, {}, [](const std::shared_ptr<Request>& request) { return request->priority(); });
      active.push_back(*next);
      started.push_back(*next);
      waiting.erase(next);
    }
  }
  for (const auto& request : started) request->start();
}

void Engine::State::drop_waiting(const std::shared_ptr<Request>& request) {
  {
    const std::scoped_lock lock(mutex);
    if (std::erase(waiting, request) == 0) return;
  }
  request->end_unstarted();
}

void Engine::State::forget(const std::shared_ptr<Request>& request) {
  {
    const std::scoped_lock lock(mutex);
    std::erase(active, request);
  }
  start_waiting();
  const std::scoped_lock lock(mutex);
  if (active.empty()) idle.notify_all();
}

Engine::Engine(const decoding::DecodingContext& context, EngineOptions options)
    : state_(std::make_unique<State>(context, std::move(options))) {}

Engine::~Engine() {
  std::vector<std::shared_ptr<Request>> left;
  {
    const std::scoped_lock lock(state_->mutex);
    left = state_->waiting;
    left.insert(left.end(), state_->active.begin(), state_->active.end());
  }
  for (const auto& request : left) request->cancel(cancelled());
  {
    std::unique_lock lock(state_->mutex);
    state_->idle.wait(lock, [this] { return state_->active.empty() && state_->waiting.empty(); });
  }
  state_->workers.stop();
  state_->driver = {};
}

Engine::Handle Engine::submit(EngineRequest request) {
  auto shared = std::make_shared<Request>(*state_, std::move(request));
  {
    const std::scoped_lock lock(state_->mutex);
    state_->waiting.push_back(shared);
  }
  state_->start_waiting();
  return Handle(std::move(shared));
}

PlanFacts Engine::plan(const AudioSourceOpener& audio, const BatchedOptions& options,
                       const std::function<void(PlannedWindow window)>& on_window) const {
  const std::string requested = requested_language(state_->context, options.transcribe.language);
  const SegmenterOptions segmenting = windows_of_model(state_->context.model, options.segmenter);
  const std::unique_ptr<AudioSource> source = audio();
  const bool filtered = options.vad_filter && state_->options.detector != nullptr;
  Segmenter segmenter(filtered ? state_->options.detector() : nullptr, segmenting);
  const std::size_t window_frames = state_->context.model.dims().window_frames();
  float largest_mel = -std::numeric_limits<float>::infinity();
  std::vector<float> buffer(kPieceSamples);
  for (bool over = false; !over;) {
    const std::size_t got = source->read(std::span(buffer));
    over = got < buffer.size();
    {
      const std::scoped_lock lock(state_->detector_mutex);
      segmenter.push(std::span(buffer).first(got));
      if (over) segmenter.finish();
    }
    while (auto window = segmenter.take_window()) {
      PlannedWindow planned{
          .window = std::move(window->window), .samples = std::move(window->samples), .largest_mel = largest_mel};
      if (content_frames(planned.samples.size()) > 0) {
        window_log_mel(planned.samples, state_->filters, window_frames,
                       {.kernels = state_->options.front_end.kernels, .largest = &largest_mel});
      }
      on_window(std::move(planned));
    }
  }
  return {.duration_s = static_cast<double>(segmenter.samples()) / static_cast<double>(model::kSampleRateHz),
          .warning = source->warning(),
          .silent_language = silent_language(state_->context, requested)};
}

EngineTimes Engine::times() const {
  const decoding::BatchTimes batch = state_->scheduler.counts().times;
  const std::scoped_lock lock(state_->mutex);
  EngineTimes times = state_->times;
  times.batch = batch;
  return times;
}

decoding::Scheduler::Counts Engine::counts() const { return state_->scheduler.counts(); }

void Engine::Handle::cancel() const { request_->cancel(cancelled()); }
bool Engine::Handle::done() const { return request_->done(); }
Transcript Engine::Handle::wait() const { return request_->wait(); }
std::string Engine::Handle::warning() const { return request_->warning(); }

}  // namespace amanuensis::pipeline
