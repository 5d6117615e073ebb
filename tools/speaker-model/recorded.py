"""Recorded voices and noises out of Debian packages: prompts of telephone exchanges, letters for children, games.

    for p in asterisk-core-sounds-{en,es,fr,it,ru}-wav hedgewars-data klettres-data openttd-opensfx; do
        apt-get download $p && dpkg -x ${p}_*.deb work/packages; done
    python recorded.py --packages work/packages --out work/recorded --sounds work/sounds

Writes NAME.npz in speak.py's format: a voice each to --out, noises and laughter to --sounds. Nothing of it is kept aside.
"""
from __future__ import annotations

import argparse
import io
from pathlib import Path

import numpy as np

from people import read
from speak import RATE_HZ, trimmed

VOICES = ["usr/share/asterisk/sounds/??_??_*", "usr/share/games/hedgewars/Data/Sounds/voices/*", "usr/share/klettres/*"]
NOISES = "usr/share/games/hedgewars/Data/Sounds/*.ogg"
LAUGHTER = "usr/share/games/hedgewars/Data/Sounds/voices/*/Laugh.ogg"
CATALOGUE = "usr/share/games/openttd/baseset/opensfx/opensfx.cat"
MUSIC = 8.0  # seconds from which on a noise is taken for music
LEAST = 8.0  # of a voice


def save(path: Path, pieces: list[np.ndarray]) -> None:
    pieces = [np.clip(trimmed(piece), -32767, 32767).astype(np.int16) for piece in pieces]
    np.savez(path, samples=np.concatenate(pieces), ends=np.cumsum([len(piece) for piece in pieces]))


def voice(folder: Path, seconds: float) -> list[np.ndarray]:
    pieces, total = [], 0
    for path in sorted([*folder.rglob("*.wav"), *folder.rglob("*.ogg")]):
        if "silence" in path.parts or total > seconds * RATE_HZ:
            continue
        piece = read(path)
        if len(piece) > 0.2 * RATE_HZ and np.abs(piece).max() > 0.01:
            pieces.append(piece)
            total += len(piece)
    return pieces if total > LEAST * RATE_HZ else []


def catalogue(path: Path) -> list[np.ndarray]:
    """The recordings in a file of OpenTTD's: they lie in it as they are."""
    data, pieces, at = path.read_bytes(), [], 0
    while (at := data.find(b"RIFF", at)) >= 0:
        size = int.from_bytes(data[at + 4:at + 8], "little") + 8
        pieces.append(read(io.BytesIO(data[at:at + size])))
        at += size
    return pieces


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sounds", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=120, help="of a voice")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    options.sounds.mkdir(parents=True, exist_ok=True)
    folders = sorted(folder for pattern in VOICES for folder in options.packages.glob(pattern) if folder.is_dir())
    voices = [(folder, pieces) for folder in folders if (pieces := voice(folder, options.seconds))]
    for folder, pieces in voices:
        save(options.out / f"recorded-{folder.parent.name}-{folder.name}.npz", pieces)
    noises = [read(path) for path in sorted(options.packages.glob(NOISES))] + catalogue(options.packages / CATALOGUE)
    save(options.sounds / "noises.npz", [noise for noise in noises if 0.02 * RATE_HZ < len(noise) < MUSIC * RATE_HZ and noise.any()])
    save(options.sounds / "laughter.npz", [read(path) for path in sorted(options.packages.glob(LAUGHTER))])
    print(f"{len(voices)} voices, {len(noises)} noises")


if __name__ == "__main__":
    main()
