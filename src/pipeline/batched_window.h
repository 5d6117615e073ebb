// One window of speech in batched transcription: its log-mel, what its decoded text becomes, and the way back to the
// times of the original audio. Every window is decoded on its own, so that, unlike in the sequential algorithm, nothing
// that it leaves open can be left to the next one. Values and pure functions; any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "audio/log_mel.h"
#include "base/aligned_buffer.h"
#include "decoding/decode_window.h"
#include "model/tokenizer/tokenizer.h"
#include "pipeline/align/word_times.h"
#include "pipeline/segment/audio_window.h"
#include "pipeline/transcript.h"
#include "pipeline/window_segments.h"

namespace amanuensis::pipeline {

// Log-mel frames of so many samples.
std::size_t content_frames(std::size_t samples);

// Log-mel [n_mels, window_frames] of a window's samples, at most window_frames of content; the rest is filled with the
// value 0 after normalisation, as openai/whisper pads its last window.
AlignedBuffer<float> window_log_mel(std::span<const float> samples, const audio::MelFilters& filters,
                                    std::size_t window_frames, const audio::LogMelOptions& options);

// Drops the first `frames` frames of a window's log-mel and fills up with 0.
void shift_log_mel(TensorView<float> log_mel, std::size_t frames);

struct CutOptions {
  // Whether the text was cut off for its length, so that what follows the last pair of time tokens is incomplete.
  bool cut_off = false;
  EmptySegments empty = EmptySegments::kClear;
};

struct BatchedCut {
  std::vector<Segment> segments;   // times count from the whole window's first frame; ids are 0
  std::size_t advance_frames = 0;  // where a window that continues this one begins; 0: this one is complete
};

// Cuts as cut_window() does, then sees to what comes after the last pair of time tokens: complete text there is a
// segment that ends with the window; audio that the model has left open (no text, or text that was cut off) is to be
// decoded in a window of its own.
BatchedCut cut_batched(const decoding::WindowResult& result, const WindowPlace& place,
                       const model::Tokenizer& tokenizer, const CutOptions& options);

// Turns times in the window into times in the original audio, for segments and their words. A segment never leaves the
// speech that the window was made of.
void move_to_original(std::span<Segment> segments, const AudioWindow& window);

}  // namespace amanuensis::pipeline
