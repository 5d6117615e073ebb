// The bundled demo checkpoint, ready to transcribe. Header only.
#pragma once

#include "model/checkpoint/checkpoint.h"
#include "model/tokenizer/tokenizer.h"
#include "model/whisper/whisper_model.h"
#include "support/cpu_machine.h"
#include "support/goldens.h"

namespace amanuensis::test {

struct DemoModel {
  CpuMachine machine;
  model::Checkpoint checkpoint = model::open_checkpoint(source_path("models/demo"));
  model::WhisperModel model{checkpoint, machine.backend()};
  model::Tokenizer tokenizer{checkpoint.vocabulary};
};

}  // namespace amanuensis::test
