// Who speaks when: turns of speakers, what a diarization is made of, and what is done to turns as such. Plain values
// and pure functions; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace amanuensis::pipeline {

struct SpeakerTurn {
  double start_s = 0;
  double end_s = 0;
  std::size_t speaker = 0;  // index into Diarization::speakers

  bool operator==(const SpeakerTurn&) const = default;
};

struct DiarizedSpeaker {
  std::string label;         // "SPEAKER_00", or the name of a known voice
  double speaking_s = 0;     // time in which this speaker speaks, alone or not
  std::vector<float> voice;  // unit vector of the embedder that was used; empty in channel mode
};

struct Diarization {
  // By start; turns of different speakers may overlap, those of one do not.
  std::vector<SpeakerTurn> turns;
  // In the order in which they first speak.
  std::vector<DiarizedSpeaker> speakers;
  double duration_s = 0;  // of the audio
  std::string model;      // what told the voices apart: "builtin", "pyannote-segmentation-3.0 + wespeaker", "channels"
};

struct TurnSmoothing {
  // A speaker who goes on within this time, without anybody else in between, has not stopped.
  double max_gap_s = 0.5;
  // Turns shorter than this go to the neighbour that touches them, or away.
  double min_turn_s = 0.2;
};

// Fills gaps and removes turns that are too short to be anybody's; sorts by start.
std::vector<SpeakerTurn> smooth_turns(std::vector<SpeakerTurn> turns, const TurnSmoothing& options);

// Numbers the speakers by their first turn, leaves out those without any, sums up their times and gives labels
// SPEAKER_00, SPEAKER_01, ... `speakers` are as many as the turns name, in the turns' numbering; labels they already
// have stay.
Diarization make_diarization(std::vector<SpeakerTurn> turns, std::vector<DiarizedSpeaker> speakers, double duration_s);

// "SPEAKER_00" for 0.
std::string speaker_label(std::size_t index);

}  // namespace amanuensis::pipeline
