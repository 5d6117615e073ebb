// What all our JSON forms of a transcript have in common. For the files that write such forms; any thread.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "pipeline/transcript.h"

namespace amanuensis::pipeline {

using OrderedJson = nlohmann::ordered_json;

// Without white space; bytes that are no UTF-8 are replaced.
std::string dumped(const OrderedJson& json);
// Times and numbers as people read them; what is not finite is 0.
double rounded(double value, double per_unit);
// A thousandth of a second is below what the model knows.
double rounded_seconds(double value);
// Everything but words and speaker.
OrderedJson segment_numbers(const Segment& segment);
OrderedJson word_json(const Word& word, bool trimmed);
// "speaker", unless it is empty.
void add_speaker(const std::string& speaker, OrderedJson& json);
// "speakers" and "diarization_model", where speakers were told apart.
void add_speakers(const Transcript& transcript, OrderedJson& json);

}  // namespace amanuensis::pipeline
