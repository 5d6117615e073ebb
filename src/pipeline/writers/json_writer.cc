#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

#include "pipeline/writers/formats.h"
#include "pipeline/writers/python_text.h"

namespace amanuensis::pipeline {
namespace {

// Writes the items of a list with Python's separator between them.
template <typename List, typename WriteItem>
void write_list(const List& list, std::string_view open, std::string_view close, std::ostream& out,
                const WriteItem& write_item) {
  out << open;
  bool first = true;
  for (const auto& item : list) {
    if (!first) out << ", ";
    first = false;
    write_item(item);
  }
  out << close;
}

// As whisperX names it; nothing where speakers were not told apart.
void write_speaker(const std::string& speaker, std::ostream& out) {
  if (!speaker.empty()) out << R"(, "speaker": )" << json_string(speaker);
}

// {"count", "labels", "speaking_time"}
void write_speakers(const Transcript& transcript, std::ostream& out) {
  out << R"(, "speakers": {"count": )" << transcript.speakers.size() << R"(, "labels": )";
  write_list(transcript.speakers, "[", "]", out,
             [&out](const TranscriptSpeaker& speaker) { out << json_string(speaker.label); });
  out << R"(, "speaking_time": )";
  write_list(transcript.speakers, "{", "}", out, [&out](const TranscriptSpeaker& speaker) {
    out << json_string(speaker.label) << ": " << json_number(std::round(speaker.speaking_s * 1000) / 1000);
  });
  out << R"(}, "diarization_model": )" << json_string(transcript.diarization_model);
}

void write_word(const Word& word, std::ostream& out) {
  out << R"({"word": )" << json_string(word.word) << R"(, "start": )" << json_number(word.start_s) << R"(, "end": )"
      << json_number(word.end_s) << R"(, "probability": )" << json_number(word.probability);
  write_speaker(word.speaker, out);
  out << '}';
}

void write_segment(const Segment& segment, bool has_words, std::ostream& out) {
  out << R"({"id": )" << fmt::to_string(segment.id) << R"(, "seek": )" << fmt::to_string(segment.seek)
      << R"(, "start": )" << json_number(segment.start_s) << R"(, "end": )" << json_number(segment.end_s)
      << R"(, "text": )" << json_string(segment.text) << R"(, "tokens": )";
  write_list(segment.tokens, "[", "]", out, [&out](model::TokenId token) { out << fmt::to_string(token); });
  out << R"(, "temperature": )" << json_number(segment.temperature) << R"(, "avg_logprob": )"
      << json_number(segment.avg_logprob) << R"(, "compression_ratio": )" << json_number(segment.compression_ratio)
      << R"(, "no_speech_prob": )" << json_number(segment.no_speech_prob);
  // A segment cleared for having no text has an empty list of words in OpenAI's result, even when words were not asked
  // for.
  if (has_words || (segment.text.empty() && segment.tokens.empty())) {
    out << R"(, "words": )";
    write_list(segment.words, "[", "]", out, [&out](const Word& word) { write_word(word, out); });
  }
  write_speaker(segment.speaker, out);
  out << '}';
}

}  // namespace

void write_json(const Transcript& transcript, const WriterOptions& /*options*/, std::ostream& out) {
  const bool has_words =
      std::ranges::any_of(transcript.segments, [](const Segment& segment) { return !segment.words.empty(); });
  out << R"({"text": )" << json_string(transcript.text) << R"(, "segments": )";
  write_list(transcript.segments, "[", "]", out, [&](const Segment& s) { write_segment(s, has_words, out); });
  out << R"(, "language": )" << json_string(transcript.language);
  if (!transcript.language_probabilities.empty()) {
    out << R"(, "language_probabilities": )";
    write_list(transcript.language_probabilities, "{", "}", out, [&out](const auto& language) {
      out << json_string(language.first) << ": " << json_number(language.second);
    });
  }
  if (!transcript.diarization_model.empty()) write_speakers(transcript, out);
  out << '}';
}

}  // namespace amanuensis::pipeline
