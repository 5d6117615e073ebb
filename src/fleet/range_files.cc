#include "fleet/range_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>

#include "base/error.h"

namespace amanuensis::fleet {
namespace {

// CBOR: numbers keep all their bits, and text need not be UTF-8 (a token may end inside a character).
using Json = nlohmann::json;

constexpr float kSampleScale = 32768.0F;

std::string packed(const Json& json) {
  std::string bytes;
  Json::to_cbor(json, bytes);
  return bytes;
}

template <typename Read>
auto reading(const char* what, const Read& read) {
  try {
    return read();
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorCode::kBadData,
                fmt::format("{} of a recording that was cut cannot be read: {}", what, error.what()));
  }
}

Json unpacked(std::string_view bytes) { return Json::from_cbor(bytes.begin(), bytes.end()); }

Json windows_json(const std::vector<pipeline::AudioWindow>& windows) {
  Json list = Json::array();
  for (const pipeline::AudioWindow& window : windows) {
    Json pieces = Json::array();
    for (const pipeline::SpeechSpan& piece : window.pieces) pieces.push_back(Json::array({piece.start, piece.end}));
    list.push_back(std::move(pieces));
  }
  return list;
}

std::vector<pipeline::AudioWindow> parse_windows(const Json& list) {
  std::vector<pipeline::AudioWindow> windows;
  for (const Json& pieces : list) {
    pipeline::AudioWindow window;
    for (const Json& piece : pieces) window.pieces.push_back({piece.at(0), piece.at(1)});
    windows.push_back(std::move(window));
  }
  return windows;
}

Json segment_json(const pipeline::Segment& segment) {
  Json words = Json::array();
  for (const pipeline::Word& word : segment.words) {
    words.push_back(Json::array({word.word, word.start_s, word.end_s, word.probability}));
  }
  return {{"seek", segment.seek},
          {"start_s", segment.start_s},
          {"end_s", segment.end_s},
          {"text", segment.text},
          {"tokens", segment.tokens},
          {"temperature", segment.temperature},
          {"avg_logprob", segment.avg_logprob},
          {"compression_ratio", segment.compression_ratio},
          {"no_speech_prob", segment.no_speech_prob},
          {"words", std::move(words)}};
}

pipeline::Segment parse_segment(const Json& json) {
  pipeline::Segment segment;
  segment.seek = json.at("seek");
  segment.start_s = json.at("start_s");
  segment.end_s = json.at("end_s");
  segment.text = json.at("text");
  segment.tokens = json.at("tokens").get<decltype(segment.tokens)>();
  segment.temperature = json.at("temperature");
  segment.avg_logprob = json.at("avg_logprob");
  segment.compression_ratio = json.at("compression_ratio");
  segment.no_speech_prob = json.at("no_speech_prob");
  for (const Json& word : json.at("words")) {
    segment.words.push_back(
        {.word = word.at(0), .start_s = word.at(1), .end_s = word.at(2), .probability = word.at(3)});
  }
  return segment;
}

Json diarization_json(const pipeline::Diarization& diarization) {
  Json turns = Json::array();
  for (const pipeline::SpeakerTurn& turn : diarization.turns) {
    turns.push_back(Json::array({turn.start_s, turn.end_s, turn.speaker}));
  }
  Json speakers = Json::array();
  for (const pipeline::DiarizedSpeaker& speaker : diarization.speakers) {
    speakers.push_back(Json::array({speaker.label, speaker.speaking_s}));
  }
  return {{"turns", std::move(turns)},
          {"speakers", std::move(speakers)},
          {"duration_s", diarization.duration_s},
          {"model", diarization.model}};
}

pipeline::Diarization parse_diarization(const Json& json) {
  pipeline::Diarization diarization;
  for (const Json& turn : json.at("turns")) diarization.turns.push_back({turn.at(0), turn.at(1), turn.at(2)});
  for (const Json& speaker : json.at("speakers")) {
    diarization.speakers.push_back({.label = speaker.at(0), .speaking_s = speaker.at(1), .voice = {}});
  }
  diarization.duration_s = json.at("duration_s");
  diarization.model = json.at("model");
  return diarization;
}

class Samples : public pipeline::AudioSource {
 public:
  explicit Samples(std::vector<std::int16_t> samples) : samples_(std::move(samples)) {}
  std::size_t read(std::span<float> out) override {
    const std::size_t count = std::min(out.size(), samples_.size() - next_);
    for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<float>(samples_[next_ + i]) / kSampleScale;
    next_ += count;
    return count;
  }
  std::optional<double> duration_s() const override { return std::nullopt; }
  std::string warning() const override { return {}; }

 private:
  const std::vector<std::int16_t> samples_;
  std::size_t next_ = 0;
};

}  // namespace

std::string encode_range(const RangeInput& input) {
  const auto bytes = std::as_bytes(std::span(input.samples));
  std::vector<std::uint8_t> samples(bytes.size());
  std::ranges::transform(bytes, samples.begin(), [](std::byte byte) { return std::to_integer<std::uint8_t>(byte); });
  const bool any_before = std::isfinite(input.range.largest_mel);
  return packed({{"windows", windows_json(input.range.windows)},
                 {"largest_mel", any_before ? Json(static_cast<double>(input.range.largest_mel)) : Json(nullptr)},
                 {"language", input.language ? Json(*input.language) : Json(nullptr)},
                 {"start_s", input.start_s},
                 {"end_s", input.end_s},
                 {"samples", Json::binary(std::move(samples))}});
}

RangeInput decode_range(std::string_view bytes) {
  return reading("a range", [&] {
    const Json json = unpacked(bytes);
    RangeInput input;
    input.range.windows = parse_windows(json.at("windows"));
    if (!json.at("largest_mel").is_null()) {
      input.range.largest_mel = static_cast<float>(json.at("largest_mel").get<double>());
    }
    if (!json.at("language").is_null()) input.language = json.at("language").get<std::string>();
    input.start_s = json.at("start_s");
    input.end_s = json.at("end_s");
    const auto& samples = json.at("samples").get_binary();
    input.samples.resize(samples.size() / sizeof(std::int16_t));
    const auto into = std::as_writable_bytes(std::span(input.samples));
    std::ranges::copy(std::as_bytes(std::span(samples)).first(into.size()), into.begin());
    return input;
  });
}

std::string encode_texts(const std::vector<pipeline::WindowText>& texts) {
  Json list = Json::array();
  for (const pipeline::WindowText& text : texts) {
    Json segments = Json::array();
    for (const pipeline::Segment& segment : text.segments) segments.push_back(segment_json(segment));
    Json probabilities = Json::array();
    for (const auto& [code, probability] : text.language_probabilities) {
      probabilities.push_back(Json::array({code, probability}));
    }
    list.push_back(
        {{"language", text.language}, {"probabilities", std::move(probabilities)}, {"segments", std::move(segments)}});
  }
  return packed(list);
}

std::vector<pipeline::WindowText> decode_texts(std::string_view bytes) {
  return reading("a range's text", [&] {
    std::vector<pipeline::WindowText> texts;
    for (const Json& json : unpacked(bytes)) {
      pipeline::WindowText text;
      text.language = json.at("language");
      for (const Json& each : json.at("probabilities")) {
        text.language_probabilities.emplace_back(each.at(0).get<std::string>(), each.at(1).get<double>());
      }
      for (const Json& segment : json.at("segments")) text.segments.push_back(parse_segment(segment));
      texts.push_back(std::move(text));
    }
    return texts;
  });
}

std::string encode_plan(const RangePlan& plan) {
  return packed({{"count", plan.count},
                 {"duration_s", plan.duration_s},
                 {"warning", plan.warning},
                 {"silent_language", plan.silent_language},
                 {"diarization", plan.diarization ? diarization_json(*plan.diarization) : Json(nullptr)}});
}

RangePlan decode_plan(std::string_view bytes) {
  return reading("the plan", [&] {
    const Json json = unpacked(bytes);
    RangePlan plan;
    plan.count = json.at("count");
    plan.duration_s = json.at("duration_s");
    plan.warning = json.at("warning");
    plan.silent_language = json.at("silent_language");
    if (!json.at("diarization").is_null()) plan.diarization = parse_diarization(json.at("diarization"));
    return plan;
  });
}

std::string encode_mark(const pipeline::TranscriptMark& mark) {
  return packed({{"segments", mark.segments}, {"last_end_s", mark.last_end_s}});
}

pipeline::TranscriptMark decode_mark(std::string_view bytes) {
  return reading("a mark", [&] {
    const Json json = unpacked(bytes);
    return pipeline::TranscriptMark{.segments = json.at("segments"), .last_end_s = json.at("last_end_s")};
  });
}

std::unique_ptr<pipeline::AudioSource> source_of(std::vector<std::int16_t> samples) {
  return std::make_unique<Samples>(std::move(samples));
}

std::string parts_folder(const std::string& job, std::int64_t epoch) { return fmt::format("parts/{}.{}/", job, epoch); }
std::string range_key(const std::string& folder, std::size_t range) { return fmt::format("{}range-{}", folder, range); }
std::string text_key(const std::string& folder, std::size_t range) { return fmt::format("{}text-{}", folder, range); }
std::string plan_key(const std::string& folder) { return folder + "plan"; }
std::string mark_key(const std::string& folder, std::size_t range) { return fmt::format("{}mark-{}", folder, range); }

}  // namespace amanuensis::fleet
