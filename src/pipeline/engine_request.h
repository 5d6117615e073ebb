// One request inside the engine: a producer, which turns audio into windows for the scheduler and pauses when there is
// no room, and a consumer, which turns decoded windows into segments and hands them out in the order of the audio. Both
// run as jobs on the engine's workers. Shared by them, by the scheduler's callbacks and by the caller's handles; part
// of the engine, for its .cc files alone.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "audio/mel_filters.h"
#include "decoding/scheduler.h"
#include "model/whisper/constants.h"
#include "pipeline/batched_window.h"
#include "pipeline/engine.h"
#include "pipeline/engine_workers.h"

namespace amanuensis::pipeline {

// A window, or what continues one, while it is with the scheduler: its task's attachment.
struct WindowPart {
  std::size_t index = 0;  // of the window
  std::size_t part = 0;   // 0, then what continues it
  std::shared_ptr<const AudioWindow> window;
  WindowPlace place;  // within the window
  decoding::Task task = decoding::Task::kTranscribe;
  std::size_t sample_length = 0;
  std::vector<WordTiming> alignment;  // set by the finishing hook
};

// Audio read at once: short enough that requests take turns and that a window is not held up, long enough to be cheap.
inline constexpr std::size_t kPieceSamples = 10 * model::kSampleRateHz;

// The segmenter's options for windows of this model. Throws Error{kInvalidArgument} for those that make no sense.
SegmenterOptions windows_of_model(const model::WhisperModel& model, SegmenterOptions options);
// A request's language when not a word is said: a guess from silence would be worth nothing.
std::string silent_language(const decoding::DecodingContext& context, const std::string& requested);

BatchedCut cut_part(const WindowPart& part, const decoding::WindowResult& result, const model::Tokenizer& tokenizer,
                    bool words);

struct Engine::State {
  State(const decoding::DecodingContext& context, EngineOptions options);

  // Runs on the thread that drives the model.
  void align(std::span<const decoding::FinishedWindow> windows) const;
  // Starts requests, by priority, while there are fewer than there may be.
  void start_waiting();
  // Ends a request that was cancelled before it was started; nothing when it has been.
  void drop_waiting(const std::shared_ptr<Request>& request);
  // A request has ended.
  void forget(const std::shared_ptr<Request>& request);

  const decoding::DecodingContext context;
  const EngineOptions options;
  const audio::MelFilters filters;
  decoding::Scheduler scheduler;

  std::mutex mutex;
  std::vector<std::shared_ptr<Request>> active;
  std::vector<std::shared_ptr<Request>> waiting;
  std::condition_variable idle;  // no request is active
  EngineTimes times;             // the scheduler's part excepted
  std::mutex detector_mutex;     // detectors may share one network

  EngineWorkers workers;
  std::jthread driver;
};

class Engine::Request : public std::enable_shared_from_this<Request> {
 public:
  Request(State& state, EngineRequest request);

  int priority() const { return request_.priority; }
  // Opens the request at the scheduler and begins to produce.
  void start();
  void cancel(const std::exception_ptr& error);
  bool done() const;
  Transcript wait() const;
  std::string warning() const;
  // Ends a request that was never started.
  void end_unstarted();

 private:
  struct Finished {
    std::vector<Segment> segments;
    std::shared_ptr<const AudioWindow> window;
    std::string language;
    decoding::LanguageProbabilities language_probabilities;
    bool continues = false;  // another part follows
  };
  using Place = std::pair<std::size_t, std::size_t>;  // index and part

  // kMore: there is more to do. kTurnOver: likewise, and other requests go first.
  enum class Produced { kMore, kTurnOver, kWaits, kOver };

  void produce();
  Produced take_turn();
  Produced produce_some();
  Produced send_pending();
  Produced produce_planned();
  void read_audio();
  void prepare_window(SpeechWindow window);
  decoding::WindowTask make_task(std::shared_ptr<WindowPart> part, AlignedBuffer<float> log_mel);

  void arrive(const std::shared_ptr<WindowPart>& part, decoding::WindowOutcome& outcome);
  Finished finish_window(WindowPart& part, decoding::WindowOutcome& outcome);
  bool continue_window(const WindowPart& part, std::size_t advance, decoding::WindowOutcome& outcome);
  void deliver();
  void hand_out(Finished& window);
  void tell_language(const std::string& language, decoding::LanguageProbabilities probabilities);

  void fail(const std::exception_ptr& error);
  void end_if_over();
  void end();

  State& state_;
  EngineRequest request_;
  decoding::DecodingOptions decoding_;
  bool started_ = false;
  decoding::RequestId id_ = 0;

  // Of the producer, which is one job at a time.
  std::unique_ptr<AudioSource> source_;
  std::optional<Segmenter> segmenter_;
  bool source_ended_ = false;
  std::size_t reads_in_turn_ = 0;
  std::size_t next_index_ = 0;
  float largest_mel_;
  std::optional<decoding::WindowTask> pending_;  // refused for want of room
  std::vector<float> buffer_;
  std::size_t next_planned_ = 0;  // of the request's range

  // Of the consumer, which delivers one window at a time.
  TranscriptBuilder builder_;

  mutable std::mutex mutex_;  // guards what follows
  mutable std::condition_variable ended_condition_;
  std::map<Place, Finished> finished_;
  Place next_ = {0, 0};
  std::size_t outstanding_ = 0;  // windows at the scheduler, or on their way from it
  bool producing_ = true;
  bool delivering_ = false;
  bool ending_ = false;  // one thread is telling the caller
  bool ended_ = false;   // the caller has been told
  double read_s_ = 0;    // audio read so far
  double total_s_ = 0;   // as the source says, or read_s_
  std::exception_ptr error_;
  std::string warning_;
};

}  // namespace amanuensis::pipeline
