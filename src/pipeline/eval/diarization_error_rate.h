// Diarization error rate: which share of what was said was missed, invented or given to the wrong speaker, once the
// hypothesis's speakers are named after the reference's in the best way (NIST, Rich Transcription 2006). Defined as
// pyannote.metrics' DiarizationErrorRate does it: speech of several people at once counts once for each of them, and
// two overlapping turns of one speaker count twice. Pure functions; may be called from any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/eval/rttm.h"

namespace amanuensis::pipeline {

struct TimeSpan {
  double start_s = 0;
  double end_s = 0;
};

struct DerOptions {
  // This much around every boundary of a reference turn is not scored, half of it on each side (pyannote.metrics;
  // NIST's md-eval takes its collar on each side, so that its 0.25 is 0.5 here). Seconds.
  double collar_s = 0;
  // Where two reference turns overlap nothing is scored.
  bool skip_overlap = false;
  // What is scored; when not given, from the first to the last boundary of either side.
  std::optional<std::vector<TimeSpan>> scored = std::nullopt;
};

// Seconds, each counted once for each turn that runs.
struct DerComponents {
  double total_s = 0;  // said, by the reference
  double correct_s = 0;
  double confusion_s = 0;    // given to another speaker
  double missed_s = 0;       // said, not found
  double false_alarm_s = 0;  // found, not said

  // Errors per second said; may exceed 1. With nothing said: 0 when nothing was found, else 1.
  double rate() const;
  DerComponents& operator+=(const DerComponents& other);
};

struct DerResult {
  DerComponents components;
  // Which reference speaker each of the hypothesis's stands for: (hypothesis, reference). Speakers without a
  // counterpart are left out.
  std::vector<std::pair<std::string, std::string>> mapping;
};

// Turns of one recording. Turns shorter than a microsecond are not there. Takes time in the number of turns times how
// many of them run at once.
DerResult diarization_error_rate(std::span<const RttmTurn> reference, std::span<const RttmTurn> hypothesis,
                                 const DerOptions& options);

}  // namespace amanuensis::pipeline
