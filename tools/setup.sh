#!/usr/bin/env bash
# Installs the Debian packages that are missing for the given purposes, and nothing when none is.
#   tools/setup.sh build|test|bench|lint|aarch64|package ...
set -euo pipefail

declare -A packages=(
  [build]="g++ cmake ninja-build pkg-config libavformat-dev libavcodec-dev libavutil-dev libswresample-dev libfmt-dev
           nlohmann-json3-dev libpcre2-dev libcli11-dev libcurl4-openssl-dev libssl-dev zlib1g-dev
           libboost1.81-dev libspdlog-dev libsqlite3-dev prometheus-cpp-dev libnats-dev libpugixml-dev"
  [test]="libgtest-dev libgmock-dev clang libclang-rt-14-dev ffmpeg python3 python3-venv git
          chromium chromium-driver fonts-dejavu-core mlir-16-tools nats-server iproute2"
  [bench]="libbenchmark-dev libdnnl-dev libopenblas-dev"
  [lint]="clang-format clang-tidy python3"
  [package]="dpkg-dev file"
  [aarch64]="g++-aarch64-linux-gnu qemu-user-static"
)

missing=()
for purpose in "$@"; do
  for package in ${packages[$purpose]:?"no such purpose: $purpose (build, test, bench, lint, aarch64, package)"}; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
done
[ ${#missing[@]} -eq 0 ] && exit 0

command -v apt-get >/dev/null || {
  echo "setup: these Debian packages are missing and apt-get is not here to install them: ${missing[*]}" >&2
  exit 1
}
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "setup: run as root, or install sudo, to install: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "setup: installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; }
# The package list may be absent or stale on a fresh machine: refresh it once and try again.
install >"$log" 2>&1 || { "${as_root[@]}" apt-get update >"$log" 2>&1 && install >"$log" 2>&1; } || {
  tail -5 "$log" >&2
  echo "setup: apt-get could not install: ${missing[*]}" >&2
  exit 1
}
