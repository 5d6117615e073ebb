#!/usr/bin/env python3
"""Writes src/device/npu/kernels/tables.h: every constant that a tile kernel reads, in fixed point.

    tools/npu/make_tables.py > src/device/npu/kernels/tables.h

Needs nothing beyond Python. A test compares the mel weights with the project's own filter bank.
"""
import math

N_FFT = 400
BINS = 201
BANDS = 80
RATE = 16000
WEIGHT_SHIFT = 21
LOG_STEP = 0.04
LOG_ZERO = -2.45
# log2 of what one unit of mel power is in the kernel's integers: samples are 2^15, the window keeps 2^6 of its 2^15,
# power drops 2^14 and weights add 2^21.
POWER_SHIFT = 2 * (15 + 6) - 14 + WEIGHT_SHIFT


def q15(value):
    return max(-32768, min(32767, round(value * 32768)))


def hz_to_mel(hz):
    return 3.0 * hz / 200.0 if hz < 1000.0 else 15.0 + math.log(hz / 1000.0) * 27.0 / math.log(6.4)


def mel_to_hz(mel):
    return 200.0 * mel / 3.0 if mel < 15.0 else 1000.0 * math.exp((mel - 15.0) * math.log(6.4) / 27.0)


def mel_bands():
    """For each band its first bin and its weights over consecutive bins (Slaney's triangles, area 2 / bandwidth)."""
    top = hz_to_mel(RATE / 2)
    edges = [mel_to_hz(top * i / (BANDS + 1)) for i in range(BANDS + 2)]
    bands = []
    for band in range(BANDS):
        low, centre, high = edges[band : band + 3]
        weights = {}
        for b in range(BINS):
            hz = b * RATE / N_FFT
            weight = min((hz - low) / (centre - low), (high - hz) / (high - centre))
            value = round(max(0.0, weight) * 2.0 / (high - low) * 2**WEIGHT_SHIFT)
            if value > 0:
                weights[b] = value
        first = min(weights)
        bands.append((first, [weights.get(b, 0) for b in range(first, max(weights) + 1)]))
    return bands


def gelu(x):
    return 0.5 * x * (1.0 + math.erf(x / math.sqrt(2.0)))


def emit(declaration, values):
    print(f"{declaration} = {{")
    line = "   "
    for value in values:
        text = f" {value},"
        if len(line) + len(text) > 118:
            print(line)
            line = "   "
        line += text
    print(line.rstrip(",") + "};")
    print()


def main():
    bands = mel_bands()
    print("// Constants of the tile kernels, in fixed point. Written by tools/npu/make_tables.py; change that, not this.")
    print("// clang-format off")
    print("#pragma once")
    print()
    print("#include <stdint.h>")
    print()
    print("namespace amanuensis::device::npu::tile {")
    print()
    print("// Hann's periodic window, 15 fraction bits.")
    emit(f"static const int16_t kWindow[{N_FFT}]",
         [q15(0.5 - 0.5 * math.cos(2 * math.pi * i / N_FFT)) for i in range(N_FFT)])
    print("// cos and sin of 2 pi i / 400, 15 fraction bits.")
    emit(f"static const int16_t kCosine[{N_FFT}]", [q15(math.cos(2 * math.pi * i / N_FFT)) for i in range(N_FFT)])
    emit(f"static const int16_t kSine[{N_FFT}]", [q15(math.sin(2 * math.pi * i / N_FFT)) for i in range(N_FFT)])
    print("// Slaney's mel bands: the first bin of each, how many bins, and their weights one band after the other.")
    emit(f"static const uint8_t kBandFirst[{BANDS}]", [first for first, _ in bands])
    emit(f"static const uint8_t kBandBins[{BANDS}]", [len(weights) for _, weights in bands])
    flat = [w for _, weights in bands for w in weights]
    emit(f"static const uint16_t kBandWeights[{len(flat)}]", flat)
    print("// log2(1 + i / 256), 16 fraction bits.")
    emit("static const uint16_t kLog2[257]", [min(65535, round(math.log2(1 + i / 256) * 65536)) for i in range(257)])
    print("// Log2 of mel power (16 fraction bits) times kMelScale plus kMelOffset is 2^32 of the output's scale.")
    octave = math.log10(2) / LOG_STEP
    print(f"static const int64_t kMelScale = {round(octave * 65536)};")
    print(f"static const int64_t kMelOffset = {round((-POWER_SHIFT * octave - LOG_ZERO / LOG_STEP) * 2**32)};")
    print(f"static const int kMelWeightShift = {WEIGHT_SHIFT};")
    print()
    print("// 2^(-i / 256), 16 fraction bits: 512 bytes.")
    emit("static const uint16_t kExp2[256]", [min(65535, round(2 ** (-i / 256) * 65536)) for i in range(256)])
    print("// GELU at -8 + i / 32.")
    emit("static const float kGelu[513]", [f"{gelu(-8 + i / 32):.9e}F" for i in range(513)])
    print("}  // namespace amanuensis::device::npu::tile")


main()
