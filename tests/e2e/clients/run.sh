#!/usr/bin/env bash
# Runs a Python client of the server in a virtual environment of its own, made from PyPI and kept in the build folder.
#   run.sh PROGRAM SOURCE_FOLDER WORK_FOLDER SCRIPT PACKAGE...
# Exit code 77 (skipped) only when PyPI cannot be reached.
set -euo pipefail
program=$1 source=$2 work=$3 script=$4
shift 4
mkdir -p "$work"
venv=$work/venv
stamp=$venv/installed
exec 9>"$work/lock"
flock 9
if [ "$(cat "$stamp" 2>/dev/null)" != "$*" ]; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  if ! "$venv/bin/pip" install --quiet --disable-pip-version-check "$@" >"$work/pip.log" 2>&1; then
    cat "$work/pip.log" >&2
    if grep -qE 'Failed to establish a new connection|Connection.*(refused|timed out|reset)|Temporary failure in name|ProxyError|No matching distribution found|Network is unreachable' "$work/pip.log"; then
      echo "SKIPPED: PyPI cannot be reached from here, so '$*' cannot be installed"
      exit 77
    fi
    exit 1
  fi
  echo "$*" >"$stamp"
fi
flock -u 9
exec "$venv/bin/python" "$script" "$program" "$source"
