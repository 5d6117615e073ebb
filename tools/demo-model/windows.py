"""Training windows: stored utterances laid on a time line, disturbed, and labelled for every loss."""
from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

import features
from corpus import Clip, Corpus, NoiseBank
from recordings import WINDOW_S, Line, Recording, View

FRAME_S = 1 / features.FRAMES_PER_SECOND


@dataclass
class Recipe:
    """How windows are disturbed. Probabilities are per window, levels in decades of power."""

    noise: float = 0.0             # share of windows with audible noise
    noise_snr: tuple[float, float] = (15.0, 45.0)
    warp: float = 0.13             # largest frequency warp
    tilt: float = 0.35             # largest rise or fall over the mel bands
    gain: tuple[float, float] = (-1.5, 0.5)
    empty: float = 0.04            # share of windows without speech
    cut: float = 0.3               # share of windows whose last sentence runs over the end
    tail: float = 0.1              # share that begin within the last sounds of an earlier sentence
    prompt: float = 0.3            # share with previous text
    timestamps: float = 0.6        # share transcribed with time tokens
    wide: float = 0.4              # share of voices from `synthesize.py --wider`
    recorded: float = 0.75         # share of whole windows that are cut from an imagined long recording


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
    before: list[Line] | None = None  # what was written before this window; None when it belongs to no recording


@dataclass
class Placed:
    """A clip on a window's time line, and how its voice is changed."""

    at: int                        # frame of its first, negative when it began before the window
    clip: Clip
    warp: float                    # of the mel axis
    gain: float                    # decades of power
    written: bool = True


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
        self._views: list[View] = []

    def _chance(self, share: float) -> bool:
        return self.rng.random() < share

    def _pick(self, shortest: int, longest: int) -> Clip | None:
        """A random clip of a length within bounds, or None when a few draws find none."""
        for _ in range(40):
            index = self.corpus.draw(self.rng, 1, self.recipe.wide)[0]
            if shortest <= self.corpus.lengths[index] <= longest:
                return self.corpus.clip(index)
        return None

    def _place(self, at: int, clip: Clip) -> Placed:
        rng, warp = self.rng, self.recipe.warp
        return Placed(at, clip, float(np.exp(rng.uniform(-warp, warp))), float(rng.uniform(-0.3, 0.3)), at >= 0)

    def single(self, frames: int) -> Window:
        """One sentence somewhere in `frames`."""
        if self._chance(self.recipe.empty):
            return self._finish([], frames)
        clip = self._pick(int(frames * 0.55), frames - 6) or self._pick(20, frames - 6)
        if clip is None:
            return self._finish([], frames)
        at = int(self.rng.integers(0, frames - len(clip.mel)))
        return self._finish([self._place(at, clip)], frames)

    def several(self, frames: int) -> Window:
        """Sentences with pauses from the start of the window towards its end, sometimes stopping early."""
        rng, recipe = self.rng, self.recipe
        if self._chance(recipe.empty):
            return self._finish([], frames)
        placed: list[Placed] = []
        cut = self._chance(recipe.cut)
        stop = frames if cut or self._chance(0.45) or frames < 1500 else int(rng.uniform(0.1, 1) * frames)
        longest_gap_s = 0.6 if frames < 1500 else 1.8  # short windows waste little on silence
        at = int(rng.integers(0, 40 if frames < 1500 else 130)) if self._chance(0.85) else int(rng.integers(0, frames // 2))
        if self._chance(recipe.tail):
            clip = self._pick(60, 500)
            at = int(rng.integers(3, 16))
            placed.append(self._place(at - len(clip.mel), clip))
            at += int(rng.integers(15, 120))
        while at < stop - 60:
            clip = self._pick(60, 1000 if cut else stop - at)
            if clip is None or (at + len(clip.mel) > frames and not cut):
                break
            placed.append(self._place(at, clip))
            pause = rng.uniform(0.15, longest_gap_s) if self._chance(0.9) else rng.uniform(0.5, 5)
            at += len(clip.mel) + int(pause * features.FRAMES_PER_SECOND)
        return self._finish(placed, frames)

    def whole(self) -> Window:
        """A 30 s window: mostly one of a recording, else one filled at random."""
        recipe = self.recipe
        frames = int(WINDOW_S * features.FRAMES_PER_SECOND)
        if not self._chance(recipe.recorded):
            return self.single(frames) if self._chance(0.6) else self.several(frames)
        if not self._views:
            seconds = self.rng.uniform(0, 12) if self._chance(0.5) else self.rng.uniform(12, 200)
            views = Recording(self.corpus, self.rng, seconds, recipe.wide).views()
            self._views = [views[i] for i in self.rng.permutation(len(views))[:2]]
        return self._record(self._views.pop(), frames)

    def _record(self, view: View, frames: int) -> Window:
        rng, recipe = self.rng, self.recipe
        changes: dict[int, tuple[float, float]] = {}
        placed = []
        leveled = self._chance(0.5)
        for number, entry in enumerate(view.entries):
            clip = self.corpus.clip(entry.index)
            warp, gain = changes.setdefault(entry.turn, (rng.uniform(-recipe.warp, recipe.warp), rng.uniform(-0.4, 0.4)))
            gain = -2 * np.log10(max(clip.rms, 1e-3) / 0.08) + 0.2 * gain if leveled else gain
            placed.append(Placed(round((entry.at - view.seek) * features.FRAMES_PER_SECOND), clip, float(np.exp(warp)), float(gain),
                                 number >= view.written))
        content = min(frames, round(view.content_s * features.FRAMES_PER_SECOND))
        if self._chance(recipe.empty):
            placed = []
        window = self._finish(placed, frames, content)
        window.before = view.before
        return window

    def _finish(self, placed: list[Placed], frames: int, content: int | None = None) -> Window:
        """Renders and labels a window. With `content`, the recording ends there and what follows is transcribe()'s padding."""
        mel = np.full((frames, features.MELS), features.FLOOR, np.float32)
        words, word_ids, phonemes = (np.zeros(frames, np.int64) for _ in range(3))
        sentences, next_word, rms = [], 1, 0.1
        end_of_content = frames if content is None else content
        for item in placed:
            at, clip = item.at, item.clip
            begin, end = max(at, 0), min(at + len(clip.mel), end_of_content)
            if begin >= end:
                continue
            part = slice(begin - at, end - at)
            mel[begin:end] = np.maximum(mel[begin:end], warp_mel(clip.mel[part], item.warp) + np.float32(item.gain))
            rms = clip.rms * 10 ** (item.gain / 2)
            if not item.written:
                continue  # the end of an earlier sentence: heard, not written
            local = clip.words[part].astype(np.int64)
            words[begin:end] = np.where(local > 0, local + next_word - 1, 0)
            word_ids[begin:end] = self.corpus.word_ids(clip.text)[local]
            phonemes[begin:end] = clip.phonemes[part]
            whole = at + clip.end * features.FRAMES_PER_SECOND <= end_of_content + 2
            if not whole:
                words[begin:end] = 0  # nothing to attend to: its words are not written
            sentences.append(Sentence(clip.text, max(at * FRAME_S + clip.start, 0.0),
                                      min(at * FRAME_S + clip.end, frames * FRAME_S), next_word, whole))
            next_word += len(clip.text.split())
        mel = self._disturb(mel, rms, not placed, content is None)
        return Window(self._normalise(mel, content), words[::2], word_ids[::2], phonemes[::2], sentences)

    def _normalise(self, mel: np.ndarray, content: int | None) -> np.ndarray:
        """Whisper's clamp and scale. A recording's clamp is set by its loudest part, which may lie elsewhere, and
        transcribe() pads the scaled values with zeros."""
        if content is None:
            return features.normalise(mel)
        peak = mel[:content].max() if content else 0.0
        if self._chance(0.5):
            peak += self.rng.uniform(0, 0.8)
        out = (np.maximum(mel, peak - 8) + 4) / 4
        if self._chance(0.9):
            out[content:] = 0.0
        else:
            out[content:] = (peak - 4) / 4
        return out

    def _disturb(self, mel: np.ndarray, rms: float, empty: bool, may_stop: bool) -> np.ndarray:
        """Noise, channel and gain for a whole window [frames, 80] of log10 power; it may stop in digital silence."""
        rng, recipe = self.rng, self.recipe
        if empty and self._chance(0.35):
            return mel
        noisy = self._chance(0.6 if empty else recipe.noise)
        if noisy or self._chance(0.4):
            snr = rng.uniform(*recipe.noise_snr) if noisy else rng.uniform(45, 70)
            level = rms * 10 ** (-snr / 20) if not empty else 10 ** rng.uniform(-4, -0.7)
            length = int(rng.uniform(0.5, 1) * len(mel)) if may_stop and self._chance(0.4) else len(mel)
            power = self.noise.draw(length, rng) * np.float32(level ** 2)
            mel[:length] = np.log10(10 ** mel[:length] + power)
        if recipe.tilt:
            bend = np.linspace(-1, 1, features.MELS) * rng.uniform(-recipe.tilt, recipe.tilt)
            bend += np.sin(np.linspace(0, 2 * np.pi, features.MELS) * rng.uniform(0.5, 2) + rng.uniform(0, 6)) * rng.uniform(0, recipe.tilt)
            mel = mel + bend.astype(np.float32)
        return np.maximum(mel + np.float32(rng.uniform(*recipe.gain)), features.FLOOR)
