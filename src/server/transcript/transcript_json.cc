#include "server/transcript/transcript_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "pipeline/language_name.h"
#include "pipeline/writers/writers.h"

namespace amanuensis::server {
namespace {

using Json = nlohmann::ordered_json;
using pipeline::Segment;
using pipeline::Transcript;
using pipeline::Word;

// Stands for everything less probable: JSON has no infinity.
constexpr double kLeastLogprob = -9999;

std::string dumped(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

// Times and numbers as people read them; a thousandth of a second is below what the model knows.
double rounded(double value, double per_unit) {
  return std::isfinite(value) ? std::round(value * per_unit) / per_unit : 0;
}
double seconds(double value) { return rounded(value, 1000); }

Json usage(const Transcript& transcript) {
  return {{"type", "duration"}, {"seconds", static_cast<std::int64_t>(std::ceil(transcript.duration_s))}};
}

void add_logprobs(const Segment& segment, Json& list) {
  for (const pipeline::ScoredToken& token : segment.scored_tokens) {
    Json bytes = Json::array();
    for (const unsigned char byte : token.bytes) bytes.push_back(byte);
    list.push_back({{"token", token.bytes},
                    {"logprob", rounded(std::max(token.logprob, kLeastLogprob), 1e6)},
                    {"bytes", std::move(bytes)}});
  }
}

Json segment_numbers(const Segment& segment) {
  return {{"id", segment.id},
          {"seek", segment.seek},
          {"start", seconds(segment.start_s)},
          {"end", seconds(segment.end_s)},
          {"text", segment.text},
          {"tokens", segment.tokens},
          {"temperature", rounded(segment.temperature, 1e6)},
          {"avg_logprob", rounded(segment.avg_logprob, 1e6)},
          {"compression_ratio", rounded(segment.compression_ratio, 1e6)},
          {"no_speech_prob", rounded(segment.no_speech_prob, 1e9)}};
}

Json diarized_segment(const Segment& segment) {
  return {{"type", "transcript.text.segment"},  {"id", fmt::format("seg_{:03}", segment.id)},
          {"start", seconds(segment.start_s)},  {"end", seconds(segment.end_s)},
          {"text", trimmed_text(segment.text)}, {"speaker", segment.speaker}};
}

// {"count", "labels", "speaking_time"}
Json speakers_json(const Transcript& transcript) {
  Json labels = Json::array();
  Json times = Json::object();
  for (const pipeline::TranscriptSpeaker& speaker : transcript.speakers) {
    labels.push_back(speaker.label);
    times[speaker.label] = seconds(speaker.speaking_s);
  }
  return {{"count", transcript.speakers.size()}, {"labels", std::move(labels)}, {"speaking_time", std::move(times)}};
}

void add_speaker(const std::string& speaker, Json& json) {
  if (!speaker.empty()) json["speaker"] = speaker;
}

void add_speakers(const Transcript& transcript, Json& json) {
  if (transcript.diarization_model.empty()) return;
  json["speakers"] = speakers_json(transcript);
  json["diarization_model"] = transcript.diarization_model;
}

Json word_json(const Word& word, bool trimmed) {
  return {{"word", trimmed ? std::string(trimmed_text(word.word)) : word.word},
          {"start", seconds(word.start_s)},
          {"end", seconds(word.end_s)}};
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

std::string_view trimmed_text(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::string openai_json(const Transcript& transcript, bool with_logprobs) {
  Json json = {{"text", trimmed_text(transcript.text)}};
  if (with_logprobs) {
    Json list = Json::array();
    for (const Segment& segment : transcript.segments) add_logprobs(segment, list);
    json["logprobs"] = std::move(list);
  }
  json["usage"] = usage(transcript);
  return dumped(json);
}

std::string openai_logprobs(const Transcript& transcript) {
  Json list = Json::array();
  for (const Segment& segment : transcript.segments) add_logprobs(segment, list);
  return dumped(list);
}

std::string openai_logprobs(const Segment& segment) {
  Json list = Json::array();
  add_logprobs(segment, list);
  return dumped(list);
}

std::string openai_verbose_json(const Transcript& transcript, const VerboseOptions& options) {
  Json json = {{"task", options.task},
               {"language", pipeline::language_name(transcript.language)},
               {"duration", seconds(transcript.duration_s)},
               {"text", trimmed_text(transcript.text)}};
  if (options.segments) {
    Json list = Json::array();
    for (const Segment& segment : transcript.segments) {
      Json each = segment_numbers(segment);
      add_speaker(segment.speaker, each);
      list.push_back(std::move(each));
    }
    json["segments"] = std::move(list);
  }
  if (options.words) {
    Json list = Json::array();
    for (const Segment& segment : transcript.segments) {
      for (const Word& word : segment.words) {
        Json each = word_json(word, /*trimmed=*/true);
        add_speaker(word.speaker, each);
        list.push_back(std::move(each));
      }
    }
    json["words"] = std::move(list);
  }
  add_speakers(transcript, json);
  json["usage"] = usage(transcript);
  return dumped(json);
}

std::string openai_diarized_json(const Transcript& transcript) {
  Json segments = Json::array();
  for (const Segment& segment : transcript.segments) segments.push_back(diarized_segment(segment));
  Json json = {{"task", "transcribe"},
               {"duration", seconds(transcript.duration_s)},
               {"text", trimmed_text(transcript.text)},
               {"segments", std::move(segments)}};
  add_speakers(transcript, json);
  json["usage"] = usage(transcript);
  return dumped(json);
}

std::string openai_diarized_segment(const Segment& segment) { return dumped(diarized_segment(segment)); }

std::string segment_json(const Segment& segment) { return dumped(full_segment(segment)); }

std::string full_json(const Transcript& transcript) {
  Json segments = Json::array();
  for (const Segment& segment : transcript.segments) segments.push_back(full_segment(segment));
  Json json = {{"text", trimmed_text(transcript.text)},
               {"language", transcript.language},
               {"duration", seconds(transcript.duration_s)},
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

std::string written(const Transcript& transcript, std::string_view format) {
  const pipeline::WriterFormat* writer = pipeline::find_writer_format(format);
  if (writer == nullptr) {
    throw Error(ErrorCode::kInvalidArgument, fmt::format("there is no format '{}'", format.substr(0, 40)));
  }
  std::ostringstream out;
  writer->write(transcript, {}, out);
  return out.str();
}

}  // namespace amanuensis::server
