// The fields of OpenAI's transcription and translation calls, read and checked. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pipeline/engine.h"
#include "server/endpoints/speaker_form.h"
#include "server/upload/form.h"

namespace amanuensis::server {

enum class ReplyFormat { kJson, kText, kSrt, kVerboseJson, kVtt, kDiarizedJson };

struct TranscriptionParams {
  std::string model;  // as the client names it
  ReplyFormat format = ReplyFormat::kJson;
  bool segments = true;  // of verbose_json
  bool words = false;
  bool logprobs = false;
  bool stream = false;
  pipeline::BatchedOptions options;
  std::optional<pipeline::DiarizeOptions> diarize;  // absent: not asked for
  std::vector<SpeakerReference> references;
};

struct FormDefaults {
  bool translate = false;
  std::size_t beam_size = 1;
};

// Throws HttpError 400 naming the field.
TranscriptionParams parse_transcription_form(const Form& form, const FormDefaults& defaults);

// What several endpoints read alike; all throw HttpError 400 naming the field.
// "auto", "" and absence: to be detected.
std::optional<std::string> read_language_field(const Form& form);
bool read_bool_field(const Form& form, const std::string& name, bool otherwise);
std::optional<double> read_number_field(const Form& form, const std::string& name, double lowest, double highest);
// 0 is OpenAI's ladder of temperatures; another is tried alone.
void set_temperature(pipeline::BatchedOptions& options, double temperature);
// The decoding that every request has here.
pipeline::BatchedOptions default_options(const FormDefaults& defaults);

}  // namespace amanuensis::server
