#!/usr/bin/env bash
# A fleet on this machine, to try things with: three NATS nodes, an S3 emulator (moto, from PyPI), two workers with the
# demo model. Everything is on the loopback interface and below build/cluster.
#   tools/cluster.sh up|down
set -euo pipefail
cd "$(dirname "$0")/.."
work=$PWD/build/cluster
case "${1:-}" in
  up)
    tools/build.sh release amanuensis
    exec tests/e2e/clients/run.sh "$PWD/build/release/bin/amanuensis" "$PWD" "$work" tests/e2e/fleet/cluster_up.py \
      'moto[s3,server]' boto3
    ;;
  down)
    [ -f "$work/pids" ] || { echo "no cluster is up"; exit 0; }
    # Only what cluster_up.py wrote down, and only while it still is what it was.
    while read -r pid start; do
      [ "$(awk '{print $22}' "/proc/$pid/stat" 2>/dev/null)" = "$start" ] && kill "$pid"
    done <"$work/pids"
    rm -rf "$work/pids" "$work"/data
    ;;
  *)
    echo "usage: tools/cluster.sh up|down" >&2
    exit 2
    ;;
esac
