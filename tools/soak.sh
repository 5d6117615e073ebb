#!/usr/bin/env bash
# A long load on the server: 64 clients for two minutes, then kill -9 at 50 random moments of a mixed load, then the other
# faults; then a fleet of four workers and 200 recordings, with a minute of trouble at least (CHAOS_RECORDINGS,
# CHAOS_WORKERS).
#   tools/soak.sh [SECONDS] [CLIENTS] [KILLS] [TROUBLE_SECONDS]
set -euo pipefail
cd "$(dirname "$0")/.."
tools/build.sh release amanuensis
run() { tests/e2e/clients/run.sh "$PWD/build/release/bin/amanuensis" "$PWD" "$PWD/build/release/clients/requests" "$@"; }
# What the scripts take, they take from the environment.
SOAK_SECONDS=${1:-120} SOAK_CLIENTS=${2:-64} run tests/e2e/clients/soak_client.py requests
KILLS=${3:-50} run tests/e2e/clients/kills_client.py requests
run tests/e2e/clients/faults_client.py requests
# A fleet: workers killed, frozen and cut off, NATS nodes stopped, the storage refusing.
CHAOS_SECONDS=${4:-60} tests/e2e/clients/run.sh "$PWD/build/release/bin/amanuensis" "$PWD" "$PWD/build/release/clients/chaos" \
  tests/e2e/fleet/chaos.py 'moto[s3,server]' boto3 requests
