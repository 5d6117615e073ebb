#include "pipeline/transcript_json.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "pipeline/transcript_json_parts.h"

namespace amanuensis::pipeline {
namespace {

using Json = OrderedJson;

// {"count", "labels", "speaking_time"}
Json speakers_json(const Transcript& transcript) {
  Json labels = Json::array();
  Json times = Json::object();
  for (const TranscriptSpeaker& speaker : transcript.speakers) {
    labels.push_back(speaker.label);
    times[speaker.label] = rounded_seconds(speaker.speaking_s);
  }
  return {{"count", transcript.speakers.size()}, {"labels", std::move(labels)}, {"speaking_time", std::move(times)}};
}

Json full_segment(const Segment& segment) {
  Json json = segment_numbers(segment);
  Json words = Json::array();
  for (const Word& word : segment.words) {
    Json each = word_json(word, /*trimmed=*/false);
    each["probability"] = rounded(word.probability, 1e6);
    add_speaker(word.speaker, each);
    words.push_back(std::move(each));
  }
  json["words"] = std::move(words);
  add_speaker(segment.speaker, json);
  return json;
}

Segment parse_segment(const Json& json) {
  Segment segment;
  segment.id = json.at("id");
  segment.seek = json.at("seek");
  segment.start_s = json.at("start");
  segment.end_s = json.at("end");
  segment.text = json.at("text");
  segment.tokens = json.at("tokens").get<decltype(segment.tokens)>();
  segment.temperature = json.at("temperature");
  segment.avg_logprob = json.at("avg_logprob");
  segment.compression_ratio = json.at("compression_ratio");
  segment.no_speech_prob = json.at("no_speech_prob");
  for (const auto& word : json.at("words")) {
    segment.words.push_back({.word = word.at("word"),
                             .start_s = word.at("start"),
                             .end_s = word.at("end"),
                             .probability = word.at("probability"),
                             .speaker = word.value("speaker", "")});
  }
  segment.speaker = json.value("speaker", "");
  return segment;
}

}  // namespace

std::string dumped(const OrderedJson& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

double rounded(double value, double per_unit) {
  return std::isfinite(value) ? std::round(value * per_unit) / per_unit : 0;
}

double rounded_seconds(double value) { return rounded(value, 1000); }

OrderedJson segment_numbers(const Segment& segment) {
  return {{"id", segment.id},
          {"seek", segment.seek},
          {"start", rounded_seconds(segment.start_s)},
          {"end", rounded_seconds(segment.end_s)},
          {"text", segment.text},
          {"tokens", segment.tokens},
          {"temperature", rounded(segment.temperature, 1e6)},
          {"avg_logprob", rounded(segment.avg_logprob, 1e6)},
          {"compression_ratio", rounded(segment.compression_ratio, 1e6)},
          {"no_speech_prob", rounded(segment.no_speech_prob, 1e9)}};
}

void add_speaker(const std::string& speaker, OrderedJson& json) {
  if (!speaker.empty()) json["speaker"] = speaker;
}

void add_speakers(const Transcript& transcript, OrderedJson& json) {
  if (transcript.diarization_model.empty()) return;
  json["speakers"] = speakers_json(transcript);
  json["diarization_model"] = transcript.diarization_model;
}

OrderedJson word_json(const Word& word, bool trimmed) {
  return {{"word", trimmed ? std::string(trimmed_text(word.word)) : word.word},
          {"start", rounded_seconds(word.start_s)},
          {"end", rounded_seconds(word.end_s)}};
}

std::string_view trimmed_text(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::string segment_json(const Segment& segment) { return dumped(full_segment(segment)); }

Segment parse_segment_json(std::string_view text) {
  try {
    return parse_segment(Json::parse(text));
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorCode::kBadData, fmt::format("a stored segment cannot be read: {}", error.what()));
  }
}

std::string full_json(const Transcript& transcript) {
  Json segments = Json::array();
  for (const Segment& segment : transcript.segments) segments.push_back(full_segment(segment));
  Json json = {{"text", trimmed_text(transcript.text)},
               {"language", transcript.language},
               {"duration", rounded_seconds(transcript.duration_s)},
               {"segments", std::move(segments)}};
  if (!transcript.language_probabilities.empty()) {
    Json probabilities = Json::object();
    for (const auto& [code, probability] : transcript.language_probabilities) {
      probabilities[code] = rounded(probability, 1e9);
    }
    json["language_probabilities"] = std::move(probabilities);
  }
  add_speakers(transcript, json);
  return dumped(json);
}

Transcript parse_full_json(std::string_view text) {
  try {
    const auto json = Json::parse(text);
    Transcript transcript;
    transcript.text = json.at("text");
    transcript.language = json.at("language");
    transcript.duration_s = json.at("duration");
    for (const auto& segment : json.at("segments")) transcript.segments.push_back(parse_segment(segment));
    if (json.contains("language_probabilities")) {
      for (const auto& [code, probability] : json.at("language_probabilities").items()) {
        transcript.language_probabilities.emplace_back(code, probability.get<double>());
      }
    }
    if (json.contains("speakers")) {
      transcript.diarization_model = json.value("diarization_model", "");
      for (const auto& [label, speaking_s] : json.at("speakers").at("speaking_time").items()) {
        transcript.speakers.push_back({label, speaking_s.get<double>()});
      }
    }
    return transcript;
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorCode::kBadData, fmt::format("a stored transcript cannot be read: {}", error.what()));
  }
}

}  // namespace amanuensis::pipeline
