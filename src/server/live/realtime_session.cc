#include "server/live/realtime_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
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

constexpr std::array<Eagerness, 4> kEagerness{
    {{"auto", 500, 4000}, {"medium", 500, 4000}, {"low", 1000, 8000}, {"high", 300, 2000}}};

// Whether a text ends as sentences do, in the languages that Whisper writes.
bool ends_a_sentence(std::string_view text) {
  constexpr std::array<std::string_view, 12> kEnds{".",      "!",      "?",      "\u3002", "\uFF01", "\uFF1F",
                                                   "\u0964", "\u061F", "\u06D4", "\u0589", "\u1362", "\uFF61"};
  constexpr std::array<std::string_view, 6> kQuotes{"\"", "'", ")", "\u201D", "\u00BB", "\u300D"};
  text = trimmed_text(text);
  for (const std::string_view quote : kQuotes) {
    if (text.ends_with(quote)) text.remove_suffix(quote.size());
  }
  // "..." is somebody thinking.
  if (text.ends_with("..") || text.ends_with("\u2026")) return false;
  return std::any_of(kEnds.begin(), kEnds.end(), [&](std::string_view end) { return text.ends_with(end); });
}

std::size_t bytes_per_ms(const RealtimeSettings& settings) { return settings.format == "audio/pcm" ? 48 : 8; }

std::int64_t ms_of(std::size_t samples) {
  return static_cast<std::int64_t>(std::llround(static_cast<double>(samples) * 1000 / kRate));
}

}  // namespace

const Eagerness* find_eagerness(std::string_view name) {
  const auto found =
      std::find_if(kEagerness.begin(), kEagerness.end(), [&](const Eagerness& each) { return each.name == name; });
  return found == kEagerness.end() ? nullptr : &*found;
}

// What the passes know: touched by one turn at a time. An item is what is said between two silences, or commits.
struct RealtimeSession::Hearing {
  Hearing(Loop& to, std::shared_ptr<LivePasses> with, std::size_t beams, std::function<void(std::string)> say)
      : loop(to), passes(std::move(with)), beam_size(beams), send(std::move(say)) {}

  void configure(const RealtimeSettings& changed);
  void hear(std::string_view bytes);
  void hear_samples(std::span<const float> samples);
  void hear_frame(std::span<const float> frame, bool speech);
  bool is_over();
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
  std::string last_words;       // what the item seems to end with
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
  if (settings.turns == TurnDetection::kNone) {
    detector.reset();
  } else if (!detector) {
    detector = passes->make_detector();
  }
}

void RealtimeSession::Hearing::begin_item(std::span<const float> prefix) {
  item = random_id("item_");
  pipeline::LiveOptions options;
  options.transcribe = default_options({.translate = false, .beam_size = beam_size}).transcribe;
  if (!settings.language.empty()) options.transcribe.language = pipeline::language_code(settings.language);
  options.transcribe.initial_prompt = settings.prompt;
  pipeline::LiveEvents events;
  events.on_partial = [this](const pipeline::LivePartial& partial) {
    if (!trimmed_text(partial.text).empty()) last_words = partial.text;
  };
  events.on_committed = [this](const pipeline::LiveWindow& window) {
    last_words = window.text;
    Json delta = {{"item_id", item}, {"content_index", 0}, {"delta", window.text}};
    if (settings.logprobs) {
      pipeline::Transcript piece;
      piece.segments = window.segments;
      delta["logprobs"] = Json::parse(openai_logprobs(piece));
    }
    tell("conversation.item.input_audio_transcription.delta", delta);
  };
  live = std::make_unique<pipeline::LiveTranscriber>(passes->function(), options, std::move(events));
  silence = 0;
  last_words.clear();
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
  if (settings.turns == TurnDetection::kNone) {
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
  if (!is_over()) return;
  push_spoken();
  tell("input_audio_buffer.speech_stopped", {{"audio_end_ms", ms_of(heard)}, {"item_id", item}});
  end_item();
}

// Whether what is being said seems to have come to its end.
bool RealtimeSession::Hearing::is_over() {
  const double silence_ms = static_cast<double>(silence) * 1000 / kRate;
  if (settings.turns == TurnDetection::kServerVad) return silence_ms >= settings.silence_duration_ms;
  const Eagerness& eagerness = *find_eagerness(settings.eagerness);
  if (silence_ms < eagerness.finished_ms) return false;
  push_spoken();  // so that a pass has heard the last words
  return silence_ms >= eagerness.unfinished_ms || ends_a_sentence(last_words);
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
  if (winding_up_) return;
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

void RealtimeSession::wind_up(std::function<void()> done) {
  winding_up_ = true;
  const auto say_done = [weak = weak_from_this(), done = std::move(done)] {
    const auto self = weak.lock();
    if (self && self->open_) done();
  };
  turns_->add([hearing = hearing_, loop = &parts_.loop, say_done] {
    if (!hearing->item.empty()) hearing->end_item();
    loop->post(say_done);
  });
}

void RealtimeSession::close() {
  open_ = false;
  turns_->clear();
  parts_.passes->cancel();
}

}  // namespace amanuensis::server
