#!/usr/bin/env bash
# Builds and runs the tests under a sanitizer preset.
#   tools/sanitize.sh asan|tsan [--subset [ROOM ...]]
# --subset leaves out what takes minutes and finds nothing new. Tests are chosen by room (their ctest label) and by name,
# so that a new test falls in by itself: asan takes every room's tests but whole-model comparisons, tsan the rooms that
# run threads; or the rooms named.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1:suppressions='$PWD/tools/tsan.supp'"
# Minutes of arithmetic each under a sanitizer, along paths that smaller tests take as well.
slow='Golden|Fidelity|ComputeTypes|NpuBackendTest|ManyAtOnceComeOut|WhatIsCommittedIsWhat'
rooms=(base kernels audio transfer storage device model decoding pipeline fleet server cli)
if [ "$preset" = tsan ]; then
  rooms=(base device decoding pipeline fleet server)
  # One thread each, and minutes of it; threads meet in the tests of the pool, the scheduler and the engine that are left.
  slow+='|WordTimes|Segmenter|SpectralDetector|Recordings|TranscriberTest|SaysTheSameWords|TellsEverything|WordsCome'
fi
filter=()
targets=(all)
if [ "${2:-}" = --subset ]; then
  [ $# -gt 2 ] && rooms=("${@:3}")
  targets=("${rooms[@]/%/_tests}")
  # Those in small letters run the program, which a subset does not build.
  filter=(-L "^($(IFS='|'; echo "${rooms[*]}"))\$" -E "$slow|^fleet\.|^storage\.")
fi
# Not every system lets them run: the thread sanitizer needs addresses that are not too random (a container may forbid
# turning that off), leaks are found by tracing the process.
probe=$(mktemp -d)
trap 'rm -rf "$probe"' EXIT
flag=thread
[ "$preset" = asan ] && flag=address
echo 'int main() { return 0; }' | g++ -x c++ -fsanitize="$flag" -o "$probe/probe" -
runs() { "$@" "$probe/probe" >"$probe/log" 2>&1; }
prefix=()
if ! runs; then
  if [ "$preset" = asan ]; then
    export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
    echo "sanitize: leaks cannot be looked for on this system: $(tail -1 "$probe/log")"
  else
    prefix=(setarch "$(uname -m)" -R)
  fi
  if ! runs "${prefix[@]}"; then
    echo "sanitize: SKIPPED, the $flag sanitizer cannot run on this system: $(tail -1 "$probe/log")"
    exit 0
  fi
fi
"${prefix[@]}" tools/build.sh "$preset" "${targets[@]}"
"${prefix[@]}" ctest --preset "$preset" -j "$(nproc)" "${filter[@]}" --no-tests=error
