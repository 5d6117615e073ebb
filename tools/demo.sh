#!/usr/bin/env bash
# What `make demo` shows: the bundled recordings, transcribed by the bundled model and measured against their true texts.
set -euo pipefail
cd "$(dirname "$0")/.."
build/release/bin/amanuensis demo
cat <<'NEXT'
The bundled model knows only a small world of sentences (models/demo/MODEL_CARD.md). For real speech:

  build/release/bin/amanuensis models pull base
  build/release/bin/amanuensis transcribe --model base YOUR_RECORDING
NEXT
