#!/usr/bin/env bash
# Configures and builds one CMake preset. Configuring again takes a second, and finds what was installed meanwhile.
#   tools/build.sh PRESET [TARGET ...]      without a target: the program alone
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1; shift
[ $# -gt 0 ] || set -- amanuensis
log=build/$preset.log
mkdir -p build
cmake --preset "$preset" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
if [ -t 1 ] || [ -n "${VERBOSE:-}" ]; then
  cmake --build --preset "$preset" --target "$@"
else
  cmake --build --preset "$preset" --target "$@" >"$log" 2>&1 || { tail -60 "$log" >&2; exit 1; }
fi
