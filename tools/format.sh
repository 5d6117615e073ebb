#!/usr/bin/env bash
# Formats every C++ file of the project; with --check only reports.
set -euo pipefail
cd "$(dirname "$0")/.."
mapfile -t files < <(git ls-files 'src/**.cc' 'src/**.h' 'tests/**.cc' 'tests/**.h' 'bench/**.cc' 'bench/**.h' 'fuzz/**.cc' 'fuzz/**.h')
[ ${#files[@]} -gt 0 ] || exit 0
if [ "${1:-}" = --check ]; then clang-format --dry-run --Werror "${files[@]}"; else clang-format -i "${files[@]}"; fi
