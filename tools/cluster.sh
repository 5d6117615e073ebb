#!/usr/bin/env bash
# A fleet on this machine, to try things with: three NATS nodes, an S3 emulator (moto, from PyPI), two workers with the
# demo model. Everything is on the loopback interface and below a folder.
#   tools/cluster.sh up|down [FOLDER]      FOLDER: build/cluster; CLUSTER_PORT: the first NATS node's, 4222
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(realpath -m "${2:-build/cluster}")

# Only what cluster_up.py wrote down, and only while it still is what it was.
is_ours() { [ "$(awk '{print $22}' "/proc/$1/stat" 2>/dev/null)" = "$2" ]; }
signal_all() { while read -r pid start _; do ! is_ours "$pid" "$start" || kill "-$1" "$pid" || true; done <"$work/pids"; }
any_left() { while read -r pid start _; do ! is_ours "$pid" "$start" || return 0; done <"$work/pids"; return 1; }

case "${1:-}" in
  up)
    tools/build.sh release amanuensis
    CLUSTER_FOLDER=$work exec tests/e2e/clients/run.sh "$PWD/build/release/bin/amanuensis" "$PWD" "$work" \
      tests/e2e/fleet/cluster_up.py 'moto[s3,server]' boto3
    ;;
  down)
    [ -f "$work/pids" ] || { echo "no cluster is up"; exit 0; }
    signal_all TERM
    # Workers give back what they have; that takes as long as --drain-timeout at most.
    for _ in $(seq 400); do any_left || break; sleep 0.1; done
    signal_all KILL
    for _ in $(seq 100); do any_left || break; sleep 0.1; done
    rm -rf "$work/data" "$work/pids"
    echo "the cluster has ended, and what it held is removed"
    ;;
  *)
    echo "usage: tools/cluster.sh up|down [FOLDER]" >&2
    exit 2
    ;;
esac
