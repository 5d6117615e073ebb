#!/usr/bin/env bash
# Makes the packages: build/release/packages/amanuensis_VERSION_ARCH.deb and amanuensis-VERSION-Linux.tar.gz.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/build.sh release amanuensis
rm -rf build/release/packages
log=build/package.log
for kind in DEB TGZ; do
  (cd build/release && cpack -G "$kind") >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
done
find build/release/packages -maxdepth 1 -type f | sort
