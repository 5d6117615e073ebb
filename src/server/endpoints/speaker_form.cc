#include "server/endpoints/speaker_form.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "server/endpoints/transcription_form.h"
#include "server/http/http_error.h"

namespace amanuensis::server {
namespace {

constexpr const char* kReferences = "known_speaker_references";
constexpr const char* kNames = "known_speaker_names";
constexpr std::size_t kMostReferences = 4;

// The bytes of base64 text (RFC 4648), white space left out; nothing when it is not that.
std::optional<std::string> decode_base64(std::string_view text) {
  std::string bytes;
  unsigned buffer = 0;
  int bits = 0;
  std::size_t padding = 0;
  for (const char c : text) {
    if (c == '\n' || c == '\r' || c == ' ') continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const std::size_t value = kAlphabet.find(c == '-' ? '+' : c == '_' ? '/' : c);
    if (value == std::string_view::npos || padding > 0) return std::nullopt;
    buffer = (buffer << 6U) | static_cast<unsigned>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes.push_back(static_cast<char>((buffer >> static_cast<unsigned>(bits)) & 0xFFU));
    }
  }
  if (padding > 2) return std::nullopt;
  return bytes;
}

std::optional<std::size_t> read_count(const Form& form, const std::string& name) {
  const auto value = read_number_field(form, name, 0, static_cast<double>(pipeline::kMaxSpeakers));
  if (!value || *value == 0) return std::nullopt;
  if (std::floor(*value) != *value) throw bad_field(name, fmt::format("{} {} is not a whole number", name, *value));
  return static_cast<std::size_t>(*value);
}

}  // namespace

std::optional<pipeline::DiarizeOptions> read_diarize_fields(const Form& form, bool asked) {
  const bool wanted = read_bool_field(form, "enable_diarization", read_bool_field(form, "diarization", asked));
  pipeline::DiarizeOptions options;
  options.num_speakers = read_count(form, "num_speakers");
  options.min_speakers = read_count(form, "min_speakers");
  options.max_speakers = read_count(form, "max_speakers");
  if (options.min_speakers && options.max_speakers && *options.min_speakers > *options.max_speakers) {
    throw bad_field("min_speakers", fmt::format("min_speakers {} is above max_speakers {}", *options.min_speakers,
                                                *options.max_speakers));
  }
  if (!wanted && !asked) return std::nullopt;
  return options;
}

std::vector<SpeakerReference> read_speaker_references(const Form& form) {
  const std::vector<std::string> names = form.list(kNames);
  const std::vector<std::string> references = form.list(kReferences);
  if (names.size() != references.size()) {
    throw bad_field(kNames, fmt::format("there are {} known_speaker_names and {} known_speaker_references; each name "
                                        "needs its reference",
                                        names.size(), references.size()));
  }
  if (names.size() > kMostReferences) {
    throw bad_field(kNames, fmt::format("there are {} known_speaker_names; at most {} may be given", names.size(),
                                        kMostReferences));
  }
  std::vector<SpeakerReference> result;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty()) throw bad_field(kNames, "a known speaker's name is empty");
    std::string_view text = references[i];
    const std::size_t comma = text.find(";base64,");
    if (!text.starts_with("data:") || comma == std::string_view::npos) {
      throw bad_field(kReferences, fmt::format("the reference of '{}' is no data URL (data:audio/wav;base64,...)",
                                               names[i].substr(0, 60)));
    }
    auto bytes = decode_base64(text.substr(comma + 8));
    if (!bytes || bytes->empty()) {
      throw bad_field(kReferences, fmt::format("the reference of '{}' is not base64", names[i].substr(0, 60)));
    }
    result.push_back({names[i], std::move(*bytes)});
  }
  return result;
}

std::vector<pipeline::KnownVoice> known_voices(const pipeline::Diarizer& diarizer,
                                               const std::vector<SpeakerReference>& references) {
  std::vector<pipeline::KnownVoice> known;
  for (const SpeakerReference& reference : references) {
    try {
      known.push_back(
          {reference.name, diarizer.voice_of_file(std::as_bytes(std::span(reference.audio)), reference.name)});
    } catch (const Error& error) {
      throw bad_field(kReferences,
                      fmt::format("the reference of '{}': {}", reference.name.substr(0, 60), error.what()));
    }
  }
  return known;
}

}  // namespace amanuensis::server
