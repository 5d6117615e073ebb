#include "server/live/realtime_events.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include "pipeline/language_name.h"
#include "server/http/http_error.h"
#include "server/http/random_id.h"

namespace amanuensis::server {
namespace {

using Json = nlohmann::ordered_json;

// A member that may be absent or null; what has another type than `otherwise` is refused.
template <typename T>
T member(const Json& json, const char* name, T otherwise, const std::string& where) {
  if (!json.is_object() || !json.contains(name) || json[name].is_null()) return otherwise;
  const Json& value = json[name];
  bool fits = false;
  if constexpr (std::is_same_v<T, std::string>) {
    fits = value.is_string();
  } else {
    fits = value.is_number();
  }
  if (!fits) throw bad_field(where + "." + name, fmt::format("{}.{} has a value of another type", where, name));
  return value.get<T>();
}

void apply_transcription(const Json& json, const std::string& where, RealtimeSettings& settings) {
  settings.model = member<std::string>(json, "model", settings.model, where);
  settings.prompt = member<std::string>(json, "prompt", settings.prompt, where);
  const std::string language = member<std::string>(json, "language", settings.language, where);
  if (!language.empty() && !pipeline::language_code(language)) {
    throw bad_field(where + ".language",
                    fmt::format("language '{}' is no language Whisper knows", language.substr(0, 60)));
  }
  settings.language = language;
}

void apply_turn_detection(const Json& json, const std::string& where, RealtimeSettings& settings) {
  settings.turns = TurnDetection::kNone;
  if (json.is_null()) return;
  const std::string type = member<std::string>(json, "type", "server_vad", where);
  if (type == "semantic_vad") {
    settings.turns = TurnDetection::kSemanticVad;
    settings.eagerness = member<std::string>(json, "eagerness", settings.eagerness, where);
    if (find_eagerness(settings.eagerness) == nullptr) {
      throw bad_field(where + ".eagerness", fmt::format("eagerness '{}' is none of low, medium, high, auto",
                                                        settings.eagerness.substr(0, 60)));
    }
    return;
  }
  if (type != "server_vad") {
    throw bad_field(where + ".type",
                    fmt::format("turn detection '{}' is neither 'server_vad' nor 'semantic_vad'", type.substr(0, 60)));
  }
  settings.turns = TurnDetection::kServerVad;
  const auto number = [&](const char* name, double present, double highest) {
    const double value = member<double>(json, name, present, where);
    if (!(value >= 0 && value <= highest)) {
      throw bad_field(where + "." + name, fmt::format("{} must be a number from 0 to {}", name, highest));
    }
    return value;
  };
  settings.threshold = number("threshold", settings.threshold, 1);
  settings.prefix_padding_ms = number("prefix_padding_ms", settings.prefix_padding_ms, 10'000);
  settings.silence_duration_ms = number("silence_duration_ms", settings.silence_duration_ms, 60'000);
}

void apply_format(const std::string& format, const std::string& where, RealtimeSettings& settings) {
  if (format == "audio/pcm" || format == "pcm16") {
    settings.format = "audio/pcm";
  } else if (format == "audio/pcmu" || format == "g711_ulaw") {
    settings.format = "audio/pcmu";
  } else if (format == "audio/pcma" || format == "g711_alaw") {
    settings.format = "audio/pcma";
  } else {
    throw bad_field(
        where, fmt::format("audio format '{}' is none of audio/pcm, audio/pcmu, audio/pcma", format.substr(0, 60)));
  }
}

}  // namespace

std::string realtime_event(const char* type, const Json& fields) {
  Json event = {{"type", type}, {"event_id", random_id("event_")}};
  event.update(fields);
  return event.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json session_json(const RealtimeSettings& settings, const std::string& id, bool beta) {
  Json transcription = {{"model", settings.model}, {"prompt", settings.prompt}};
  transcription["language"] = settings.language.empty() ? Json(nullptr) : Json(settings.language);
  Json detection = nullptr;
  if (settings.turns == TurnDetection::kSemanticVad) {
    detection = {{"type", "semantic_vad"}, {"eagerness", settings.eagerness}};
  } else if (settings.turns == TurnDetection::kServerVad) {
    detection = {{"type", "server_vad"},
                 {"threshold", settings.threshold},
                 {"prefix_padding_ms", settings.prefix_padding_ms},
                 {"silence_duration_ms", settings.silence_duration_ms}};
  }
  const Json include = settings.logprobs ? Json({"item.input_audio_transcription.logprobs"}) : Json::array();
  if (beta) {
    const char* format = settings.format == "audio/pcm"    ? "pcm16"
                         : settings.format == "audio/pcmu" ? "g711_ulaw"
                                                           : "g711_alaw";
    return {{"id", id},
            {"object", "realtime.transcription_session"},
            {"input_audio_format", format},
            {"input_audio_transcription", transcription},
            {"turn_detection", detection},
            {"include", include}};
  }
  Json format = {{"type", settings.format}};
  if (settings.format == "audio/pcm") format["rate"] = 24000;
  return {{"id", id},
          {"object", "realtime.transcription_session"},
          {"type", "transcription"},
          {"audio", {{"input", {{"format", format}, {"transcription", transcription}, {"turn_detection", detection}}}}},
          {"include", include}};
}

void apply_session(const Json& session, bool beta, RealtimeSettings& settings) {
  if (!session.is_object()) throw bad_field("session", "session must be an object");
  RealtimeSettings changed = settings;
  if (beta) {
    if (session.contains("input_audio_format")) {
      apply_format(member<std::string>(session, "input_audio_format", "pcm16", "session"), "session.input_audio_format",
                   changed);
    }
    if (session.contains("input_audio_transcription")) {
      apply_transcription(session["input_audio_transcription"], "session.input_audio_transcription", changed);
    }
    if (session.contains("turn_detection")) {
      apply_turn_detection(session["turn_detection"], "session.turn_detection", changed);
    }
  } else {
    const std::string type = member<std::string>(session, "type", "transcription", "session");
    if (type != "transcription") {
      throw bad_field("session.type", "this server transcribes: session.type must be 'transcription'");
    }
    const Json empty = Json::object();
    const Json& audio = session.contains("audio") ? session["audio"] : empty;
    const Json& input = audio.is_object() && audio.contains("input") ? audio["input"] : empty;
    if (input.contains("format")) {
      apply_format(member<std::string>(input["format"], "type", "audio/pcm", "session.audio.input.format"),
                   "session.audio.input.format.type", changed);
    }
    if (input.contains("transcription")) {
      apply_transcription(input["transcription"], "session.audio.input.transcription", changed);
    }
    if (input.contains("turn_detection")) {
      apply_turn_detection(input["turn_detection"], "session.audio.input.turn_detection", changed);
    }
  }
  if (session.contains("include") && session["include"].is_array()) {
    changed.logprobs = false;
    for (const Json& each : session["include"]) {
      if (each == "item.input_audio_transcription.logprobs") changed.logprobs = true;
    }
  }
  settings = std::move(changed);
}

std::string decode_base64(const std::string& text) {
  const auto refuse = [] { return bad_field("audio", "audio is not base64", "invalid_audio"); };
  if (text.size() % 4 != 0) throw refuse();
  std::string bytes(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (size < 0) throw refuse();
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  bytes.resize(static_cast<std::size_t>(size) - padding);
  return bytes;
}

}  // namespace amanuensis::server
