// A transcript and a diarization of one recording become one: every word and segment gets its speaker. Pure functions;
// any thread.
#pragma once

#include "pipeline/diarize/turns.h"
#include "pipeline/transcript.h"

namespace amanuensis::pipeline {

// A word goes to the speaker whose turns overlap it most; one between turns to the nearest turn. A run of one or two
// words, or under 0.6 s, inside a sentence of somebody else goes to the sentence's speaker. A segment in which the
// speaker changes is cut there: its words, text and times are shared out, its tokens stay with the first part, and all
// segments are numbered anew. A segment without word times goes as a whole to whom most of it overlaps.
void assign_speakers(const Diarization& diarization, Transcript& transcript);

}  // namespace amanuensis::pipeline
