#!/usr/bin/env bash
# Builds and runs the tests under a sanitizer preset.
#   tools/sanitize.sh asan|tsan [--subset]
# --subset is what every test run can afford: the rooms that parse foreign bytes or do arithmetic in memory (asan), without
# whole-model goldens, and the rooms that have threads (tsan).
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=halt_on_error=1
filter=()
targets=(all)
if [ "${2:-}" = --subset ]; then
  case $preset in
    asan) filter=(-E "Golden|Fidelity|_NOT_BUILT"); targets=(base_tests kernels_tests audio_tests model_tests) ;;
    tsan) filter=(-R "ThreadPool|Backend"); targets=(base_tests device_tests) ;;
  esac
fi
tools/build.sh "$preset" "${targets[@]}"
ctest --preset "$preset" -j "$(nproc)" "${filter[@]}" --no-tests=error
