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

    def _prompt(self, sentences: int) -> list[int]:
        """<|startofprev|> and some earlier sentences, with time tokens half of the time."""
        tokenizer, corpus = self.tokenizer, self.maker.corpus
        ids: list[int] = []
        timed, at = self.rng.random() < 0.5, 0
        for index in self.rng.integers(0, len(corpus), sentences):
            text, _ = tokenizer.encode_words(corpus.text(int(index)))
            begin, end = at + int(self.rng.integers(0, 80)), at + int(self.rng.integers(120, 250))
            at = end
            ids += [tokenizer.time_begin + begin % 1500, *text, tokenizer.time_begin + end % 1500] if timed else text
        return [tokenizer.sot_prev, *ids[-MAX_PROMPT:]]

    def _time(self, seconds: float, offset: int) -> int:
        return self.tokenizer.time_begin + min(max(round(seconds / TIME_STEP_S), 0) + offset, 1500)

    def sequence(self, window: Window, offset: int, prompt: list[int]) -> _Sequence:
        """Decoder input and targets of one window; times are shifted by `offset` steps."""
        t = self.tokenizer
        cut = bool(window.sentences) and not window.sentences[-1].whole
        crowded = len(window.sentences) > 2  # told apart by their times: first learn it with them
        timed = cut or self.rng.random() < (0.9 if crowded else self.maker.recipe.timestamps)
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
        shown = list(body)
        late = t.time_begin + offset + MAX_FIRST_TIME
        if timed and body[0] > late and self.rng.random() < 0.5:
            shown[0] = late  # the decoding rule will force this token; go on from it as from the true one
        tags = [t.sot, t.english, t.transcribe] + ([] if timed else [t.no_timestamps])
        tokens = [*prompt, *tags, *shown]
        targets = [IGNORE] * len(prompt) + [t.english if window.sentences else t.no_speech]
        targets += [IGNORE] * (len(tags) - 2) + [*body, t.eot]
        anchors = [-1] * before + anchors + [-1] * len(body)
        return _Sequence(tokens, targets, [0] * (before - 1) + [*owners, 0], anchors[:len(tokens)])

    def make(self, size: int, frames: int, many: bool) -> Batch:
        """`size` windows of `frames`, each one sentence or (many) several."""
        windows = [self.maker.several(frames) if many else self.maker.single(frames) for _ in range(size)]
        full = frames == FULL_WINDOW
        offsets = [0 if full or self.rng.random() < 0.3 else int(self.rng.integers(0, 1500 - frames // 2)) for _ in windows]
        batch = self.assemble(windows, offsets, full)
        batch.mel = torch.from_numpy(np.stack([window.mel for window in windows]))
        return batch

    def assemble(self, windows: list[Window], offsets: list[int], full: bool) -> Batch:
        """Everything of a batch but its mel; draws prompts and the kind of transcription anew."""
        rng, t = self.rng, self.tokenizer
        longest = 12 if full else 2
        prompted = rng.random() < self.maker.recipe.prompt  # whole batches, so that short ones stay short
        sequences = []
        for window, offset in zip(windows, offsets):
            prompt = self._prompt(int(rng.integers(1, longest + 1))) if prompted and rng.random() < 0.9 else []
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

    def __init__(self, batches: BatchMaker, model: Whisper, capacity: int = 600) -> None:
        self._batches, self._model, self._capacity = batches, model, capacity
        self._items: list[tuple[Tensor, Window]] = []

    @torch.no_grad()
    def add(self) -> None:
        """Encodes one fresh window, in place of the oldest when the pool is full."""
        maker = self._batches.maker
        window = maker.several(FULL_WINDOW) if maker.rng.random() < 0.6 else maker.single(FULL_WINDOW)
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
