"""Long recordings imagined as time lines of stored utterances, and the windows openai-whisper's loop would cut from them.

`transcribe()` looks at 30 s, keeps the sentences that end within them, and starts the next window where the last of
these ended, with everything it wrote before as prompt. Training windows come from the same walk with perfect answers.
"""
from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

import features
from corpus import Corpus

WINDOW_S = 30.0
FIRST_S = 1.0  # the latest first start that the decoding rules allow
Line = tuple[str, float, float]  # text, start and end in seconds from its own window's start


@dataclass
class Entry:
    """One utterance on the time line."""

    at: float        # seconds of its first frame
    index: int       # in the corpus
    turn: int        # number of the speaker's turn, for what all its sentences share
    start: float     # of its speech
    end: float
    text: str


@dataclass
class View:
    """One window of the walk."""

    seek: float                                        # seconds of its first frame
    entries: list[Entry]                               # all that are heard in it
    written: int                                       # index of the first of them that is written
    content_s: float                                   # how much of the window the recording fills
    before: list[Line] = field(default_factory=list)   # what earlier windows wrote


class Recording:
    """Voices in turn with pauses in a style of the recording's own."""

    def __init__(self, corpus: Corpus, rng: np.random.Generator, seconds: float, wide: float) -> None:
        self._rng = rng
        self.entries: list[Entry] = []
        shortest = float(rng.choice([0.05, 0.2, 0.4, 0.6]))
        longest = shortest + float(rng.choice([0.15, 0.5, 1.0, 1.5]))
        long_pauses = 0.06 if rng.random() < 0.5 else 0.0
        cast = [corpus.voice_of(index) for index in corpus.draw(rng, int(rng.integers(1, 5)), wide)]
        turn, left, at = 0, int(rng.integers(1, 4)), float(rng.choice([0.0, 0.1, 0.5, 1.0]) + rng.uniform(0, 0.6))
        patience = 1 if rng.random() < 0.3 else 5  # sentences a turn
        while at < seconds or not self.entries:
            if left == 0:
                turn, left = turn + 1, int(rng.integers(1, patience + 1))
            left -= 1
            index = corpus.pick_voice(cast[turn % len(cast)], rng)
            text, frames, start, end = corpus.span(index)
            self.entries.append(Entry(at, index, turn, at + start, at + end, text))
            pause = rng.uniform(shortest, longest) if rng.random() >= long_pauses else rng.uniform(2, 8)
            at += frames / features.FRAMES_PER_SECOND + pause
        last = self.entries[-1]
        self.seconds = last.end + float(rng.choice([0.05, 0.3, 1.0]) + rng.uniform(0, 0.3))
        if rng.random() < 0.1:
            self.seconds += rng.uniform(1, 20)

    def views(self) -> list[View]:
        """The windows of a walk that makes no mistake but a few hundredths of a second in where a sentence ends."""
        views: list[View] = []
        before: list[Line] = []
        seek = 0.0
        while seek < self.seconds - 0.2:
            edge = min(seek + WINDOW_S, self.seconds)
            heard = [e for e in self.entries if e.end > seek - 0.05 and e.at < edge]
            written = next((i for i, e in enumerate(heard) if e.start > seek - 0.1), len(heard))
            views.append(View(seek, heard, written, edge - seek, list(before)))
            whole = [e for e in heard[written:] if e.end <= edge + 0.02]
            latest = FIRST_S  # for the first start only
            for e in whole:
                before.append((e.text, min(e.start - seek, latest), e.end - seek))
                latest = WINDOW_S
            if len(whole) == len(heard) - written:
                seek += WINDOW_S
            elif whole:
                seek = round(whole[-1].end + self._rng.normal(0, 0.025), 2)
            else:
                seek = heard[written].at - 0.3
        return views
