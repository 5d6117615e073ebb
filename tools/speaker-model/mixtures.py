"""Imagined conversations, mixed as sound: what the networks that hear how many speak, and who, learn from.

    python mixtures.py --speech work/people work/speech work/recorded --sounds work/sounds --teachers work/teachers \\
        --out work/mixtures --count 6000
    python mixtures.py --speech work/people work/speech --out work/heard --count 200 --held-out

A conversation has up to five people, each with a place in the room and a level; they take turns, talk by chance, all at once, or
hardly; they laugh, mostly together. Others, far away, do not count; noises.py makes the rest of what is heard. Written in shards of
100: `mel` [n, FRAMES, BANDS] as the bytes that the program keeps of a recording, `masks` [n, FRAMES / 2], bit s set where person s
speaks (pauses below 0.5 s belong to speech), and with --teachers (teachers.py) `taught` [n, FRAMES / 2, 4], how likely to a network
that knows labelled meetings it is that 0 to 3 speak, in 255ths. Shards that are there stay.
"""
from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy.fft
import torch
from scipy.signal import fftconvolve, resample_poly

import features
import noises
from speak import RATE_HZ
from teachers import SpeechTeacher
from voices import is_held_out

SECONDS = 24
SAMPLES = SECONDS * RATE_HZ
FRAMES = SECONDS * 100
SHARD = 100
STEP = 28.0 / 255  # of a byte, in nepers: src/pipeline/diarize/builtin_embedder.cc
Sounds = tuple[list[np.ndarray], list[np.ndarray]]

SPEEDS = [(1, 1), (1, 1), (7, 8), (8, 7), (13, 14), (14, 13)]


def load(folders: list[Path], held_out: bool) -> list[list[np.ndarray]]:
    """The voices of each folder."""
    return [[np.load(path)["samples"] for path in sorted(folder.glob("*.npz"))
             if is_held_out(path.stem.replace("-", ":", 1)) == held_out] for folder in folders]


def load_sounds(folder: Path | None) -> Sounds:
    """Noises, and how people laugh."""
    if folder is None:
        return [], []
    files = [np.load(folder / f"{name}.npz") for name in ("noises", "laughter")]
    noise, laughter = (np.split(file["samples"], file["ends"][:-1]) for file in files)
    return noise, laughter


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


def without_pauses(voice: np.ndarray) -> np.ndarray:
    """As one speaks who is in a hurry."""
    whole = len(voice) // 160
    frames = voice[:whole * 160].reshape(whole, 160)
    level = np.log(np.mean(frames.astype(np.float32) ** 2, axis=1) + 1)
    loud = np.convolve(level > np.log(np.mean(frames.astype(np.float32) ** 2)) - 4, np.ones(7), "same") > 0
    return frames[loud].ravel()


class Conversations:
    def __init__(self, voices: list[list[np.ndarray]], sounds: Sounds, rng: np.random.Generator) -> None:
        self.voices = voices
        self.sounds, self.laughter = sounds
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
        style = rng.choice(["turns", "chance", "crowd", "seldom"], p=[0.33, 0.27, 0.22, 0.18])
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
        elif style == "seldom":
            for each in out:
                for _ in range(int(rng.integers(0, 3))):
                    begin = rng.uniform(0, SECONDS)
                    each.append((begin, begin + 0.2 + rng.exponential(1.0)))
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

    def track(self, voice: np.ndarray, spans: list[tuple[int, int]], laughs: list[tuple[int, float]]) -> tuple[np.ndarray, np.ndarray]:
        """What a person says and when; `laughs`: where they begin to laugh."""
        rng = self.rng
        sound, active = np.zeros(SAMPLES, np.float32), np.zeros(FRAMES, bool)
        speed = SPEEDS[rng.integers(len(SPEEDS))]
        voice = without_pauses(voice) if rng.random() < 0.35 else voice
        quiet = np.log(np.mean(voice[:RATE_HZ * 10].astype(np.float32) ** 2) / 32768 ** 2) - 4.5
        end = 0
        for begin, stop in spans:
            begin = max(begin, end)
            if stop - begin < 2400 or begin >= SAMPLES - 2400:
                continue
            spoken = self.phrase(voice, speed, min(stop, SAMPLES) - begin) * 10 ** (rng.normal(0, 3) / 20)
            end = begin + len(spoken) + 800
            self.put(spoken, begin, quiet, sound, active)
        for begin, seconds in laughs:
            laugh = noises.laughter(rng, voice, self.laughter, seconds) * np.float32(10 ** (rng.uniform(-6, 12) / 20))
            self.put(laugh[:SAMPLES - begin], begin, quiet, sound, active)
        return sound, close_gaps(active, 50)

    @staticmethod
    def put(piece: np.ndarray, begin: int, quiet: float, sound: np.ndarray, active: np.ndarray) -> None:
        sound[begin:begin + len(piece)] += piece
        first, whole = begin // 160, len(piece) // 160
        level = np.log(np.mean(piece[:whole * 160].reshape(whole, 160) ** 2, axis=1) + 1e-9)
        active[first:first + whole] |= level[:FRAMES - first] > quiet

    def laughs(self, people: int) -> list[list[tuple[int, float]]]:
        """Where each begins to laugh, and for how many seconds: together, mostly."""
        rng = self.rng
        out: list[list[tuple[int, float]]] = [[] for _ in range(people)]
        for _ in range(rng.poisson(rng.choice([0, 1, 3])) if people else 0):
            at, seconds, share = rng.uniform(0, SECONDS - 5), rng.uniform(0.5, 3.5), rng.choice([0.3, 0.9], p=[0.3, 0.7])
            for each in out:
                if rng.random() < share:
                    begin = np.clip(at + rng.normal(0, 0.4), 0, SECONDS - 5)
                    each.append((int(begin * RATE_HZ), seconds * rng.uniform(0.5, 1.1)))
        return out

    def cast(self, people: int) -> list[np.ndarray]:
        """Mostly from one folder."""
        rng = self.rng
        shares = np.array([len(each) if len(each) >= people else 0 for each in self.voices], float)
        if not shares.any() or rng.random() < 0.2:
            pool = [voice for each in self.voices for voice in each]
        else:
            pool = self.voices[rng.choice(len(self.voices), p=shares / shares.sum())]
        return [pool[i] for i in rng.choice(len(pool), people, replace=False)]

    def microphones(self) -> Callable[[np.ndarray], np.ndarray]:
        """How the microphones hear a person: close by, in the room, or one close to each and all of them mixed."""
        rng = self.rng
        seconds = rng.uniform(0.15, 0.9)
        wet = rng.choice([0.0, rng.uniform(0.02, 0.15), rng.uniform(0.1, 1.0)], p=[0.2, 0.3, 0.5])
        others = int(rng.integers(1, 4)) if rng.random() < 0.5 and wet < 0.2 else 0

        def heard(sound: np.ndarray) -> np.ndarray:
            if not wet:
                return sound
            response = self.room(seconds, wet * np.exp(rng.normal(0, 0.4)))
            for _ in range(others):  # the same a little later, through another's microphone
                at = int(rng.uniform(0.001, 0.012) * RATE_HZ)
                far = self.room(seconds, rng.uniform(0.3, 1.5)) * np.float32(10 ** (-rng.uniform(10, 35) / 20))
                response[at:] += far[:len(response) - at]
            return fftconvolve(sound, response)[:SAMPLES]
        return heard

    def babble(self) -> np.ndarray:
        """People elsewhere, of level 1, who do not count."""
        rng = self.rng
        filled = [each for each in self.voices if each]
        out, pool = np.zeros(SAMPLES, np.float32), filled[rng.integers(len(filled))]
        for voice in (pool[i] for i in rng.integers(0, len(pool), int(rng.integers(1, 6)))):
            for at in rng.uniform(0, SECONDS - 1, int(rng.integers(1, 8))):
                begin = int(at * RATE_HZ)
                piece = self.phrase(voice, (1, 1), min(SAMPLES - begin, int(rng.uniform(0.5, 5) * RATE_HZ)))
                out[begin:begin + len(piece)] += piece
        out = fftconvolve(out, self.room(rng.uniform(0.3, 1.2), rng.uniform(0.5, 3)))[:SAMPLES]
        return out / (np.sqrt(np.mean(out ** 2)) + np.float32(1e-6))

    def line(self, sound: np.ndarray) -> np.ndarray:
        """What a bad line or an eager microphone makes of it."""
        rng = self.rng
        if rng.random() < 0.3:  # louder where it is quiet
            envelope = np.sqrt(np.convolve(sound[::160] ** 2, np.hanning(40), "same")) + 1e-4
            sound = sound * np.repeat(envelope ** -rng.uniform(0.2, 0.6), 160)[:len(sound)].astype(np.float32)
        sound = sound * np.float32(10 ** (rng.uniform(-30, 3) / 20) / max(1.0, float(np.abs(sound).max())))
        if rng.random() < 0.25:  # a telephone
            spectrum = scipy.fft.rfft(sound)
            low, high = rng.uniform(50, 350), rng.uniform(3000, 7000)
            hertz = np.linspace(0, RATE_HZ / 2, len(spectrum), dtype=np.float32)
            spectrum *= 1 / (1 + np.exp((low - hertz) / 20) + np.exp((hertz - high) / 60))
            sound = scipy.fft.irfft(spectrum, len(sound)) + rng.standard_normal(len(sound), np.float32) * np.float32(
                np.abs(sound).max() * 10 ** -rng.uniform(2.5, 4.5))
        kind = rng.random()
        if kind < 0.15:  # too loud for the microphone
            most = np.abs(sound).max() * rng.uniform(0.3, 0.9)
            sound = np.clip(sound, -most, most)
        elif kind < 0.25:
            most = np.float32(np.abs(sound).max() * rng.uniform(0.2, 1.0) + 1e-6)
            sound = most * np.tanh(sound / most)
        elif kind < 0.35:  # eight bits of a logarithmic scale
            steps = np.float32(127 / np.log(256))
            coded = np.rint(np.log1p(255 * np.minimum(np.abs(sound), 1)) * steps) / steps
            sound = np.sign(sound) * np.expm1(coded) / 255
        return np.clip(sound, -1, 1).astype(np.float32)

    def one(self) -> tuple[np.ndarray, np.ndarray]:
        """What is heard [SAMPLES], and the masks of who speaks, each 20 ms."""
        rng = self.rng
        people = int(rng.choice([0, 1, 2, 3, 4, 5], p=[0.15, 0.15, 0.17, 0.17, 0.22, 0.14]))
        mixed, masks = np.zeros(SAMPLES, np.float32), np.zeros(FRAMES, np.uint8)
        heard, spread = self.microphones(), rng.choice([2, 4, 7])
        everyone = zip(self.cast(people), self.spans(people), self.laughs(people)) if people else []
        for s, (voice, spans, laughs) in enumerate(everyone):
            sound, active = self.track(voice, spans, laughs)
            mixed += heard(sound) * np.float32(10 ** (rng.normal(0, spread) / 20))
            masks |= active.astype(np.uint8) << s
        speaks = np.repeat(masks > 0, 160)
        level = np.sqrt(np.mean(mixed[speaks] ** 2)) if speaks.any() else 0.06
        quiet = np.float32(level * 10 ** (-rng.uniform(5, 45) / 20))
        mixed += noises.steady(rng, SAMPLES) * quiet
        if rng.random() < 0.25:
            mixed += self.babble() * quiet * np.float32(10 ** (rng.uniform(-5, 8) / 20))
        if rng.random() < 0.4:
            mixed += noises.scattered(rng, self.sounds, SAMPLES, 1.2, 1.0) * quiet
        if rng.random() < 0.5:  # close to a microphone: as loud as speech
            mixed += noises.scattered(rng, self.sounds, SAMPLES, -1.4, 0.9) * np.float32(level)
        return self.line(mixed), masks[::2]


def shard_of(parts: list[tuple[np.ndarray, np.ndarray]], teacher: SpeechTeacher | None) -> dict[str, np.ndarray]:
    shard = {"mel": np.stack([to_bytes(features.log_mel(np.append(sound, np.zeros(240, np.float32)))) for sound, _ in parts]),
             "masks": np.stack([masks for _, masks in parts])}
    if teacher:
        shard["taught"] = np.stack([np.rint(255 * teacher.counts(sound, FRAMES // 2)).astype(np.uint8) for sound, _ in parts])
    return shard


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speech", type=Path, nargs="+", required=True)
    parser.add_argument("--sounds", type=Path, help="what recorded.py found of noises")
    parser.add_argument("--teachers", type=Path, help="where teachers.py finds the packages")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--held-out", action="store_true", help="voices that are kept aside, instead of the others")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    voices, sounds = load(options.speech, options.held_out), load_sounds(options.sounds)
    torch.set_num_threads(1)
    teacher = SpeechTeacher(options.teachers).eval() if options.teachers else None
    print(f"{sum(map(len, voices))} voices", flush=True)
    for shard in range(options.count // SHARD):
        path = options.out / f"{shard:03}.npz"
        if path.exists():
            continue
        conversations = Conversations(voices, sounds, np.random.default_rng([options.seed, options.held_out, shard]))
        parts = [conversations.one() for _ in range(SHARD)]
        np.savez(path.with_suffix(".tmp.npz"), **shard_of(parts, teacher))
        path.with_suffix(".tmp.npz").rename(path)
        print(path, flush=True)


if __name__ == "__main__":
    main()
