"""Goldens of the log-mel spectrogram: what openai-whisper computes for signals that the C++ test makes again.

    python tools/goldens/log_mel.py          needs numpy, torch, openai-whisper, the ffmpeg program

writes tests/goldens/log_mel_<signal>_<bands>.npy: every 37th frame, [bands, frames], float32. The signals are whole
numbers divided by 32768, as decoded audio is, from recipes that give the same numbers in any language
(tests/audio/log_mel_test.cc has them in C++). jfk is openai-whisper's own test recording, from ../shared/data; without it
the others are made alone. A few seconds on two cores.
"""

import math
from pathlib import Path

import numpy as np
from whisper.audio import load_audio, log_mel_spectrogram

REPOSITORY = Path(__file__).resolve().parents[2]
OUT = REPOSITORY / "tests" / "goldens"
JFK = REPOSITORY.parent / "shared" / "data" / "jfk.flac"
FRAME_STEP = 37
RATE = 16000


def noise(samples: int, amplitude: int) -> np.ndarray:
    """Uniform, from the 32-bit linear congruential generator of Numerical Recipes."""
    state = 2463534242
    values = np.empty(samples, np.float32)
    for i in range(samples):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        values[i] = ((state >> 16) % (2 * amplitude + 1)) - amplitude
    return values / np.float32(32768)


def chirp(samples: int, amplitude: int) -> np.ndarray:
    """A sine from 20 Hz to 7820 Hz, rounded to whole numbers."""
    seconds = samples / RATE
    values = np.empty(samples, np.float32)
    for i in range(samples):
        t = i / RATE
        phase = 2 * math.pi * (20 * t + (7800 / (2 * seconds)) * t * t)
        values[i] = math.floor(amplitude * math.sin(phase) + 0.5)
    return values / np.float32(32768)


def main() -> None:
    # name -> samples, zeros after them
    signals = {
        "noise": (noise(3 * RATE + 77, 9000), 2 * RATE),
        "quiet": (noise(2 * RATE, 3), 0),
        "silence": (np.zeros(2 * RATE, np.float32), RATE),
        "chirp": (chirp(8 * RATE, 20000), 0),
        "shortest": (noise(201, 9000), 0),
    }
    if JFK.exists():
        signals["jfk"] = (load_audio(str(JFK)), 30 * RATE)
    for name, (samples, padding) in signals.items():
        for bands in (80, 128):
            mel = log_mel_spectrogram(samples, bands, padding=padding).numpy()
            picked = np.ascontiguousarray(mel[:, ::FRAME_STEP], dtype="<f4")
            path = OUT / f"log_mel_{name}_{bands}.npy"
            np.save(path, picked)
            print(f"{path.name}: {mel.shape} -> {picked.shape}, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
