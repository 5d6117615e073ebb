"""Imagined meetings of voices that the speaker model has never heard, with the truth as RTTM.

    python meetings.py --speech work/speech --out work/meetings --count 30 --minutes 10
    python meetings.py --speech work/speech --out work/alone --count 50 --minutes 2 --speakers 1

Meeting i has 2 + i % 5 speakers, one room, one microphone with noise, turns of one to four sentences, pauses, and (one turn in
eight) somebody who begins before the other has ended. Always the same for the same arguments. NAME.wav and NAME.rttm lie beside
each other; truth.rttm holds all of them. A speaker's pause
of less than half a second is part of the turn.
"""
from __future__ import annotations

import argparse
import wave
from pathlib import Path

import numpy as np
from scipy.signal import fftconvolve

from voices import is_held_out

RATE_HZ = 16000


def load(folders: list[Path], all_of_them: bool) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    voices = {}
    for path in sorted(path for folder in folders for path in folder.glob("*.npz")):
        label = path.stem.replace("-", ":", 1)
        if all_of_them or is_held_out(label):
            data = np.load(path)
            voices[label] = (data["samples"].astype(np.float32) / 32768, data["ends"])
    return voices


def room(rng: np.random.Generator) -> np.ndarray:
    """An impulse response: the direct sound, then noise that dies away."""
    seconds = rng.uniform(0.15, 0.6)
    t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    tail = rng.normal(0, 1, len(t)) * 10 ** (-3 * t / seconds)
    response = tail / np.sqrt(np.sum(tail ** 2)) * rng.uniform(0.15, 0.6)
    response[0] += 1
    return response


def sentence(rng: np.random.Generator, voice: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    samples, ends = voice
    i = int(rng.integers(0, len(ends)))
    return samples[(ends[i - 1] if i else 0):ends[i]]


def meeting(rng: np.random.Generator, voices: dict[str, tuple[np.ndarray, np.ndarray]], speakers: int,
            seconds: float) -> tuple[np.ndarray, list[tuple[str, float, float]]]:
    names = list(rng.choice(sorted(voices), speakers, replace=False))
    tracks = {name: np.zeros(int(seconds * RATE_HZ), np.float32) for name in names}
    shares = rng.dirichlet(np.full(speakers, 3.0)) * 0.7 + 0.3 / speakers
    levels = {name: 10 ** (rng.uniform(-3, 3) / 20) for name in names}
    turns: list[tuple[str, float, float]] = []
    at, last = int(rng.uniform(0.3, 2) * RATE_HZ), ""
    while True:
        weights = np.array([0 if name == last and speakers > 1 else share for name, share in zip(names, shares)])
        name = str(rng.choice(names, p=weights / weights.sum()))
        begin = at
        for _ in range(int(rng.integers(1, 5))):
            spoken = sentence(rng, voices[name])
            if at + len(spoken) >= len(tracks[name]):
                break
            # Written where the tracks are free of this speaker: at never goes behind the end of an own sentence.
            tracks[name][at:at + len(spoken)] += spoken * levels[name]
            # The margins of a stored sentence are silent.
            turns.append((name, (at + 600) / RATE_HZ, (at + len(spoken) - 600) / RATE_HZ))
            at += len(spoken) + int(rng.uniform(0.0, 0.5) * RATE_HZ)
        else:
            last = name
            early = rng.random() < 0.125 and speakers > 1
            at += int((-rng.uniform(0.2, 1.2) if early else rng.uniform(0.05, 0.9)) * RATE_HZ)
            at = max(at, begin + RATE_HZ)
            continue
        break
    mixed = np.zeros(len(tracks[names[0]]), np.float32)
    for name in names:  # everybody sits elsewhere in the room
        mixed += fftconvolve(tracks[name], room(rng))[:len(mixed)].astype(np.float32)
    noise = np.cumsum(rng.normal(0, 1, len(mixed)))
    noise = 0.5 * (noise - fftconvolve(noise, np.full(400, 1 / 400), "same")) + rng.normal(0, 1, len(mixed))
    level = np.sqrt(np.mean(mixed ** 2)) / np.sqrt(np.mean(noise ** 2)) * 10 ** (-rng.uniform(18, 35) / 20)
    mixed += (noise * level).astype(np.float32)
    return mixed / np.abs(mixed).max() * 0.7, turns


def bridged(turns: list[tuple[str, float, float]], gap: float = 0.5) -> list[tuple[str, float, float]]:
    """Pauses of one speaker that are shorter than `gap`, in which nobody else begins, belong to the turn."""
    out: list[tuple[str, float, float]] = []
    for name, start, end in turns:
        if out and out[-1][0] == name and start - out[-1][2] < gap:
            out[-1] = (name, out[-1][1], end)
        else:
            out.append((name, start, end))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speech", type=Path, nargs="+", required=True)
    parser.add_argument("--all", action="store_true", help="every voice in --speech, not only those kept aside")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--speakers", type=int, default=0, help="in each; 0: 2 to 6")
    parser.add_argument("--seed", type=int, default=11)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    voices = load(options.speech, options.all)
    truth = ""
    for i in range(options.count):
        rng = np.random.default_rng([options.seed, i])
        speakers = options.speakers or 2 + i % 5
        samples, turns = meeting(rng, voices, speakers, options.minutes * 60)
        name = f"meeting{i:02}-{speakers}"
        with wave.open(str(options.out / f"{name}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE_HZ)
            file.writeframes((samples * 32767).astype("<i2").tobytes())
        rttm = "".join(f"SPEAKER {name} 1 {start:.3f} {end - start:.3f} <NA> <NA> {who} <NA> <NA>\n"
                       for who, start, end in bridged(turns))
        (options.out / f"{name}.rttm").write_text(rttm)
        truth += rttm
    (options.out / "truth.rttm").write_text(truth)


if __name__ == "__main__":
    main()
