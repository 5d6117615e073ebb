"""Windows turned into tensors: decoder inputs, targets, and which frames each token should attend to."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from model import Whisper
from tokenizer import TIME_STEP_S, DemoTokenizer
from windows import Window, WindowMaker

IGNORE = -100
MAX_PROMPT = 223
MAX_TOKENS = 448
FULL_WINDOW = 3000  # frames
MAX_FIRST_TIME = 50  # Whisper's decoder allows no first time token beyond one second


@dataclass
class Batch:
    mel: Tensor             # [batch, frames, 80]
    offsets: Tensor         # [batch] position of each window's first frame, in 20 ms steps
    tokens: Tensor          # [batch, n] decoder input
    targets: Tensor         # [batch, n], IGNORE where nothing is learned
    owners: Tensor          # [batch, n] number of the word each target belongs to, 0 for none
    anchors: Tensor         # [batch, n] index of the time token that opened the sentence being written, -1 for none
    words: Tensor           # [batch, frames / 2] number of the word spoken
    word_ids: Tensor        # [batch, frames / 2]
    phonemes: Tensor        # [batch, frames / 2]
    first_position: int     # of the decoder input
    audio: Tensor | None = None  # [batch, frames / 2, width] when the encoder has run before; mel is empty then


@dataclass
class _Sequence:
    tokens: list[int]
    targets: list[int]
    owners: list[int]
    anchors: list[int]


class BatchMaker:
    """Encodes windows the way Whisper was trained: prompt, tags, then text with or without time tokens."""

    def __init__(self, maker: WindowMaker, tokenizer: DemoTokenizer) -> None:
        self.maker, self.tokenizer, self.rng = maker, tokenizer, maker.rng

    def _prompt(self, window: Window) -> list[int]:
        """<|startofprev|> and what transcribe() feeds: the tokens of all earlier segments, their time tokens among them,
        cut to the last MAX_PROMPT. Windows of no recording get random sentences, with time tokens half of the time."""
        t, rng, corpus = self.tokenizer, self.rng, self.maker.corpus
        before, timed = window.before, True
        if before is None or rng.random() < 0.05:
            count, timed = int(rng.integers(1, 3 if len(window.words) < FULL_WINDOW // 2 else 8)), rng.random() < 0.5
            before, at = [], 0.0
            for index in rng.integers(0, len(corpus), count):
                start = (at + rng.uniform(0, 2)) % 26
                at = start + rng.uniform(1, 4)
                before.append((corpus.text(int(index)), start, at))
        ids: list[int] = []
        for text, start, end in before:
            words, _ = t.encode_words(text)
            ids += [self._time(start, 0), *words, self._time(end, 0)] if timed else words
        return [t.sot_prev, *ids[-MAX_PROMPT:]] if ids else []

    def _time(self, seconds: float, offset: int) -> int:
        return self.tokenizer.time_begin + min(max(round(seconds / TIME_STEP_S), 0) + offset, 1500)

    def sequence(self, window: Window, offset: int, prompt: list[int]) -> _Sequence:
        """Decoder input and targets of one window; times are shifted by `offset` steps."""
        t = self.tokenizer
        cut = bool(window.sentences) and not window.sentences[-1].whole
        crowded = len(window.sentences) > 2  # told apart by their times: first learn it with them
        mostly = crowded or window.before is not None
        timed = cut or self.rng.random() < (0.93 if mostly else self.maker.recipe.timestamps)
        body, owners, anchors = [], [], []
        before = len(prompt) + (3 if timed else 4)  # decoder inputs ahead of the body
        for sentence in window.sentences:
            begin = self._time(sentence.start, offset)
            if not sentence.whole:
                body.append(begin), owners.append(0)
                break
            ids, index = t.encode_words(sentence.text)
            spoken = [sentence.first_word + k - 1 for k in index]
            if timed:
                body += [begin, *ids, self._time(sentence.end, offset)]
                owners += [spoken[0], *spoken, spoken[-1]]
                anchors += [before + len(anchors)] * (len(ids) + 1) + [-1]
            else:
                body += ids
                owners += spoken
        if not window.sentences and timed:
            body, owners = [t.time_begin + offset], [0]
        if timed:
            body[0] = min(body[0], t.time_begin + offset + MAX_FIRST_TIME)  # the decoding rule allows no later one
        tags = [t.sot, t.english, t.transcribe] + ([] if timed else [t.no_timestamps])
        tokens = [*prompt, *tags, *body]
        targets = [IGNORE] * len(prompt) + [t.english if window.sentences else t.no_speech]
        targets += [IGNORE] * (len(tags) - 2) + [*body, t.eot]
        anchors = [-1] * before + anchors + [-1] * len(body)
        owners = [0] * (before - 1) + [*owners, 0]
        return _Sequence(*(row[:MAX_TOKENS] for row in (tokens, targets, owners, anchors[:len(tokens)])))

    def make(self, size: int, frames: int, many: bool) -> Batch:
        """`size` windows of `frames`, each one sentence or (many) several."""
        full = frames == FULL_WINDOW
        draw = self.maker.whole if full else (lambda: self.maker.several(frames) if many else self.maker.single(frames))
        windows = [draw() for _ in range(size)]
        offsets = [0 if full or self.rng.random() < 0.3 else int(self.rng.integers(0, 1500 - frames // 2)) for _ in windows]
        batch = self.assemble(windows, offsets, full)
        batch.mel = torch.from_numpy(np.stack([window.mel for window in windows]))
        return batch

    def assemble(self, windows: list[Window], offsets: list[int], full: bool) -> Batch:
        """Everything of a batch but its mel; draws prompts and the kind of transcription anew."""
        rng, t = self.rng, self.tokenizer
        prompted = rng.random() < (0.85 if full else self.maker.recipe.prompt)  # whole batches, so that short ones stay short
        sequences = []
        for window, offset in zip(windows, offsets):
            prompt = self._prompt(window) if prompted and rng.random() < 0.95 else []
            sequences.append(self.sequence(window, offset, prompt))
        length = max(len(s.tokens) for s in sequences)

        def padded(rows: list[list[int]], value: int) -> Tensor:
            return torch.tensor([row + [value] * (length - len(row)) for row in rows])

        def stacked(name: str) -> Tensor:
            return torch.from_numpy(np.stack([getattr(window, name) for window in windows]))

        first = int(rng.integers(0, 448 - length)) if not full and rng.random() < 0.15 else 0
        return Batch(torch.empty(0), torch.tensor(offsets), padded([s.tokens for s in sequences], t.eot),
                     padded([s.targets for s in sequences], IGNORE), padded([s.owners for s in sequences], 0), padded([s.anchors for s in sequences], -1),
                     stacked("words"), stacked("word_ids"), stacked("phonemes"), first)


class EncodedPool:
    """Whole windows the frozen encoder has seen, kept and used again: most of a decoder step's cost is the encoder's."""

    def __init__(self, batches: BatchMaker, model: Whisper, capacity: int = 160) -> None:
        self._batches, self._model, self._capacity = batches, model, capacity
        self._items: list[tuple[Tensor, Window]] = []

    @torch.no_grad()
    def add(self) -> None:
        """Encodes one fresh window, in place of the oldest when the pool is full."""
        maker = self._batches.maker
        window = maker.whole()
        with torch.autocast("cpu", torch.bfloat16):
            audio = self._model.encoder(torch.from_numpy(window.mel)[None])[0].bfloat16()
        window.mel = window.mel[:0]
        if len(self._items) >= self._capacity:
            self._items.pop(0)
        self._items.append((audio, window))

    def make(self, size: int, least: int = 24) -> Batch:
        """A batch of `size` pooled windows; every call brings one fresh window in (one in three calls overfitted)."""
        while len(self._items) < least:
            self.add()
        self.add()
        chosen = [self._items[i] for i in self._batches.rng.choice(len(self._items), size, replace=False)]
        batch = self._batches.assemble([window for _, window in chosen], [0] * size, True)
        batch.audio = torch.stack([audio for audio, _ in chosen])
        return batch
