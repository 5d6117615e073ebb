// A transcription that also finds out who speaks: the engine's request, changed so that its audio is heard by a
// diarization while it is read, and its transcript has speakers when it is handed out. Any thread.
#pragma once

#include <memory>

#include "pipeline/diarize/diarizer.h"
#include "pipeline/engine.h"

namespace amanuensis::pipeline {

// Audio that a session hears while it is read.
AudioSourceOpener heard_by(AudioSourceOpener audio, std::shared_ptr<DiarizationSession> session);

// Word times are switched on; segments are told once the speakers are known, all of them just before the end.
// Engine::Handle::wait() returns the transcript without speakers: take that of on_end. `diarizer` must outlive the
// request. Throws as check_diarize_options does.
EngineRequest with_speakers(EngineRequest request, const Diarizer& diarizer, const DiarizeOptions& options);

}  // namespace amanuensis::pipeline
