// Recordings with one speaker a channel: no voices have to be told apart, only speech found in each channel. Pure
// functions; any thread.
#pragma once

#include <string>
#include <vector>

#include "pipeline/diarize/turns.h"
#include "pipeline/transcript.h"

namespace amanuensis::pipeline {

struct ChannelSpeakers {
  Diarization diarization;
  std::vector<std::string> labels;  // of each channel's speaker; empty for one without speech
};

// What each channel's own diarization, told that there is one speaker, found. Channels without speech have no speaker.
ChannelSpeakers join_channels(const std::vector<Diarization>& channels);

// The transcripts of the channels, each diarized as one speaker, as one: segments by time, numbered anew, each with its
// channel's speaker. A channel without speech or without text has none. The language is the first channel's that says
// something.
Transcript join_transcripts(std::vector<Transcript> channels);

}  // namespace amanuensis::pipeline
