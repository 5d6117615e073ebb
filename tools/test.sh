#!/usr/bin/env bash
# Builds everything (release) and runs every test, then each fuzz harness for some seconds on its corpus (a build of its
# own, with sanitizers). The tests under sanitizers are `make asan` and `make tsan`.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/build.sh release all
ctest --preset release -j "$(nproc)" --no-tests=error
tools/fuzz.sh 5
