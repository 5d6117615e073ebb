"""Real voices for training, from any folder of recordings whose names begin with who speaks: LibriSpeech's SPEAKER-CHAPTER-NUMBER.flac.

    python people.py --recordings LibriSpeech/train-clean-100 --out work/people

Writes person-SPEAKER.npz in speak.py's format, at most --seconds of each.
"""
from __future__ import annotations

import argparse
from math import gcd
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import resample_poly

from speak import RATE_HZ, trimmed


def read(path: Path) -> np.ndarray:
    samples, rate = soundfile.read(path, always_2d=True)
    factor = gcd(rate, RATE_HZ)
    return resample_poly(samples.mean(1), RATE_HZ // factor, rate // factor) if rate != RATE_HZ else samples.mean(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recordings", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=90)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    people: dict[str, list[Path]] = {}
    for path in sorted(options.recordings.rglob("*.flac")):
        people.setdefault(path.stem.split("-")[0], []).append(path)
    for name, paths in people.items():
        pieces, total = [], 0
        for path in paths:
            if total < options.seconds * RATE_HZ:
                pieces.append(np.clip(trimmed(read(path)), -32767, 32767).astype(np.int16))
                total += len(pieces[-1])
        np.savez(options.out / f"person-{name}.npz", samples=np.concatenate(pieces), ends=np.cumsum([len(p) for p in pieces]))
    print(f"{len(people)} people")


if __name__ == "__main__":
    main()
