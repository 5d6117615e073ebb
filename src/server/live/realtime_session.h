// One conversation in OpenAI's Realtime protocol, as far as it transcribes: what the client's events mean, what the
// server's events say. Knows no socket: messages come in as text and go out through a function. handle() and close()
// are called on the loop's thread; passes run on a worker's, and say what they hear through the loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/live/live_transcriber.h"
#include "pipeline/live/pcm_input.h"
#include "server/http/loop.h"
#include "server/live/live_passes.h"
#include "server/live/turns.h"

namespace amanuensis::server {

// When what is said becomes an item of its own.
enum class TurnDetection {
  kNone,         // when the client commits
  kServerVad,    // after a silence
  kSemanticVad,  // after a silence: a short one behind a finished sentence, a long one otherwise
};

// How long semantic_vad waits; OpenAI's names, and its longest waits.
struct Eagerness {
  std::string_view name;
  double finished_ms;    // of silence behind a finished sentence
  double unfinished_ms;  // behind anything else
};
// "auto" is "medium".
const Eagerness* find_eagerness(std::string_view name);

// What the client may set, with OpenAI's defaults.
struct RealtimeSettings {
  std::string model;     // as the client names it
  std::string language;  // as the client names it; empty: detected
  std::string prompt;
  std::string format = "audio/pcm";  // audio/pcm (24 kHz, 16 bits), audio/pcmu, audio/pcma
  TurnDetection turns = TurnDetection::kServerVad;
  std::string eagerness = "auto";  // of semantic_vad
  double threshold = 0.5;
  double prefix_padding_ms = 300;
  double silence_duration_ms = 500;
  bool logprobs = false;
};

class RealtimeSession : public std::enable_shared_from_this<RealtimeSession> {
 public:
  struct Parts {
    Loop& loop;
    Worker& worker;
    std::shared_ptr<LivePasses> passes;
    std::string model;  // an installed model's id
    std::size_t beam_size = 1;
    // Whether a name a client gives means that model.
    std::function<bool(const std::string&)> is_this_model;
    // Must not be called after close().
    std::function<void(std::string)> send;
  };
  explicit RealtimeSession(Parts parts);
  ~RealtimeSession();

  // Says hello.
  void begin();
  // A client's event. Mistakes are answered with an error event.
  void handle(const std::string& text);
  // Whether so much sound waits for passes that no more should be read.
  bool full() const { return turns_->full(); }
  // The server is stopping: what was heard is committed, whatever the client sends now is not taken, and then `done` is
  // called, unless close() was before.
  void wind_up(std::function<void()> done);
  void close();

 private:
  struct Hearing;

  void append(const std::string& text, const std::string& event_id);
  void update(const std::string& text, const std::string& event_id, bool beta);
  void send_session(const char* type);
  void refuse(const std::string& message, const std::string& param, const std::string& event_id);

  Parts parts_;
  RealtimeSettings settings_;
  bool beta_ = false;  // the client speaks the protocol's first version
  const std::string id_;
  std::size_t appended_bytes_ = 0;  // since the last commit
  bool open_ = true;
  bool winding_up_ = false;
  std::shared_ptr<Turns> turns_;
  std::shared_ptr<Hearing> hearing_;  // of the turns
};

}  // namespace amanuensis::server
