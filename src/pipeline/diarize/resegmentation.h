// Who speaks in each short cell of the speech, given a first guess: a hidden Markov model with one state a speaker,
// whose voices and path are estimated in turn (Viterbi training). Decides where turns begin and end. Pure functions;
// any thread.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "pipeline/diarize/clustering.h"
#include "pipeline/segment/speech_spans.h"

namespace amanuensis::pipeline {

struct ResegmentOptions {
  // What a change of speaker costs, in cosine similarity summed over cells; less where there is a pause.
  double change_cost = 0.8;
  double change_cost_in_pause = 0.3;
  std::size_t rounds = 4;
};

// cells: the speech in order, each with its vector; labels: a first guess for each, changed in place. A speaker may
// lose all cells; the numbers then have a gap.
void resegment(std::span<const SpeechSpan> cells, const VoiceVectors& vectors, std::size_t speakers,
               const ResegmentOptions& options, std::vector<std::size_t>& labels);

}  // namespace amanuensis::pipeline
