#include "server/transcript/transcript_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "pipeline/language_name.h"
#include "pipeline/transcript_json_parts.h"
#include "pipeline/writers/writers.h"

namespace amanuensis::server {
namespace {

using Json = pipeline::OrderedJson;
using pipeline::add_speaker;
using pipeline::add_speakers;
using pipeline::dumped;
using pipeline::rounded;
using pipeline::rounded_seconds;
using pipeline::Segment;
using pipeline::segment_numbers;
using pipeline::Transcript;
using pipeline::Word;
using pipeline::word_json;

// Stands for everything less probable: JSON has no infinity.
constexpr double kLeastLogprob = -9999;

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

Json diarized_segment(const Segment& segment) {
  return {{"type", "transcript.text.segment"},         {"id", fmt::format("seg_{:03}", segment.id)},
          {"start", rounded_seconds(segment.start_s)}, {"end", rounded_seconds(segment.end_s)},
          {"text", trimmed_text(segment.text)},        {"speaker", segment.speaker}};
}

}  // namespace

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
               {"duration", rounded_seconds(transcript.duration_s)},
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
               {"duration", rounded_seconds(transcript.duration_s)},
               {"text", trimmed_text(transcript.text)},
               {"segments", std::move(segments)}};
  add_speakers(transcript, json);
  json["usage"] = usage(transcript);
  return dumped(json);
}

std::string openai_diarized_segment(const Segment& segment) { return dumped(diarized_segment(segment)); }

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
