#include "server/live/realtime_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <exception>
#include <nlohmann/json.hpp>
#include <utility>

#include "pipeline/language_name.h"
#include "server/endpoints/transcription_form.h"
#include "server/http/http_error.h"
#include "server/http/random_id.h"
#include "server/live/realtime_events.h"
#include "server/transcript/transcript_json.h"

namespace amanuensis::server {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kRate = 16000;
constexpr double kPcmRate = 24000;
constexpr double kTelephoneRate = 8000;
// OpenAI refuses to commit less.
constexpr std::size_t kLeastCommitMs = 100;

std::size_t bytes_per_ms(const RealtimeSettings& settings) { return settings.format == "audio/pcm" ? 48 : 8; }

std::int64_t ms_of(std::size_t samples) {
  return static_cast<std::int64_t>(std::llround(static_cast<double>(samples) * 1000 / kRate));
}

}  // namespace

// What the passes know: touched by one turn at a time. An item is what is said between two silences, or commits.
struct RealtimeSession::Hearing {
  Hearing(Loop& to, std::shared_ptr<LivePasses> with, std::size_t beams, std::function<void(std::string)> say)
      : loop(to), passes(std::move(with)), beam_size(beams), send(std::move(say)) {}

  void configure(const RealtimeSettings& changed);
  void hear(std::string_view bytes);
  void hear_samples(std::span<const float> samples);
  void hear_frame(std::span<const float> frame, bool speech);
  void push_spoken();
  void begin_item(std::span<const float> prefix);
  void end_item();
  void clear();
  void tell(const char* type, const Json& fields);

  Loop& loop;
  std::shared_ptr<LivePasses> passes;
  const std::size_t beam_size;
  std::function<void(std::string)> send;  // any thread
  RealtimeSettings settings;

  std::unique_ptr<pipeline::PcmInput> input;
  std::unique_ptr<pipeline::VoiceDetector> detector;
  std::vector<float> probabilities;
  std::deque<float> recent;     // heard and not part of an item: what may come before speech
  std::vector<float> unjudged;  // not yet judged by the detector
  std::vector<float> spoken;    // of the item, on its way to `live`: as much as there is in one piece
  std::size_t heard = 0;        // samples judged
  std::size_t silence = 0;      // samples since speech
  std::string item;             // empty: none
  std::string previous_item;
  std::unique_ptr<pipeline::LiveTranscriber> live;
};

void RealtimeSession::Hearing::tell(const char* type, const Json& fields) { send(realtime_event(type, fields)); }

void RealtimeSession::Hearing::configure(const RealtimeSettings& changed) {
  const bool other_format = !input || changed.format != settings.format;
  settings = changed;
  if (other_format) {
    const auto encoding = settings.format == "audio/pcmu"   ? pipeline::PcmEncoding::kMuLaw
                          : settings.format == "audio/pcma" ? pipeline::PcmEncoding::kALaw
                                                            : pipeline::PcmEncoding::kS16le;
    input = std::make_unique<pipeline::PcmInput>(encoding,
                                                 encoding == pipeline::PcmEncoding::kS16le ? kPcmRate : kTelephoneRate);
  }
  if (settings.server_vad && !detector) detector = passes->make_detector();
  if (!settings.server_vad) detector.reset();
}

void RealtimeSession::Hearing::begin_item(std::span<const float> prefix) {
  item = random_id("item_");
  pipeline::LiveOptions options;
  options.transcribe = default_options({.translate = false, .beam_size = beam_size}).transcribe;
  if (!settings.language.empty()) options.transcribe.language = pipeline::language_code(settings.language);
  options.transcribe.initial_prompt = settings.prompt;
  live = std::make_unique<pipeline::LiveTranscriber>(
      passes->function(), options,
      pipeline::LiveEvents{.on_partial = nullptr, .on_committed = [this](const pipeline::LiveWindow& window) {
                             Json delta = {{"item_id", item}, {"content_index", 0}, {"delta", window.text}};
                             if (settings.logprobs) {
                               pipeline::Transcript piece;
                               piece.segments = window.segments;
                               delta["logprobs"] = Json::parse(openai_logprobs(piece));
                             }
                             tell("conversation.item.input_audio_transcription.delta", delta);
                           }});
  silence = 0;
  live->push(prefix);
}

// The item is complete: its last words, then the whole.
void RealtimeSession::Hearing::end_item() {
  tell("input_audio_buffer.committed",
       {{"item_id", item}, {"previous_item_id", previous_item.empty() ? Json(nullptr) : Json(previous_item)}});
  tell("conversation.item.created",
       {{"previous_item_id", previous_item.empty() ? Json(nullptr) : Json(previous_item)},
        {"item",
         {{"id", item},
          {"object", "realtime.item"},
          {"type", "message"},
          {"status", "completed"},
          {"role", "user"},
          {"content", Json::array({{{"type", "input_audio"}, {"transcript", nullptr}}})}}}});
  try {
    live->finish();
    const pipeline::Transcript& said = live->transcript();
    Json completed = {{"item_id", item},
                      {"content_index", 0},
                      {"transcript", trimmed_text(said.text)},
                      {"usage", {{"type", "duration"}, {"seconds", said.duration_s}}}};
    if (settings.logprobs) completed["logprobs"] = Json::parse(openai_logprobs(said));
    tell("conversation.item.input_audio_transcription.completed", completed);
  } catch (...) {
    const ErrorBody error = describe(std::current_exception());
    tell(
        "conversation.item.input_audio_transcription.failed",
        {{"item_id", item},
         {"content_index", 0},
         {"error",
          {{"type", error_type(error.status)}, {"code", error.code}, {"message", error.message}, {"param", nullptr}}}});
  }
  previous_item = std::exchange(item, {});
  live.reset();
}

void RealtimeSession::Hearing::hear(std::string_view bytes) { hear_samples(input->push(bytes)); }

void RealtimeSession::Hearing::hear_samples(std::span<const float> samples) {
  if (!settings.server_vad) {
    heard += samples.size();
    if (item.empty()) {
      begin_item(samples);
    } else {
      live->push(samples);
    }
    return;
  }
  unjudged.insert(unjudged.end(), samples.begin(), samples.end());
  probabilities.clear();
  detector->push(samples, probabilities);
  std::size_t at = 0;
  for (const float probability : probabilities) {
    const std::size_t size = std::min(pipeline::kVadFrameSamples, unjudged.size() - at);
    hear_frame(std::span(unjudged).subspan(at, size), static_cast<double>(probability) >= settings.threshold);
    at += size;
  }
  unjudged.erase(unjudged.begin(), unjudged.begin() + static_cast<std::ptrdiff_t>(at));
  push_spoken();
}

void RealtimeSession::Hearing::push_spoken() {
  const std::vector<float> samples = std::exchange(spoken, {});
  if (!samples.empty()) live->push(samples);
}

void RealtimeSession::Hearing::hear_frame(std::span<const float> frame, bool speech) {
  const auto padding = static_cast<std::size_t>(settings.prefix_padding_ms * kRate / 1000);
  heard += frame.size();
  if (item.empty() && !speech) {
    recent.insert(recent.end(), frame.begin(), frame.end());
    while (recent.size() > padding) recent.pop_front();
    return;
  }
  if (item.empty()) {
    const std::size_t start = heard - frame.size() - recent.size();
    std::vector<float> prefix(recent.begin(), recent.end());
    recent.clear();
    prefix.insert(prefix.end(), frame.begin(), frame.end());
    begin_item(prefix);
    tell("input_audio_buffer.speech_started", {{"audio_start_ms", ms_of(start)}, {"item_id", item}});
    return;
  }
  silence = speech ? 0 : silence + frame.size();
  spoken.insert(spoken.end(), frame.begin(), frame.end());
  if (static_cast<double>(silence) < settings.silence_duration_ms * kRate / 1000) return;
  push_spoken();
  tell("input_audio_buffer.speech_stopped", {{"audio_end_ms", ms_of(heard)}, {"item_id", item}});
  end_item();
}

void RealtimeSession::Hearing::clear() {
  live.reset();
  item.clear();
  recent.clear();
  unjudged.clear();
  if (detector) detector = passes->make_detector();
  tell("input_audio_buffer.cleared", Json::object());
}

RealtimeSession::RealtimeSession(Parts parts)
    : parts_(std::move(parts)), id_(random_id("sess_")), turns_(std::make_shared<Turns>(parts_.worker)) {
  settings_.model = parts_.model;
}

RealtimeSession::~RealtimeSession() = default;

void RealtimeSession::begin() {
  // Passes speak through the loop, and only while somebody listens.
  const auto say = [weak = weak_from_this(), loop = &parts_.loop](std::string text) {
    loop->post([weak, text = std::move(text)] {
      const auto self = weak.lock();
      if (self && self->open_) self->parts_.send(text);
    });
  };
  hearing_ = std::make_shared<Hearing>(parts_.loop, parts_.passes, parts_.beam_size, say);
  turns_->add([hearing = hearing_, settings = settings_] { hearing->configure(settings); });
  send_session("session.created");
}

void RealtimeSession::send_session(const char* type) {
  parts_.send(realtime_event(type, {{"session", session_json(settings_, id_, beta_)}}));
}

void RealtimeSession::refuse(const std::string& message, const std::string& param, const std::string& event_id) {
  parts_.send(realtime_event("error", {{"error",
                                        {{"type", "invalid_request_error"},
                                         {"code", "invalid_value"},
                                         {"message", message},
                                         {"param", param.empty() ? Json(nullptr) : Json(param)},
                                         {"event_id", event_id.empty() ? Json(nullptr) : Json(event_id)}}}}));
}

void RealtimeSession::handle(const std::string& text) {
  const Json event = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto text_of = [&](const char* name) {
    return event.is_object() && event.contains(name) && event[name].is_string() ? event[name].get<std::string>()
                                                                                : std::string();
  };
  const std::string type = text_of("type");
  const std::string event_id = text_of("event_id").substr(0, 200);
  const bool beta = type == "transcription_session.update";
  try {
    if (type == "input_audio_buffer.append") {
      append(text_of("audio"), event_id);
    } else if (type == "session.update" || beta) {
      update(text, event_id, beta);
    } else if (type == "input_audio_buffer.commit") {
      if (appended_bytes_ < kLeastCommitMs * bytes_per_ms(settings_)) {
        throw bad_field("", fmt::format("there is less than {} ms of sound to commit", kLeastCommitMs));
      }
      appended_bytes_ = 0;
      turns_->add([hearing = hearing_] {
        if (hearing->item.empty())
          hearing->begin_item(std::vector<float>(hearing->recent.begin(), hearing->recent.end()));
        hearing->recent.clear();
        hearing->end_item();
      });
    } else if (type == "input_audio_buffer.clear") {
      appended_bytes_ = 0;
      turns_->add([hearing = hearing_] { hearing->clear(); });
    } else {
      throw bad_field("type", type.empty() ? std::string("a message must be a JSON object with a type")
                                           : fmt::format("there is no event '{}' here", type.substr(0, 100)));
    }
  } catch (const HttpError& error) {
    refuse(error.body().message, error.body().param, event_id);
  }
}

void RealtimeSession::append(const std::string& text, const std::string& event_id) {
  std::string bytes = decode_base64(text);
  appended_bytes_ += bytes.size();
  turns_->add_sound(std::move(bytes), [hearing = hearing_, event_id](const std::string& sound) {
    try {
      hearing->hear(sound);
    } catch (...) {
      const ErrorBody error = describe(std::current_exception());
      hearing->tell("error", {{"error",
                               {{"type", error_type(error.status)},
                                {"code", error.code},
                                {"message", error.message},
                                {"param", nullptr},
                                {"event_id", event_id.empty() ? Json(nullptr) : Json(event_id)}}}});
      hearing->item.clear();
      hearing->live.reset();
    }
  });
}

void RealtimeSession::update(const std::string& text, const std::string& event_id, bool beta) {
  const Json event = Json::parse(text);
  RealtimeSettings changed = settings_;
  apply_session(event.contains("session") ? event["session"] : Json(nullptr), beta, changed);
  if (!parts_.is_this_model(changed.model)) {
    refuse(fmt::format("this conversation's model is '{}'; another is named with ?model= when it begins", parts_.model),
           "session.audio.input.transcription.model", event_id);
    return;
  }
  settings_ = changed;
  beta_ = beta;
  turns_->add([hearing = hearing_, changed] { hearing->configure(changed); });
  send_session(beta ? "transcription_session.updated" : "session.updated");
}

void RealtimeSession::close() {
  open_ = false;
  turns_->clear();
  parts_.passes->cancel();
}

}  // namespace amanuensis::server
