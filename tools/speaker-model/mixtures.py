"""Imagined conversations, mixed as sound: what the networks that hear how many speak, and who, learn from.

    python mixtures.py --speech work/speech work/people --out work/mixtures --count 3000 --seed 7
    python mixtures.py --speech work/speech work/people --out work/heard --count 200 --held-out

A conversation has up to five people, each with a place in the room and a level; they take turns, talk by chance, or all at once.
Noise, hum, knocks and rustle are added. Written in shards of 100: `mel` [n, FRAMES, BANDS] as the bytes that the program keeps of
a recording, `masks` [n, FRAMES / 2], bit s set where person s speaks (pauses below 0.3 s belong to speech). Shards that are there stay.
"""
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.signal import fftconvolve, resample_poly

import features
from speak import RATE_HZ
from voices import is_held_out

SECONDS = 24
SAMPLES = SECONDS * RATE_HZ
FRAMES = SECONDS * 100
SHARD = 100
STEP = 28.0 / 255  # of a byte, in nepers: src/pipeline/diarize/builtin_embedder.cc
SPEEDS = [(1, 1), (1, 1), (7, 8), (8, 7), (13, 14), (14, 13)]


def load(folders: list[Path], held_out: bool) -> list[np.ndarray]:
    voices = []
    for folder in folders:
        for path in sorted(folder.glob("*.npz")):
            if is_held_out(path.stem.replace("-", ":", 1)) == held_out:
                voices.append(np.load(path)["samples"])
    return voices


def to_bytes(mel: np.ndarray) -> np.ndarray:
    return np.rint(np.clip((mel - np.log(features.FLOOR)) / STEP, 0, 255)).astype(np.uint8)


def from_bytes(mel: np.ndarray) -> np.ndarray:
    return (mel.astype(np.float32) * STEP + np.log(features.FLOOR)).astype(np.float32)


def close_gaps(active: np.ndarray, longest: int) -> np.ndarray:
    edges = np.flatnonzero(np.diff(active.astype(np.int8)))
    closed = active.copy()
    for a, b in zip(edges, edges[1:]):
        if not active[a + 1] and b - a < longest:
            closed[a + 1:b + 1] = True
    return closed


class Conversations:
    def __init__(self, voices: list[np.ndarray], rng: np.random.Generator) -> None:
        self.voices = voices
        self.rng = rng

    def phrase(self, voice: np.ndarray, speed: tuple[int, int], length: int) -> np.ndarray:
        up, down = speed
        take = min(len(voice), length * down // up + 8)
        start = int(self.rng.integers(0, len(voice) - take + 1))
        sound = voice[start:start + take].astype(np.float32) / 32768
        if up != down:
            sound = resample_poly(sound, up, down).astype(np.float32)
        sound = sound[:length].copy()
        fade = min(160, len(sound) // 2)
        sound[:fade] *= np.linspace(0, 1, fade, dtype=np.float32)
        sound[len(sound) - fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
        return sound

    def spans(self, people: int) -> list[list[tuple[int, int]]]:
        """When each would like to speak, in samples."""
        rng = self.rng
        style = rng.choice(["turns", "chance", "crowd"], p=[0.45, 0.4, 0.15])
        out: list[list[tuple[int, int]]] = [[] for _ in range(people)]
        if style == "turns":
            at, who = rng.exponential(0.7), int(rng.integers(people))
            mean, overlap = rng.choice([0.8, 2.0, 5.0]), rng.uniform(0, 0.6)
            while at < SECONDS:
                length = 0.25 + rng.exponential(mean)
                out[who].append((at, at + length))
                if people > 1 and rng.random() < 0.3:  # yes, mhm
                    other = (who + int(rng.integers(1, people))) % people
                    begin = at + rng.uniform(0, length)
                    out[other].append((begin, begin + rng.uniform(0.2, 0.9)))
                at += length + (-rng.exponential(0.6) if rng.random() < overlap else rng.exponential(0.5))
                at = max(at, 0)
                who = (who + int(rng.integers(1, people))) % people if people > 1 else who
        else:
            for each in out:
                share = rng.uniform(0.35, 0.85) if style == "crowd" else rng.choice([0.05, 0.15, 0.35, 0.6])
                mean = rng.choice([0.5, 1.5, 4.0])
                at = rng.exponential(mean * (1 - share) / share)
                while at < SECONDS:
                    length = 0.2 + rng.exponential(mean)
                    each.append((at, at + length))
                    at += length + 0.05 + rng.exponential(mean * (1 - share) / share)
        return [[(int(a * RATE_HZ), int(b * RATE_HZ)) for a, b in sorted(spans)] for spans in out]

    def room(self, seconds: float, near: float) -> np.ndarray:
        """An impulse response: the direct sound, a few echoes, a tail that dies away."""
        rng = self.rng
        t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
        tail = rng.normal(0, 1, len(t)) * 10 ** (-3 * t / seconds)
        tail[:int(rng.uniform(0.001, 0.01) * RATE_HZ)] = 0
        response = tail / np.sqrt(np.sum(tail ** 2)) * near
        response[0] = 1
        return response.astype(np.float32)

    def track(self, voice: np.ndarray, spans: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
        rng = self.rng
        sound, active = np.zeros(SAMPLES, np.float32), np.zeros(FRAMES, bool)
        speed = SPEEDS[rng.integers(len(SPEEDS))]
        end = 0
        for begin, stop in spans:
            begin = max(begin, end)
            if stop - begin < 2400 or begin >= SAMPLES - 2400:
                continue
            spoken = self.phrase(voice, speed, min(stop, SAMPLES) - begin) * 10 ** (rng.normal(0, 2) / 20)
            end = begin + len(spoken) + 800
            sound[begin:begin + len(spoken)] += spoken
            whole = len(spoken) // 160
            level = np.log(np.mean(spoken[:whole * 160].reshape(whole, 160) ** 2, axis=1) + 1e-9)
            loud = close_gaps(level > np.log(np.mean(voice[:RATE_HZ * 10].astype(np.float32) ** 2) / 32768 ** 2) - 4.5, 30)
            active[begin // 160:begin // 160 + whole] |= loud[:FRAMES - begin // 160]
        return sound, active

    def shaped(self, length: int, slope: float) -> np.ndarray:
        """Noise whose power falls by `slope` decades a decade, with bumps."""
        rng = self.rng
        spectrum = np.fft.rfft(rng.normal(0, 1, length).astype(np.float32))
        bins = np.linspace(0, 1, len(spectrum)) + 0.004
        bumps = np.interp(np.arange(len(spectrum)), np.linspace(0, len(spectrum), 9), rng.normal(0, 0.8, 9))
        sound = np.fft.irfft(spectrum * bins ** (-slope / 2) * np.exp(bumps), length)
        return (sound / (np.sqrt(np.mean(sound ** 2)) + 1e-12)).astype(np.float32)

    def noise(self) -> np.ndarray:
        """Of level 1 in the mean of its steady part."""
        rng = self.rng
        sound = self.shaped(SAMPLES, rng.uniform(0, 2.0))
        knots = int(rng.choice([4, 12, 60]))
        sound *= np.exp(np.interp(np.arange(SAMPLES), np.linspace(0, SAMPLES, knots),
                                  rng.normal(0, rng.uniform(0, 0.6), knots))).astype(np.float32)
        if rng.random() < 0.3:
            t = np.arange(SAMPLES) / RATE_HZ
            for k in range(1, 6):
                sound += rng.exponential(0.5) / k * np.sin(2 * np.pi * k * rng.choice([50, 60]) * t + rng.uniform(0, 6)).astype(np.float32)
        for _ in range(rng.poisson(rng.choice([0, 2, 12]))):  # papers, chairs, breath: what swells and fades
            length = int(rng.uniform(0.05, 1.2) * RATE_HZ)
            start = int(rng.integers(0, SAMPLES - length))
            burst = self.shaped(length, rng.uniform(-0.5, 2.0)) * np.hanning(length).astype(np.float32)
            if rng.random() < 0.5:  # grainy
                burst *= np.repeat(rng.gamma(0.5, 2, length // 400 + 1), 400)[:length].astype(np.float32)
            sound[start:start + length] += burst * np.float32(np.exp(rng.normal(1.0, 1.0)))
        for _ in range(rng.poisson(rng.choice([0, 2, 12]))):  # knocks and clicks
            length = int(rng.uniform(0.02, 0.25) * RATE_HZ)
            start = int(rng.integers(0, SAMPLES - length))
            fade = np.exp(-np.arange(length) / (length * rng.uniform(0.1, 0.4))).astype(np.float32)
            sound[start:start + length] += self.shaped(length, rng.uniform(0, 2)) * fade * np.float32(np.exp(rng.normal(1.5, 1.0)))
        return sound

    def one(self) -> tuple[np.ndarray, np.ndarray]:
        rng = self.rng
        people = int(rng.choice([0, 1, 2, 3, 4, 5], p=[0.05, 0.13, 0.24, 0.24, 0.24, 0.1]))
        mixed, masks = np.zeros(SAMPLES, np.float32), np.zeros(FRAMES, np.uint8)
        seconds, wet = rng.uniform(0.15, 0.8), rng.uniform(0.05, 0.9) if rng.random() < 0.75 else 0.0
        chosen = rng.choice(len(self.voices), people, replace=False)
        for s, (who, spans) in enumerate(zip(chosen, self.spans(people) if people else [])):
            sound, active = self.track(self.voices[who], spans)
            if wet:
                sound = fftconvolve(sound, self.room(seconds, wet * np.exp(rng.normal(0, 0.4))))[:SAMPLES]
            mixed += sound * np.float32(10 ** (rng.normal(0, 4) / 20))
            masks |= active.astype(np.uint8) << s
        speaks = np.repeat(masks > 0, 160)
        level = np.sqrt(np.mean(mixed[speaks] ** 2)) if speaks.any() else 0.06
        mixed += self.noise() * np.float32(level * 10 ** (-rng.uniform(8, 45) / 20))
        mixed *= np.float32(10 ** (rng.uniform(-30, 3) / 20))
        if rng.random() < 0.15:  # too loud for the microphone
            most = np.abs(mixed).max() * rng.uniform(0.3, 0.9)
            mixed = np.clip(mixed, -most, most)
        mel = features.log_mel(np.concatenate([np.clip(mixed, -1, 1), np.zeros(240, np.float32)]))
        return to_bytes(mel), masks[::2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speech", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--held-out", action="store_true", help="voices that are kept aside, instead of the others")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    voices = load(options.speech, options.held_out)
    print(f"{len(voices)} voices", flush=True)
    for shard in range(options.count // SHARD):
        path = options.out / f"{shard:03}.npz"
        if path.exists():
            continue
        conversations = Conversations(voices, np.random.default_rng([options.seed, options.held_out, shard]))
        parts = [conversations.one() for _ in range(SHARD)]
        np.savez(path.with_suffix(".tmp.npz"), mel=np.stack([mel for mel, _ in parts]), masks=np.stack([masks for _, masks in parts]))
        path.with_suffix(".tmp.npz").rename(path)
        print(path, flush=True)


if __name__ == "__main__":
    main()
