#!/usr/bin/env bash
# Builds the libFuzzer harnesses and runs each for a while, beginning with its committed corpus. A crash leaves its input
# in build/fuzz/fuzz/ and fails the run.
#   tools/fuzz.sh [SECONDS_EACH [HARNESS ...]]      a harness without its _fuzz, e.g. ggml
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
mapfile -t harnesses < <(basename -s .cc -a fuzz/*_fuzz.cc)
if [ $# -gt 1 ]; then harnesses=("${@:2}"); harnesses=("${harnesses[@]/%/_fuzz}"); fi
tools/build.sh fuzz "${harnesses[@]}"
for name in "${harnesses[@]}"; do
  corpus=fuzz/corpus/${name%_fuzz}
  work=build/fuzz/fuzz/corpus/$name
  mkdir -p "$work"
  # Inputs found here stay in the build folder; the committed corpus is read only.
  "build/fuzz/bin/$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix=build/fuzz/fuzz/ "$work" "$corpus" >"build/fuzz/fuzz/$name.log" 2>&1 || {
    tail -40 "build/fuzz/fuzz/$name.log" >&2
    echo "fuzz: $name failed; its input is in build/fuzz/fuzz/" >&2
    exit 1
  }
  printf '%-20s %s runs in %s s, no failure\n' "$name" "$(awk '/number_of_executed_units/{print $2}' "build/fuzz/fuzz/$name.log")" "$seconds"
done
