#!/usr/bin/env bash
# Cross-compiles for 64-bit Arm and runs what was built under QEMU, as three processors: one with every instruction set,
# one with the dot product and no bfloat16, one with neither. This shows that results are right and that no instruction is
# used that the processor lacks; it says nothing about speed.
#   tools/aarch64.sh                 all of the below
#   tools/aarch64.sh sysroot         unpacks the arm64 libraries below build/aarch64-sysroot (300 MB)
#   tools/aarch64.sh build [TARGET ...]      e.g. the program: build/aarch64/bin/amanuensis
#   tools/aarch64.sh test [GTEST_FILTER]     the tests of what has instruction sets
# The machine's own package database is left alone: the libraries are downloaded by an apt-get with folders of its own.
set -euo pipefail
cd "$(dirname "$0")/.."

sysroot=$PWD/build/aarch64-sysroot
libraries="libavformat-dev libavcodec-dev libavutil-dev libswresample-dev libfmt-dev nlohmann-json3-dev libpcre2-dev
           libcli11-dev libcurl4-openssl-dev libssl-dev zlib1g-dev libgtest-dev libgmock-dev libstdc++6
           libboost1.81-dev libspdlog-dev libsqlite3-dev prometheus-cpp-dev libpugixml-dev libnats-dev"

make_sysroot() {
  local stamp=$sysroot/unpacked
  [ "$(cat "$stamp" 2>/dev/null)" != "$libraries" ] || return 0
  local work=$PWD/build/aarch64-apt
  rm -rf "$sysroot" "$work"
  mkdir -p "$sysroot" "$work"/state/lists/partial "$work"/cache/archives/partial
  : >"$work/state/status"  # nothing is installed, so everything that is needed is downloaded
  local apt=(apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User=root
             -o "Dir::State=$work/state" -o "Dir::State::status=$work/state/status" -o "Dir::Cache=$work/cache")
  echo "aarch64: downloading arm64 libraries"
  # shellcheck disable=SC2086  # a list of words
  { "${apt[@]}" update && "${apt[@]}" --yes --download-only --no-install-recommends install $libraries; } >"$work/log" 2>&1 || {
    tail -5 "$work/log" >&2
    echo "aarch64: apt-get could not download the arm64 libraries" >&2
    exit 1
  }
  for package in "$work"/cache/archives/*.deb; do dpkg-deb -x "$package" "$sysroot"; done
  # Absolute links would lead to this machine's own libraries.
  find "$sysroot" -name '*.so*' -lname '/*' -printf '%l\t%p\n' |
    while IFS=$'\t' read -r target link; do ln -sfr "$sysroot$target" "$link"; done
  rm -rf "$work"
  echo "$libraries" >"$stamp"
}

# Runs a program as one processor: run PROCESSOR PROGRAM [ARGUMENT ...]
run() { QEMU_CPU=$1 qemu-aarch64-static -L "$sysroot" "${@:2}"; }

run_tests() {
  local bin=build/aarch64/bin
  for cpu in max neoverse-n1 cortex-a72; do
    for room in base kernels device; do
      echo "aarch64: ${room}_tests as $cpu"
      run "$cpu" "$bin/${room}_tests" --gtest_brief=1 --gtest_filter="${1:-*}"
    done
  done
}

case ${1:-all} in
  sysroot) make_sysroot ;;
  build) tools/build.sh aarch64 "${@:2}" ;;
  test) run_tests "${@:2}" ;;
  all)
    make_sysroot
    tools/build.sh aarch64 base_tests kernels_tests device_tests
    run_tests
    ;;
  *)
    sed -n '2,/^set/s/^# \?//p' "$0" >&2
    exit 1
    ;;
esac
