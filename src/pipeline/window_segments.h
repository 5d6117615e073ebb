// A decoded window cut into segments at its time tokens, and how far the next window moves on (openai/whisper,
// transcribe.py). Pure; any thread.
#pragma once

#include <cstddef>
#include <vector>

#include "decoding/decode_window.h"
#include "model/tokenizer/tokenizer.h"
#include "pipeline/transcript.h"

namespace amanuensis::pipeline {

// Where a window lies in the audio, in log-mel frames of 10 ms.
struct WindowPlace {
  std::size_t seek = 0;
  std::size_t frames = 0;  // of content; the rest of the window is padding
};

struct WindowSegments {
  std::vector<Segment> segments;   // ids are left at 0
  std::size_t advance_frames = 0;  // from this window's first frame to the next window's; at least 1 unless frames is 0
  bool ends_in_silence = false;    // the text ends with a single time token: nothing is said after it
};

// Segments without length or text say nothing: they are cleared, at once or by the caller, once they have words.
enum class EmptySegments { kClear, kKeep };

// Cuts between two time tokens that follow each other; text after the last such pair is left for the next window, which
// begins there. Without a pair the window is one segment, up to its last time token if it has one.
WindowSegments cut_window(const decoding::WindowResult& result, const WindowPlace& place,
                          const model::Tokenizer& tokenizer, EmptySegments empty = EmptySegments::kClear);

// The text tokens from `first` on, `count` tokens of the window.
std::vector<ScoredToken> scored_tokens(const decoding::WindowResult& result, std::size_t first, std::size_t count,
                                       const model::Tokenizer& tokenizer);

// Takes text, tokens and words from a segment that has no length or no text.
void clear_if_empty(Segment& segment);

}  // namespace amanuensis::pipeline
