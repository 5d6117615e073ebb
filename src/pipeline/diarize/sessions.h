// The ways of diarizing one recording, behind Diarizer::open: for diarizer.cc alone.
#pragma once

#include <memory>
#include <string>

#include "pipeline/diarize/diarizer.h"

namespace amanuensis::pipeline {

// Voice activity, changes of voice, clustering of pieces, resegmentation. What `parts` refers to must outlive the
// session.
std::unique_ptr<DiarizationSession> open_voice_session(const DiarizerParts& parts, std::string model,
                                                       const DiarizeOptions& options);

// What a local segmenter hears in overlapping windows, the voices of its speakers, clustering, votes on each frame.
// `parts` as above, with a segmenter of at most eight speakers a window and an embedder that heeds the weights of
// regions.
std::unique_ptr<DiarizationSession> open_segmented_session(const DiarizerParts& parts, std::string model,
                                                           const DiarizeOptions& options);

}  // namespace amanuensis::pipeline
