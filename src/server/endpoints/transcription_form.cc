#include "server/endpoints/transcription_form.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/nearest_name.h"
#include "pipeline/language_name.h"
#include "server/http/http_error.h"

namespace amanuensis::server {
namespace {

constexpr double kLongestMs = 3'600'000;

ReplyFormat read_format(const Form& form) {
  constexpr std::array<std::pair<std::string_view, ReplyFormat>, 6> kFormats{
      {{"json", ReplyFormat::kJson},
       {"text", ReplyFormat::kText},
       {"srt", ReplyFormat::kSrt},
       {"verbose_json", ReplyFormat::kVerboseJson},
       {"vtt", ReplyFormat::kVtt},
       {"diarized_json", ReplyFormat::kDiarizedJson}}};
  const std::string asked = form.get("response_format").value_or("json");
  for (const auto& [name, format] : kFormats) {
    if (name == asked) return format;
  }
  throw bad_field("response_format", fmt::format("response_format '{}' is none of json, text, srt, verbose_json, vtt, "
                                                 "diarized_json",
                                                 asked.substr(0, 60)));
}

void read_granularities(const Form& form, TranscriptionParams& params) {
  const std::vector<std::string> asked = form.list("timestamp_granularities");
  if (asked.empty()) return;
  if (params.format != ReplyFormat::kVerboseJson) {
    throw bad_field("timestamp_granularities",
                    "timestamp_granularities have a meaning only with response_format 'verbose_json'");
  }
  params.segments = false;
  for (const std::string& each : asked) {
    if (each == "segment") {
      params.segments = true;
    } else if (each == "word") {
      params.words = true;
    } else {
      throw bad_field("timestamp_granularities",
                      fmt::format("timestamp_granularities '{}' is neither 'word' nor 'segment'", each.substr(0, 60)));
    }
  }
}

void read_include(const Form& form, TranscriptionParams& params) {
  for (const std::string& each : form.list("include")) {
    if (each != "logprobs") {
      throw bad_field("include", fmt::format("include '{}' is not 'logprobs'", each.substr(0, 60)));
    }
    if (params.format != ReplyFormat::kJson) {
      throw bad_field("include", "include 'logprobs' has a meaning only with response_format 'json'");
    }
    params.logprobs = true;
  }
}

// An object may come as JSON text or, as OpenAI's Python package writes it, as fields chunking_strategy[name].
nlohmann::json chunking_object(const Form& form) {
  constexpr std::string_view kName = "chunking_strategy";
  nlohmann::json object;
  if (const auto text = form.get(kName)) {
    if (*text == "auto") return {{"type", "auto"}};
    object = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
    if (!object.is_object()) throw bad_field(std::string(kName), "chunking_strategy is neither 'auto' nor an object");
    return object;
  }
  for (const auto& [name, values] : form.fields) {
    if (!name.starts_with("chunking_strategy[") || !name.ends_with(']')) continue;
    const std::string key = name.substr(kName.size() + 1, name.size() - kName.size() - 2);
    const nlohmann::json number = nlohmann::json::parse(values.back(), nullptr, false);
    object[key] = number.is_number() ? number : nlohmann::json(values.back());
  }
  return object;
}

void read_chunking(const Form& form, pipeline::BatchedOptions& options) {
  const nlohmann::json object = chunking_object(form);
  if (object.is_null()) return;
  const auto type = object.find("type");
  if (type == object.end() || (*type != "auto" && *type != "server_vad")) {
    throw bad_field("chunking_strategy", "chunking_strategy's type is neither 'auto' nor 'server_vad'");
  }
  options.vad_filter = true;
  const auto number = [&](const char* name, double highest, auto set) {
    const auto found = object.find(name);
    if (found == object.end()) return;
    if (!found->is_number() || found->get<double>() < 0 || found->get<double>() > highest) {
      throw bad_field("chunking_strategy",
                      fmt::format("chunking_strategy's {} must be a number from 0 to {}", name, highest));
    }
    set(found->get<double>());
  };
  pipeline::SpeechOptions& speech = options.segmenter.speech;
  number("threshold", 1, [&](double value) { speech.threshold = value; });
  number("prefix_padding_ms", kLongestMs, [&](double value) { speech.speech_pad_ms = value; });
  number("silence_duration_ms", kLongestMs, [&](double value) { speech.min_silence_duration_ms = value; });
}

}  // namespace

pipeline::BatchedOptions default_options(const FormDefaults& defaults) {
  pipeline::BatchedOptions options;
  options.vad_filter = false;
  options.transcribe.decoding.beam_size = defaults.beam_size;
  if (defaults.translate) options.transcribe.decoding.task = decoding::Task::kTranslate;
  return options;
}

void set_temperature(pipeline::BatchedOptions& options, double temperature) {
  if (temperature > 0) options.transcribe.fallback.temperatures = {temperature};
}

std::optional<std::string> read_language_field(const Form& form) {
  const std::string asked = form.get("language").value_or("");
  if (asked.empty() || asked == "auto") return std::nullopt;
  if (auto code = pipeline::language_code(asked)) return code;
  std::vector<std::string_view> names;
  for (const pipeline::LanguageEntry& language : pipeline::all_languages()) {
    names.push_back(language.name);
    names.push_back(language.code);
  }
  throw bad_field("language", fmt::format("language '{}' is no language Whisper knows{}; give a code such as 'en'",
                                          asked.substr(0, 60), did_you_mean(asked.substr(0, 60), names)));
}

bool read_bool_field(const Form& form, const std::string& name, bool otherwise) {
  const auto text = form.get(name);
  if (!text || text->empty()) return otherwise;
  for (const std::string_view yes : {"true", "1", "yes", "on", "True", "TRUE"}) {
    if (*text == yes) return true;
  }
  for (const std::string_view no : {"false", "0", "no", "off", "False", "FALSE"}) {
    if (*text == no) return false;
  }
  throw bad_field(name, fmt::format("{} '{}' is neither true nor false", name, text->substr(0, 60)));
}

std::optional<double> read_number_field(const Form& form, const std::string& name, double lowest, double highest) {
  const auto text = form.get(name);
  if (!text || text->empty()) return std::nullopt;
  double value = 0;
  const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (problem != std::errc() || end != text->data() + text->size() || !(value >= lowest && value <= highest)) {
    throw bad_field(name,
                    fmt::format("{} '{}' is not a number from {} to {}", name, text->substr(0, 60), lowest, highest));
  }
  return value;
}

TranscriptionParams parse_transcription_form(const Form& form, const FormDefaults& defaults) {
  TranscriptionParams params;
  params.options = default_options(defaults);
  params.model = form.get("model").value_or("");
  params.format = read_format(form);
  read_granularities(form, params);
  read_include(form, params);
  params.stream = read_bool_field(form, "stream", false);
  if (params.stream && params.format != ReplyFormat::kJson && params.format != ReplyFormat::kText &&
      params.format != ReplyFormat::kDiarizedJson) {
    throw bad_field("stream", "stream has a meaning only with response_format 'json', 'text' or 'diarized_json'");
  }
  params.diarize = read_diarize_fields(form, params.format == ReplyFormat::kDiarizedJson);
  params.references = read_speaker_references(form);
  if (!params.references.empty() && !params.diarize) {
    throw bad_field(
        "known_speaker_names",
        "known_speaker_names have a meaning only with response_format 'diarized_json' or enable_diarization");
  }
  pipeline::TranscribeOptions& options = params.options.transcribe;
  options.language = read_language_field(form);
  options.initial_prompt = form.get("prompt").value_or("");
  set_temperature(params.options, read_number_field(form, "temperature", 0, 1).value_or(0));
  read_chunking(form, params.options);
  options.word_timestamps = params.words;
  return params;
}

}  // namespace amanuensis::server
