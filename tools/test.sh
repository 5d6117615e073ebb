#!/usr/bin/env bash
# Everything that must hold before a change is accepted: formatting, all tests of the release build, the sanitizer
# subset, and a short run of each fuzz harness.
#   tools/test.sh            all of it
#   tools/test.sh --quick    the release build's tests alone
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '== %s\n' "$*"; }

step "building (release)"
tools/build.sh release all
if [ "${1:-}" != --quick ]; then
  step "sanitizers: address and undefined behaviour"
  tools/sanitize.sh asan --subset
  step "sanitizers: threads"
  tools/sanitize.sh tsan --subset
  step "fuzz harnesses"
  tools/fuzz.sh "${FUZZ_SECONDS:-10}"
fi
# Last, so that its summary line closes the run.
step "tests (release)"
ctest --preset release -j "$(nproc)" --no-tests=error
