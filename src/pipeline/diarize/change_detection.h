// Speech cut into cells of a quarter of a second, and these into pieces in which nobody else begins. Pure functions;
// any thread.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "pipeline/diarize/clustering.h"
#include "pipeline/segment/speech_spans.h"

namespace amanuensis::pipeline {

// Each span cut into equal cells of about a quarter of a second, in order.
std::vector<SpeechSpan> cut_into_cells(std::span<const SpeechSpan> speech);

// For each cell the stretch of `window_s` around it, as far as its span goes.
std::vector<SpeechSpan> windows_around(std::span<const SpeechSpan> cells, std::span<const SpeechSpan> speech,
                                       double window_s);

// The first cell of each piece: where a span begins, where the voices before and behind differ more than anywhere near,
// and where a piece would get longer than max_piece_s.
std::vector<std::size_t> find_changes(std::span<const SpeechSpan> cells, const VoiceVectors& vectors,
                                      double max_piece_s);

}  // namespace amanuensis::pipeline
