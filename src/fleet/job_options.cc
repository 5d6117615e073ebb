#include "fleet/job_options.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace amanuensis::fleet {
namespace {

using Json = nlohmann::ordered_json;

std::optional<std::size_t> count_or_nothing(const Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end() || found->is_null()) return std::nullopt;
  return found->get<std::size_t>();
}

}  // namespace

std::string options_json(const JobOptions& options) {
  Json json = {{"language", options.language ? Json(*options.language) : Json(nullptr)},
               {"task", options.translate ? "translate" : "transcribe"},
               {"prompt", options.prompt},
               {"temperature", options.temperature},
               {"word_timestamps", options.word_timestamps},
               {"vad_filter", options.vad_filter},
               {"beam_size", options.beam_size}};
  if (options.diarize) {
    json["diarization"] = true;
    if (options.diarize->num_speakers) json["num_speakers"] = *options.diarize->num_speakers;
    if (options.diarize->min_speakers) json["min_speakers"] = *options.diarize->min_speakers;
    if (options.diarize->max_speakers) json["max_speakers"] = *options.diarize->max_speakers;
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

JobOptions parse_options(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    JobOptions options;
    const auto language = json.find("language");
    if (language != json.end() && !language->is_null()) options.language = language->get<std::string>();
    options.translate = json.value("task", "transcribe") == "translate";
    options.prompt = json.value("prompt", "");
    options.temperature = json.value("temperature", 0.0);
    options.word_timestamps = json.value("word_timestamps", true);
    options.vad_filter = json.value("vad_filter", false);
    options.beam_size = json.value("beam_size", std::size_t{1});
    if (json.value("diarization", false)) {
      options.diarize.emplace();
      options.diarize->num_speakers = count_or_nothing(json, "num_speakers");
      options.diarize->min_speakers = count_or_nothing(json, "min_speakers");
      options.diarize->max_speakers = count_or_nothing(json, "max_speakers");
    }
    return options;
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorCode::kBadData, fmt::format("a job's options cannot be read: {}", error.what()));
  }
}

pipeline::BatchedOptions batched_options(const JobOptions& options) {
  pipeline::BatchedOptions batched;
  batched.vad_filter = options.vad_filter;
  batched.transcribe.language = options.language;
  batched.transcribe.initial_prompt = options.prompt;
  batched.transcribe.word_timestamps = options.word_timestamps || options.diarize.has_value();
  batched.transcribe.decoding.beam_size = options.beam_size;
  if (options.translate) batched.transcribe.decoding.task = decoding::Task::kTranslate;
  if (options.temperature > 0) batched.transcribe.fallback.temperatures = {options.temperature};
  return batched;
}

}  // namespace amanuensis::fleet
