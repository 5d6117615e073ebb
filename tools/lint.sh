#!/usr/bin/env bash
# clang-format (check only) and clang-tidy over the project's sources; fails on any finding.
#   tools/lint.sh [--minutes N] [PART_OF_PATH ...]   clang-tidy only for sources whose path holds one of these, e.g.
#   src/audio; what was committed last first, and with --minutes no longer than that
# JOBS: how many at a time. Files found clean are not looked at again until something they include changes.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/format.sh --check
cmake --preset release >/dev/null
tools/clang_tidy.py build/release "$@"
