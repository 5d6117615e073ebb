#!/usr/bin/env bash
# Configures (when needed) and builds one CMake preset.
#   tools/build.sh PRESET [TARGET ...]      without a target: the program alone
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1; shift
[ $# -gt 0 ] || set -- amanuensis
log=build/$preset.log
mkdir -p build
[ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
if [ -t 1 ] || [ -n "${VERBOSE:-}" ]; then
  cmake --build --preset "$preset" --target "$@"
else
  cmake --build --preset "$preset" --target "$@" >"$log" 2>&1 || { tail -60 "$log" >&2; exit 1; }
fi
