#!/usr/bin/env bash
# Builds the program with what it is compared with, measures kernels, models of random weights and whole transcriptions
# with them, and leaves the results, as JSON and as pictures, in build/bench-results. Takes a few minutes, of a machine
# that should be doing nothing else. Models: the names given, else tiny and base; e.g. `tools/bench.sh base large-v3`.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/build.sh release amanuensis bench_peers
program=build/release/bin/amanuensis
results=build/bench-results
mkdir -p "$results"
[ $# -gt 0 ] || set -- tiny base

echo "bench: kernels -> $results/kernels.json, kernels.svg" >&2
"$program" bench kernels --json --chart "$results/kernels.svg" >"$results/kernels.json"
for size in "$@"; do
  for type in int8 bfloat16 float32; do
    name=model-$size-$type
    echo "bench: model $size, $type -> $results/$name.json, $name.svg" >&2
    "$program" bench model --random "$size" --compute-type "$type" --json --chart "$results/$name.svg" \
      >"$results/$name.json"
  done
done
for size in "$@"; do
  name=pipeline-$size
  echo "bench: pipeline $size, int8 -> $results/$name.json" >&2
  "$program" bench pipeline --random "$size" --compute-type int8 --json >"$results/$name.json"
done
