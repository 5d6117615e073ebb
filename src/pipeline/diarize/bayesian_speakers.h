// How many speak in a recording and who in each cell of it, by a hidden Markov model with a state a speaker whose
// voices are drawn from what is known of voices at all, solved by variational Bayes (VBx: Landini et al. 2022). Begins
// with more speakers than there are; those that explain nothing fade away. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "model/speaker/voice_net.h"
#include "pipeline/diarize/clustering.h"
#include "pipeline/segment/speech_spans.h"

namespace amanuensis::pipeline {

struct BayesOptions {
  // How much each cell counts: cells overlap, so that they say less than as many independent ones.
  double evidence = 0.3;
  // How much a speaker more costs: larger means fewer.
  double speaker_cost = 15;
  // How likely the next cell is of the same speaker, and the one after a pause.
  double stay = 0.99;
  double stay_after_pause = 0.9;
  std::size_t rounds = 30;
};

// Vectors in a space in which those of one speaker scatter by 1 in every direction: [cells, space.width].
std::vector<float> in_voice_space(const VoiceVectors& vectors, const model::VoiceSpace& space);

struct VoiceCells {
  std::span<const SpeechSpan> spans;  // in order
  std::vector<float> values;          // [spans, the space's width]
};

struct VoiceExplanation {
  std::vector<std::size_t> labels;  // of the cells; the numbers may have gaps
  // How much likelier each cell is of its speaker than of any other who has a share of the recording: the logarithm,
  // endless where there is no other.
  std::vector<float> margins;
  // A lower bound of the logarithm of how likely the recording is, but for a constant of it: of several explanations
  // with the same options the one with the highest is to be believed.
  double bound = 0;
};

// labels: a first guess of at most `speakers`; which of the explanations that nothing near it betters is found depends
// on it.
VoiceExplanation explain_voices(const VoiceCells& cells, const model::VoiceSpace& space, const BayesOptions& options,
                                std::size_t speakers, std::span<const std::size_t> labels);

}  // namespace amanuensis::pipeline
