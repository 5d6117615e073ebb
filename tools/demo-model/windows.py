"""Training windows: stored utterances laid on a time line, disturbed, and labelled for every loss."""
from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

import features
from corpus import Clip, Corpus, NoiseBank

FRAME_S = 1 / features.FRAMES_PER_SECOND


@dataclass
class Recipe:
    """How windows are disturbed. Probabilities are per window, levels in decades of power."""

    noise: float = 0.0             # share of windows with audible noise
    noise_snr: tuple[float, float] = (15.0, 45.0)
    warp: float = 0.1              # largest frequency warp
    tilt: float = 0.35             # largest rise or fall over the mel bands
    gain: tuple[float, float] = (-1.5, 0.5)
    empty: float = 0.04            # share of windows without speech
    cut: float = 0.3               # share of windows whose last sentence runs over the end
    tail: float = 0.1              # share that begin within the last sounds of an earlier sentence
    prompt: float = 0.3            # share with previous text
    timestamps: float = 0.6        # share transcribed with time tokens


@dataclass
class Sentence:
    text: str
    start: float                   # seconds in the window
    end: float
    first_word: int                # number, in the window, of its first word (from 1)
    whole: bool                    # False when the window ends before it does


@dataclass
class Window:
    mel: np.ndarray                # [frames, 80], normalised
    words: np.ndarray              # [frames / 2] number of the word in the window, 0 in silence
    word_ids: np.ndarray           # [frames / 2] class for the word head
    phonemes: np.ndarray           # [frames / 2]
    sentences: list[Sentence] = field(default_factory=list)


def warp_mel(mel: np.ndarray, factor: float) -> np.ndarray:
    """Stretches the mel axis of [frames, 80] by `factor`, as a longer or shorter vocal tract would."""
    positions = np.clip(np.arange(features.MELS) * factor, 0, features.MELS - 1.001)
    low = positions.astype(int)
    share = (positions - low).astype(np.float32)
    return mel[:, low] * (1 - share) + mel[:, low + 1] * share


class WindowMaker:
    """Draws windows of a given length. One random stream; not thread-safe."""

    def __init__(self, corpus: Corpus, noise: NoiseBank, recipe: Recipe, rng: np.random.Generator) -> None:
        self.corpus, self.noise, self.recipe, self.rng = corpus, noise, recipe, rng

    def _chance(self, share: float) -> bool:
        return self.rng.random() < share

    def _pick(self, shortest: int, longest: int) -> Clip | None:
        """A random clip of a length within bounds, or None when a few draws find none."""
        for index in self.rng.integers(0, len(self.corpus), 40):
            if shortest <= self.corpus.lengths[index] <= longest:
                return self.corpus.clip(int(index))
        return None

    def _voice(self, mel: np.ndarray) -> np.ndarray:
        recipe, rng = self.recipe, self.rng
        if recipe.warp:
            mel = warp_mel(mel, float(np.exp(rng.uniform(-recipe.warp, recipe.warp))))
        return mel + np.float32(rng.uniform(-0.3, 0.3))

    def single(self, frames: int) -> Window:
        """One sentence somewhere in `frames`."""
        if self._chance(self.recipe.empty):
            return self._finish([], frames)
        clip = self._pick(int(frames * 0.55), frames - 6) or self._pick(20, frames - 6)
        if clip is None:
            return self._finish([], frames)
        at = int(self.rng.integers(0, frames - len(clip.mel)))
        return self._finish([(at, clip)], frames)

    def several(self, frames: int) -> Window:
        """Sentences with pauses from the start of the window towards its end, sometimes stopping early."""
        rng, recipe = self.rng, self.recipe
        if self._chance(recipe.empty):
            return self._finish([], frames)
        placed: list[tuple[int, Clip]] = []
        cut = self._chance(recipe.cut)
        stop = frames if cut or self._chance(0.45) or frames < 1500 else int(rng.uniform(0.1, 1) * frames)
        longest_gap_s = 0.6 if frames < 1500 else 1.8  # short windows waste little on silence
        at = int(rng.integers(0, 40 if frames < 1500 else 130)) if self._chance(0.85) else int(rng.integers(0, frames // 2))
        if self._chance(recipe.tail):
            clip = self._pick(60, 500)
            at = int(rng.integers(3, 16))
            placed.append((at - len(clip.mel), clip))
            at += int(rng.integers(15, 120))
        while at < stop - 60:
            clip = self._pick(60, 1000 if cut else stop - at)
            if clip is None or (at + len(clip.mel) > frames and not cut):
                break
            placed.append((at, clip))
            pause = rng.uniform(0.15, longest_gap_s) if self._chance(0.9) else rng.uniform(0.5, 5)
            at += len(clip.mel) + int(pause * features.FRAMES_PER_SECOND)
        return self._finish(placed, frames)

    def _finish(self, placed: list[tuple[int, Clip]], frames: int) -> Window:
        rng, recipe = self.rng, self.recipe
        mel = np.full((frames, features.MELS), features.FLOOR, np.float32)
        words, word_ids, phonemes = (np.zeros(frames, np.int64) for _ in range(3))
        sentences, next_word, rms = [], 1, 0.1
        for at, clip in placed:
            begin, end = max(at, 0), min(at + len(clip.mel), frames)
            part = slice(begin - at, end - at)
            mel[begin:end] = self._voice(clip.mel[part])
            rms = clip.rms
            if at < 0:
                continue  # the end of an earlier sentence: heard, not written
            local = clip.words[part].astype(np.int64)
            words[begin:end] = np.where(local > 0, local + next_word - 1, 0)
            word_ids[begin:end] = self.corpus.word_ids(clip.text)[local]
            phonemes[begin:end] = clip.phonemes[part]
            whole = at + clip.end * features.FRAMES_PER_SECOND <= frames + 2
            if not whole:
                words[begin:end] = 0  # nothing to attend to: its words are not written
            sentences.append(Sentence(clip.text, at * FRAME_S + clip.start, min(at * FRAME_S + clip.end, frames * FRAME_S),
                                      next_word, whole))
            next_word += len(clip.text.split())
        mel = self._disturb(mel, rms, empty=not placed)
        return Window(features.normalise(mel), words[::2], word_ids[::2], phonemes[::2], sentences)

    def _disturb(self, mel: np.ndarray, rms: float, empty: bool) -> np.ndarray:
        """Noise, channel and gain for a whole window [frames, 80] of log10 power; a window may end in digital silence."""
        rng, recipe = self.rng, self.recipe
        if empty and self._chance(0.35):
            return mel
        noisy = self._chance(0.6 if empty else recipe.noise)
        if noisy or self._chance(0.4):
            snr = rng.uniform(*recipe.noise_snr) if noisy else rng.uniform(45, 70)
            level = rms * 10 ** (-snr / 20) if not empty else 10 ** rng.uniform(-4, -0.7)
            length = len(mel) if self._chance(0.6) else int(rng.uniform(0.5, 1) * len(mel))
            power = self.noise.draw(length, rng) * np.float32(level ** 2)
            mel[:length] = np.log10(10 ** mel[:length] + power)
        if recipe.tilt:
            bend = np.linspace(-1, 1, features.MELS) * rng.uniform(-recipe.tilt, recipe.tilt)
            bend += np.sin(np.linspace(0, 2 * np.pi, features.MELS) * rng.uniform(0.5, 2) + rng.uniform(0, 6)) * rng.uniform(0, recipe.tilt)
            mel = mel + bend.astype(np.float32)
        return np.maximum(mel + np.float32(rng.uniform(*recipe.gain)), features.FLOOR)
