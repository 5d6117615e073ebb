#!/usr/bin/env bash
# clang-format (check only) and clang-tidy over the project's sources; fails on any finding.
#   tools/lint.sh [--changed]      --changed: clang-tidy only for files that differ from HEAD~1
set -euo pipefail
cd "$(dirname "$0")/.."
tools/format.sh --check
[ -f build/release/compile_commands.json ] || cmake --preset release >/dev/null
if [ "${1:-}" = --changed ]; then
  mapfile -t files < <(git diff --name-only --diff-filter=d HEAD~1 -- 'src/**.cc')
else
  mapfile -t files < <(git ls-files 'src/**.cc')
fi
# Files of another processor family are not in this build.
mapfile -t files < <(for f in "${files[@]}"; do grep -q "/$f\"" build/release/compile_commands.json && echo "$f"; done)
[ ${#files[@]} -gt 0 ] || exit 0
printf '%s\0' "${files[@]}" | xargs -0 -n 4 -P "$(nproc)" clang-tidy -p build/release --quiet 2> >(grep -v 'warnings generated' >&2)
echo "lint: ${#files[@]} files, nothing found"
