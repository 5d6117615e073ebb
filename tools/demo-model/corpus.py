"""Stored shards read back, and banks of synthetic background noise, both as mel power."""
from __future__ import annotations

import glob
import json
from dataclasses import dataclass

import numpy as np

import features
from grammar import words_of


@dataclass
class Clip:
    """One stored utterance. Frames are 10 ms."""

    text: str
    voice: str
    mel: np.ndarray         # [frames, 80] float32, log10 power
    words: np.ndarray       # [frames] uint8, index from 1 into text.split(), 0 in silence
    phonemes: np.ndarray    # [frames] uint8
    rms: float
    start: float            # of speech, seconds from the first frame
    end: float


class Corpus:
    """All shards that match a path prefix; `refresh` picks up those written since."""

    def __init__(self, prefix: str, words: list[str]) -> None:
        self._prefix = prefix
        self._seen: set[str] = set()
        self._arrays: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self._records: list[tuple[int, dict]] = []
        self.lengths = np.zeros(0, np.int64)
        self._word_ids = {word: index for index, word in enumerate(words, 1)}
        self.refresh()

    def __len__(self) -> int:
        return len(self._records)

    def refresh(self) -> None:
        fresh = sorted(set(glob.glob(self._prefix + "*.json")) - self._seen)
        if not fresh:
            return
        for path in fresh:
            self._seen.add(path)
            stem = path.removesuffix(".json")
            self._arrays.append(tuple(np.load(f"{stem}.{kind}.npy", mmap_mode="r") for kind in ("mel", "words", "phonemes")))
            self._records += [(len(self._arrays) - 1, record) for record in json.loads(open(path).read())]
        self.lengths = np.array([record["frames"] for _, record in self._records])
        self.hours = self.lengths.sum() / features.FRAMES_PER_SECOND / 3600
        by_voice: dict[str, list[int]] = {}
        for index in range(len(self._records)):
            by_voice.setdefault(self.voice_of(index), []).append(index)
        self._by_voice = {voice: np.array(indices) for voice, indices in by_voice.items()}
        self._wide = np.array([i for i, (_, r) in enumerate(self._records) if r["voice"].get("shift", 1.0) != 1.0], np.int64)

    def draw(self, rng: np.random.Generator, count: int, wide: float) -> list[int]:
        """Random utterances, the share `wide` of them from the voices of `synthesize.py --wider` where there are some."""
        wide = wide if len(self._wide) else 0.0
        return [int(rng.choice(self._wide)) if rng.random() < wide else int(rng.integers(0, len(self))) for _ in range(count)]

    def voice_of(self, index: int) -> str:
        voice = self._records[index][1]["voice"]
        return f"{voice['engine']}:{voice['name']}"

    def pick_voice(self, voice: str, rng: np.random.Generator) -> int:
        """A random utterance of one voice."""
        return int(rng.choice(self._by_voice[voice]))

    def span(self, index: int) -> tuple[str, int, float, float]:
        """(text, frames, start and end of speech in seconds), without reading the audio."""
        record = self._records[index][1]
        return record["text"], record["frames"], record["start"], record["end"]

    def text(self, index: int) -> str:
        return self._records[index][1]["text"]

    def clip(self, index: int) -> Clip:
        shard, record = self._records[index]
        span = slice(record["offset"], record["offset"] + record["frames"])
        mel, words, phonemes = (array[span] for array in self._arrays[shard])
        return Clip(record["text"], self.voice_of(index), mel.astype(np.float32), np.asarray(words),
                    np.asarray(phonemes), record["rms"], record["start"], record["end"])

    def word_ids(self, text: str) -> np.ndarray:
        """Class of every word of text.split() in the word head, behind a 0 for silence."""
        return np.array([0, *(self._word_ids[words_of(word)[0]] for word in text.split())], np.int64)


class NoiseBank:
    """Stretches of stationary noise of several colours, unit RMS, as mel power."""

    def __init__(self, rng: np.random.Generator, seconds: int = 40) -> None:
        count = seconds * features.SAMPLE_RATE
        frequencies = np.maximum(np.fft.rfftfreq(count, 1 / features.SAMPLE_RATE), 20)
        self._banks = []
        for slope in (0.0, 0.0, 0.5, 1.0):  # amplitude falls with frequency ** slope: white, white, pink, brown
            wave = np.fft.irfft(np.fft.rfft(rng.standard_normal(count)) / frequencies ** slope, count)
            self._banks.append(10 ** features.log_power((wave / wave.std()).astype(np.float32)))

    def draw(self, frames: int, rng: np.random.Generator) -> np.ndarray:
        """[frames, 80] linear mel power of unit-RMS noise."""
        bank = self._banks[rng.integers(len(self._banks))]
        start = int(rng.integers(0, len(bank) - frames)) if frames < len(bank) else 0
        return bank[start:start + frames]
