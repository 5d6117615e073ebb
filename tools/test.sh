#!/usr/bin/env bash
# Builds everything (release) and runs every test. The sanitizers and the fuzz harnesses have builds of their own, which
# take longer than all of this: `make asan`, `make tsan`, `make fuzz`.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/build.sh release all
ctest --preset release -j "$(nproc)" --no-tests=error
