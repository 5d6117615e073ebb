// Transcripts as JSON: the replies of OpenAI's API, and a form that loses nothing, in which they are stored. Pure
// functions; any thread.
#pragma once

#include <string>
#include <string_view>

#include "pipeline/transcript.h"
#include "pipeline/transcript_json.h"

namespace amanuensis::server {

// The form in which transcripts are stored is pipeline's.
using pipeline::full_json;
using pipeline::parse_full_json;
using pipeline::segment_json;
using pipeline::trimmed_text;

// {"text", "usage"}; with logprobs, one entry a text token.
std::string openai_json(const pipeline::Transcript& transcript, bool with_logprobs);
// The `logprobs` array: [{"token", "logprob", "bytes"}], of each text token.
std::string openai_logprobs(const pipeline::Transcript& transcript);
std::string openai_logprobs(const pipeline::Segment& segment);

struct VerboseOptions {
  bool segments = true;
  bool words = false;
  std::string_view task = "transcribe";
};
std::string openai_verbose_json(const pipeline::Transcript& transcript, const VerboseOptions& options);

// OpenAI's diarized_json: {"task", "duration", "text", "segments": [{"type", "id", "start", "end", "text", "speaker"}],
// "usage"}.
std::string openai_diarized_json(const pipeline::Transcript& transcript);
// One of its segments, as it is and as the event of a stream.
std::string openai_diarized_segment(const pipeline::Segment& segment);

// With one of pipeline's writers: "txt", "srt", "vtt", "tsv", "json". Throws Error{kInvalidArgument} for another.
std::string written(const pipeline::Transcript& transcript, std::string_view format);

}  // namespace amanuensis::server
