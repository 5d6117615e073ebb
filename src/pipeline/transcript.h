// A finished transcription, as plain values: what the writers write and the server serialises.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "model/tokenizer/vocabulary.h"

namespace amanuensis::pipeline {

struct Word {
  std::string word;  // with its leading space, as Whisper writes it
  double start_s = 0;
  double end_s = 0;
  double probability = 0;
  std::string speaker = {};  // a label; empty unless speakers were told apart
};

// A text token as it was decoded.
struct ScoredToken {
  std::string bytes;   // may begin or end inside a UTF-8 character
  double logprob = 0;  // natural logarithm of its probability, after the logit rules
};

// One segment, with the fields of openai/whisper's result (transcribe.py).
struct Segment {
  std::size_t id = 0;
  std::size_t seek = 0;  // the window's first frame (10 ms each)
  double start_s = 0;
  double end_s = 0;
  std::string text;
  std::vector<model::TokenId> tokens = {};
  std::vector<ScoredToken> scored_tokens = {};  // the text tokens among them
  double temperature = 0;
  double avg_logprob = 0;
  double compression_ratio = 0;
  double no_speech_prob = 0;
  std::vector<Word> words = {};  // empty unless word times were asked for
  std::string speaker = {};      // a label; empty unless speakers were told apart
};

struct TranscriptSpeaker {
  std::string label;      // "SPEAKER_00", or the name of a known voice
  double speaking_s = 0;  // in the whole recording
};

struct Transcript {
  std::string text;
  std::vector<Segment> segments;
  std::string language;  // a code such as "en"
  // Of the window the language was detected from, likeliest first; empty when the caller named the language.
  std::vector<std::pair<std::string, double>> language_probabilities;
  double duration_s = 0;  // of the audio
  // What told the speakers apart; empty unless that was asked for.
  std::string diarization_model = {};
  // In the order in which they first speak.
  std::vector<TranscriptSpeaker> speakers = {};
};

}  // namespace amanuensis::pipeline
