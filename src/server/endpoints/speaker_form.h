// The form fields that ask who speaks, read and checked: of OpenAI's calls, jobs and the old address alike. Parsing is
// pure; the voices of references are computed on a thread that may block.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pipeline/diarize/diarizer.h"
#include "server/upload/form.h"

namespace amanuensis::server {

// A known speaker as a client names one: a name and a few seconds of audio.
struct SpeakerReference {
  std::string name;
  std::string audio;  // a media file's bytes
};

// enable_diarization (or diarization), num_speakers, min_speakers, max_speakers; nothing when it is not asked for.
// `asked` when something else in the form asks for it. Throws HttpError 400 naming the field.
std::optional<pipeline::DiarizeOptions> read_diarize_fields(const Form& form, bool asked = false);

// known_speaker_names[] and known_speaker_references[] (data URLs, base64), as many of one as of the other and at most
// four pairs, as OpenAI has them. Throws HttpError 400 naming the field.
std::vector<SpeakerReference> read_speaker_references(const Form& form);

// Blocks while it computes. Throws HttpError 400 for audio that cannot be read or holds no speech.
std::vector<pipeline::KnownVoice> known_voices(const pipeline::Diarizer& diarizer,
                                               const std::vector<SpeakerReference>& references);

}  // namespace amanuensis::server
