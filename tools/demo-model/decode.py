"""Greedy decoding of short clips during training, and word error rates."""
from __future__ import annotations

import numpy as np
import torch

import features
from corpus import Corpus
from grammar import words_of
from model import Whisper
from tokenizer import DemoTokenizer


def word_errors(reference: str, hypothesis: str) -> tuple[int, int]:
    """(edit distance in words, words of the reference), both without case and punctuation."""
    wanted, got = words_of(reference), words_of(hypothesis)
    row = list(range(len(got) + 1))
    for i, word in enumerate(wanted, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(got, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (word != other))
    return row[-1], len(wanted)


@torch.no_grad()
def greedy(model: Whisper, mel: torch.Tensor, tokenizer: DemoTokenizer, longest: int = 40) -> list[str]:
    """Text without time tokens of windows [batch, frames, 80]."""
    audio = model.encoder(mel)
    start = [tokenizer.sot, tokenizer.english, tokenizer.transcribe, tokenizer.no_timestamps]
    tokens = torch.tensor([start] * len(mel))
    done = torch.zeros(len(mel), dtype=torch.bool)
    for _ in range(longest):
        hidden, _, _ = model.decoder(tokens, audio)
        following = model.decoder.logits(hidden[:, -1]).argmax(-1)
        following[done] = tokenizer.eot
        done |= following == tokenizer.eot
        tokens = torch.cat([tokens, following[:, None]], 1)
        if done.all():
            break
    return [tokenizer.decode(row[len(start):]).strip() for row in tokens.tolist()]


def greedy_error_rate(model: Whisper, held: Corpus, tokenizer: DemoTokenizer, count: int, frames: int = 600) -> tuple[float, str]:
    """Word error rate over the first `count` held-out clips in short windows, and two examples."""
    mels, texts = [], []
    for index in range(count):
        clip = held.clip(index)
        window = np.full((frames, features.MELS), features.FLOOR, np.float32)
        length = min(len(clip.mel), frames - 20)
        window[20:20 + length] = clip.mel[:length]
        mels.append(features.normalise(window))
        texts.append(clip.text)
    model.eval()
    said = greedy(model, torch.from_numpy(np.stack(mels)), tokenizer)
    model.train()
    errors = [word_errors(text, heard) for text, heard in zip(texts, said)]
    return sum(e for e, _ in errors) / sum(n for _, n in errors), " / ".join(f"[{t}] -> [{h}]" for t, h in list(zip(texts, said))[:3])
