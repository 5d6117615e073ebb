#include "pipeline/diarize/diarization_files.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "pipeline/eval/rttm.h"
#include "pipeline/writers/subtitles.h"

namespace amanuensis::pipeline {
namespace {

double thousandth(double seconds) { return std::round(seconds * 1000) / 1000; }

}  // namespace

std::string diarization_rttm(const Diarization& diarization, std::string_view recording) {
  RttmRecording written{.name = std::string(recording), .turns = {}};
  for (const SpeakerTurn& turn : diarization.turns) {
    written.turns.push_back({.speaker = diarization.speakers[turn.speaker].label,
                             .start_s = turn.start_s,
                             .duration_s = turn.end_s - turn.start_s});
  }
  return format_rttm(written);
}

std::string diarization_json(const Diarization& diarization) {
  nlohmann::ordered_json labels = nlohmann::ordered_json::array();
  nlohmann::ordered_json times = nlohmann::ordered_json::object();
  for (const DiarizedSpeaker& speaker : diarization.speakers) {
    labels.push_back(speaker.label);
    times[speaker.label] = thousandth(speaker.speaking_s);
  }
  nlohmann::ordered_json turns = nlohmann::ordered_json::array();
  for (const SpeakerTurn& turn : diarization.turns) {
    turns.push_back({{"start", thousandth(turn.start_s)},
                     {"end", thousandth(turn.end_s)},
                     {"speaker", diarization.speakers[turn.speaker].label}});
  }
  const nlohmann::ordered_json json = {
      {"duration", thousandth(diarization.duration_s)},
      {"model", diarization.model},
      {"speakers",
       {{"count", diarization.speakers.size()}, {"labels", std::move(labels)}, {"speaking_time", std::move(times)}}},
      {"turns", std::move(turns)}};
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string diarization_text(const Diarization& diarization) {
  const auto time = [](double seconds) { return format_timestamp(to_milliseconds(seconds), false, '.'); };
  std::string text;
  for (const SpeakerTurn& turn : diarization.turns) {
    text += fmt::format("[{} --> {}]  {}\n", time(turn.start_s), time(turn.end_s),
                        diarization.speakers[turn.speaker].label);
  }
  for (const DiarizedSpeaker& speaker : diarization.speakers) {
    text += fmt::format("{} speaks for {}\n", speaker.label, time(speaker.speaking_s));
  }
  return text;
}

}  // namespace amanuensis::pipeline
