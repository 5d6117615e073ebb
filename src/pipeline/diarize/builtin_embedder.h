// The embedding that needs no download: the project's own network (model/speaker/voice_net.h) over log-mel frames of
// the recording. It keeps 40 bytes for each 10 ms (14 MB an hour) and takes the mean of the recording's speech off, so
// that the microphone and the line, which all its speakers share, do not count. Any thread; calls of one embedder take
// turns.
#pragma once

#include <memory>

#include "device/backend.h"
#include "pipeline/diarize/speaker_embedder.h"

namespace amanuensis::pipeline {

// `backend` must compute in float32, outlive the embedder, and be used by nobody else meanwhile.
std::unique_ptr<SpeakerEmbedder> make_builtin_embedder(device::Backend& backend);

}  // namespace amanuensis::pipeline
