#!/usr/bin/env bash
# A long load on the server: 64 clients for two minutes, then kill -9 at 50 random moments of a mixed load, then the other
# faults.
#   tools/soak.sh [SECONDS] [CLIENTS] [KILLS]
set -euo pipefail
cd "$(dirname "$0")/.."
tools/build.sh release amanuensis
run() { tests/e2e/clients/run.sh "$PWD/build/release/bin/amanuensis" "$PWD" "$PWD/build/release/clients/requests" "$@"; }
# What the scripts take, they take from the environment.
SOAK_SECONDS=${1:-120} SOAK_CLIENTS=${2:-64} run tests/e2e/clients/soak_client.py requests
KILLS=${3:-50} run tests/e2e/clients/kills_client.py requests
run tests/e2e/clients/faults_client.py requests
