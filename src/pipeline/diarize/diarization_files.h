// A diarization as a file: RTTM (one line a turn), JSON, or text for people. Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>

#include "pipeline/diarize/turns.h"

namespace amanuensis::pipeline {

// "SPEAKER talk 1 0.500 2.250 <NA> <NA> SPEAKER_00 <NA> <NA>" for each turn (NIST, "The 2009 Rich Transcription Meeting
// Recognition Evaluation Plan", appendix A). Spaces, which the format has no place for, become '_' in names.
std::string diarization_rttm(const Diarization& diarization, std::string_view recording);

// {"duration", "model", "speakers": {"count", "labels", "speaking_time"}, "turns": [{"start", "end", "speaker"}]}
std::string diarization_json(const Diarization& diarization);

// "[00:00.500 --> 00:02.750]  SPEAKER_00" for each turn, then each speaker's time.
std::string diarization_text(const Diarization& diarization);

}  // namespace amanuensis::pipeline
