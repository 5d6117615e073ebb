# The commands people type. Everything real is in CMake presets and in tools/.
SHELL := /bin/bash
PROGRAM := build/release/bin/amanuensis
JOBS ?= $(shell nproc)

.PHONY: all demo test soak cluster-up cluster-down bench format lint asan tsan fuzz aarch64 package clean

all: $(PROGRAM)

# Always asks Ninja, which rebuilds only what changed.
.PHONY: $(PROGRAM)
$(PROGRAM):
	@tools/setup.sh build
	@tools/build.sh release

demo: $(PROGRAM)
	@tools/demo.sh

test:
	@tools/setup.sh build test
	@tools/test.sh

# The server under load for some minutes, killed again and again; a fleet under every kind of trouble.
soak:
	@tools/setup.sh build test
	@tools/soak.sh

# A small fleet on this machine: three NATS nodes, an S3 emulator, two workers.
cluster-up:
	@tools/setup.sh build test
	@tools/cluster.sh up

cluster-down:
	@tools/cluster.sh down

bench:
	@tools/setup.sh build bench
	@tools/bench.sh

format:
	@tools/setup.sh lint
	@tools/format.sh

lint:
	@tools/setup.sh build test lint
	@tools/lint.sh

asan tsan:
	@tools/setup.sh build test
	@tools/sanitize.sh $@

fuzz:
	@tools/setup.sh build test
	@tools/fuzz.sh

# Cross-compiles for 64-bit Arm and runs the tests of its kernels under QEMU.
aarch64:
	@tools/setup.sh build aarch64
	@tools/aarch64.sh

# A .deb and a relocatable tarball, in build/release/packages.
package:
	@tools/setup.sh build package
	@tools/package.sh

clean:
	rm -rf build
