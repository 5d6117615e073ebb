#include "cli/batched_transcription.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "cli/progress_text.h"
#include "pipeline/diarize/with_speakers.h"

namespace amanuensis::cli {

namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

// Calls to make on the thread that owns the terminal, in order.
struct BatchedTranscription::Messages {
  using Call = std::function<void(const TranscriptionOptions&)>;

  std::mutex mutex;
  std::condition_variable_any arrived;
  std::deque<Call> calls;
  bool ended = false;
  std::exception_ptr error;
  Transcription result;
  const Clock::time_point start = Clock::now();

  double elapsed_s() const { return std::chrono::duration<double>(Clock::now() - start).count(); }
  void push(Call call) {
    const std::scoped_lock lock(mutex);
    calls.push_back(std::move(call));
    arrived.notify_one();
  }
};

std::unique_ptr<pipeline::Engine> make_batched_engine(const Engine& engine, const BatchedSetup& setup) {
  pipeline::EngineOptions options;
  options.scheduler.batch.max_windows = setup.batch_size;
  options.scheduler.batch.max_sequences = 2 * setup.batch_size;
  options.scheduler.batch.pool = engine.front_end().pool;
  options.scheduler.max_waiting = std::max<std::size_t>(4, setup.batch_size);
  options.front_end.device = engine.front_end().device;
  options.front_end.kernels = engine.front_end().kernels;
  options.detector = setup.detector;
  return std::make_unique<pipeline::Engine>(
      decoding::DecodingContext{
          .model = engine.model(), .tokenizer = engine.tokenizer(), .generation = engine.generation()},
      std::move(options));
}

BatchedTranscription::BatchedTranscription(Context& context, pipeline::Engine& engine, const BatchedInput& input)
    : context_(context), messages_(std::make_shared<Messages>()), handle_([&] {
        if (input.file == "-" && isatty(STDIN_FILENO) == 1) {
          throw Error(ErrorCode::kInvalidArgument, "'-': standard input is a terminal; pipe a media file into it");
        }
        pipeline::EngineRequest request;
        request.audio = pipeline::media_source(input.file, context.stop, input.channel);
        request.options = input.options;
        const auto messages = messages_;
        request.events.transcribe.on_language = [messages](const std::string& code, double probability) {
          messages->push([code, probability](const TranscriptionOptions& told) {
            if (told.on_language) told.on_language(code, probability);
          });
        };
        request.events.transcribe.on_segment = [messages](const pipeline::Segment& segment) {
          messages->push([segment](const TranscriptionOptions& told) {
            if (told.on_segment) told.on_segment(segment);
          });
        };
        Terminal* terminal = &context.terminal;
        request.events.transcribe.on_progress = [messages, terminal](const pipeline::Progress& progress) {
          messages->push([progress, terminal, elapsed_s = messages->elapsed_s()](const TranscriptionOptions& told) {
            if (!told.show_progress) return;
            terminal->status(
                [&](std::size_t columns) { return transcription_progress(told.file, progress, elapsed_s, columns); });
          });
        };
        request.events.on_end = [messages](const pipeline::Transcript& transcript, const std::exception_ptr& error) {
          const std::scoped_lock lock(messages->mutex);
          messages->result.transcript = transcript;
          messages->result.audio_s = transcript.duration_s;
          messages->result.elapsed_s = messages->elapsed_s();
          messages->error = error;
          messages->ended = true;
          messages->arrived.notify_one();
        };
        if (input.diarizer != nullptr) {
          request = pipeline::with_speakers(std::move(request), *input.diarizer, input.diarize);
        }
        return engine.submit(std::move(request));
      }()) {}

BatchedTranscription::~BatchedTranscription() { handle_.cancel(); }

Transcription BatchedTranscription::finish(const TranscriptionOptions& options) {
  std::unique_lock lock(messages_->mutex);
  while (true) {
    const bool woken =
        messages_->arrived.wait(lock, context_.stop, [this] { return messages_->ended || !messages_->calls.empty(); });
    if (!woken) throw Error(ErrorCode::kCancelled, "interrupted");
    if (messages_->calls.empty()) break;
    const Messages::Call call = std::move(messages_->calls.front());
    messages_->calls.pop_front();
    lock.unlock();
    call(options);
    lock.lock();
  }
  lock.unlock();
  context_.terminal.clear_status();
  if (messages_->error) std::rethrow_exception(messages_->error);
  handle_.wait();  // the warning is there now
  messages_->result.warning = handle_.warning();
  return std::move(messages_->result);
}

}  // namespace amanuensis::cli
