#!/usr/bin/env bash
# Builds and runs the benchmarks; arguments go to each of them (e.g. --benchmark_filter=gemm).
set -euo pipefail
cd "$(dirname "$0")/.."
tools/build.sh release benchmarks
for bench in build/release/bin/*_bench; do "$bench" "$@"; done
