"""Trains the demo model by wall clock; SIGTERM stops it with everything saved, --resume goes on.

    torchrun --nproc-per-node 2 train.py --data data/train --held data/held --tokenizer tokenizer.json --out run \\
        --until 16:50 --mix short=1

Every --save-minutes it writes RUN/last.pt (weights, their running average, optimizer, progress) and measures the word
error rate on --held sentences of voices it does not train on. All numbers go to RUN/log.txt.
"""
from __future__ import annotations

import argparse
import datetime
import math
import os
import signal
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from batches import IGNORE, Batch, BatchMaker, EncodedPool
from corpus import Corpus, NoiseBank
from decode import greedy_error_rate
from model import Dimensions, Whisper
from synthesize import PHONEMES
from tokenizer import DemoTokenizer, vocabulary_words
from windows import Recipe, WindowMaker



class Kind(NamedTuple):
    """One kind of batch."""

    frames: tuple[int, ...]     # window lengths to choose from
    many: bool                  # several sentences a window?
    seconds: float              # of audio a batch
    encoder_learns: bool = True  # without, a batch costs a third and teaches only the decoder


KINDS = {"short": Kind((260, 320, 400), False, 70), "medium": Kind((600, 800), True, 80),
         "decoder": Kind((1600, 3000), True, 120, False), "long": Kind((3000,), True, 120),
         "pooled": Kind((3000,), True, 240, False)}  # from windows encoded before; only while nothing trains the encoder
GUIDED_INPUT_HEAD = (0, 0)                    # (layer, head) that looks at the word of the token just read
GUIDED_TARGET_HEADS = [(1, 0), (2, 0), (2, 1)]  # and those that look at the word to be written: the alignment heads
GUIDED_ANCHOR_HEAD = 2                        # of the first layer's self-attention: looks at the sentence's start time


def guidance_loss(attention: Tensor, owners: Tensor, words: Tensor) -> Tensor:
    """Minus log of the attention [batch, n, time] that falls on each token's own word, over tokens that have one."""
    on_word = (owners[:, :, None] == words[:, None]) & (owners > 0)[:, :, None]
    known = on_word.any(-1)
    mass = (attention * on_word).sum(-1)
    return -torch.log(mass[known] + 1e-4).mean() if known.any() else attention.sum() * 0


def anchor_loss(attention: Tensor, anchors: Tensor) -> Tensor:
    """Minus log of the self-attention [batch, n, n] on the time token that opened the sentence, where there is one."""
    known = anchors >= 0
    mass = attention.gather(2, anchors.clamp(min=0)[:, :, None])[:, :, 0]
    return -torch.log(mass[known] + 1e-4).mean() if known.any() else attention.sum() * 0


def token_loss(logits: Tensor, targets: Tensor, eot: int, time_begin: int) -> Tensor:
    """Cross entropy; a time token shares a quarter of its weight with either neighbour, and the end of a transcript,
    one token in many, counts for four."""
    known = targets != IGNORE
    log_p, target = torch.log_softmax(logits[known].float(), -1), targets[known]
    loss = -log_p.gather(1, target[:, None])[:, 0]
    timed = target >= time_begin
    low = (target - 1).clamp(min=time_begin)
    high = (target + 1).clamp(max=logits.shape[-1] - 1)
    soft = -0.5 * log_p.gather(1, torch.where(timed, target, 0)[:, None])[:, 0]
    soft = soft - 0.25 * (log_p.gather(1, torch.where(timed, low, 0)[:, None]) + log_p.gather(1, torch.where(timed, high, 0)[:, None]))[:, 0]
    weight = torch.where(target == eot, 4.0, 1.0)
    return (torch.where(timed, soft, loss) * weight).sum() / weight.sum()


def frame_loss(logits: Tensor, labels: Tensor) -> tuple[Tensor, float]:
    """Cross entropy with silence weighted down, and the accuracy on speech frames."""
    logits, labels = logits.float().flatten(0, 1), labels.flatten()
    weight = torch.where(labels > 0, 1.0, 0.25)
    loss = (F.cross_entropy(logits, labels, reduction="none") * weight).sum() / weight.sum()
    spoken = labels > 0
    return loss, float((logits.argmax(-1) == labels)[spoken].float().mean()) if spoken.any() else math.nan


def losses(model: Whisper, batch: Batch, eot: int, time_begin: int, encoder_learns: bool) -> tuple[Tensor, dict[str, float]]:
    with torch.autocast("cpu", torch.bfloat16):
        if batch.audio is None:
            with torch.set_grad_enabled(encoder_learns):
                audio = model.encoder(batch.mel, batch.offsets)
        else:
            audio = batch.audio
        hidden, attention, self_attention = model.decoder(batch.tokens, audio, batch.first_position)
        logits = model.decoder.logits(hidden)
    text = token_loss(logits, batch.targets, eot, time_begin)
    guide = sum(guidance_loss(attention[layer][:, head], batch.owners, batch.words) for layer, head in GUIDED_TARGET_HEADS)
    read_owners = F.pad(batch.owners, (1, 0))[:, :-1]
    layer, head = GUIDED_INPUT_HEAD
    guide = guide + guidance_loss(attention[layer][:, head], read_owners, batch.words)
    anchor = anchor_loss(self_attention[:, GUIDED_ANCHOR_HEAD], batch.anchors)
    total = text + 0.15 * guide + 0.2 * anchor
    parts = {"text": text, "guide": guide / (1 + len(GUIDED_TARGET_HEADS)), "anchor": anchor}
    numbers = {name: float(value.detach()) for name, value in parts.items()}
    if encoder_learns:
        with torch.autocast("cpu", torch.bfloat16):
            phoneme_logits, word_logits = model.phoneme_head(audio), model.word_head(audio)
        phoneme, numbers["phoneme_acc"] = frame_loss(phoneme_logits, batch.phonemes)
        word, numbers["word_acc"] = frame_loss(word_logits, batch.word_ids)
        total = total + 0.4 * phoneme + 0.4 * word
    return total, numbers


class Progress:
    """Learning rate and stopping time by the clock, so that other work on the machine shortens nothing but the count of steps."""

    def __init__(self, until: str, peak: float, low: float, warmup: int) -> None:
        now = datetime.datetime.now(datetime.timezone.utc)
        hour, minute = map(int, until.split(":"))
        self.start, self.end = time.time(), now.replace(hour=hour, minute=minute, second=0).timestamp()
        self.peak, self.low, self.warmup = peak, low, warmup

    def rate(self, steps_here: int) -> float:
        share = min(1.0, (time.time() - self.start) / max(1.0, self.end - self.start))
        cosine = self.low + (self.peak - self.low) * 0.5 * (1 + math.cos(math.pi * share))
        return cosine * min(1.0, (steps_here + 1) / self.warmup)

    @property
    def over(self) -> bool:
        return time.time() >= self.end


class Workers:
    """One single-threaded process a core, each with its own windows, gradients averaged every step.

    Threads within a step would wait for each other at every product, and on a machine that others use that wait costs half
    of the time. Started by torchrun; without it, one worker. A worker that wants to stop tells the others with its gradients.
    """

    def __init__(self) -> None:
        self.rank, self.count = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
        if self.count > 1:
            torch.distributed.init_process_group("gloo")
        self._stop = False
        signal.signal(signal.SIGTERM, self._ask_to_stop)

    def _ask_to_stop(self, *_: object) -> None:
        self._stop = True

    def average(self, model: Whisper, stop: bool) -> bool:
        """Averages the gradients in place; True when any worker wants to stop."""
        stop = stop or self._stop
        if self.count == 1:
            return stop
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        flat = torch.cat([*(g.flatten() for g in gradients), torch.tensor([float(stop)])])
        torch.distributed.all_reduce(flat)
        for gradient, part in zip(gradients, flat[:-1].split([g.numel() for g in gradients])):
            gradient.copy_(part.view_as(gradient) / self.count)
        return bool(flat[-1] > 0)


def parse_mix(text: str) -> dict[str, float]:
    return {kind: float(share) for kind, share in (part.split("=") for part in text.split(","))}


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="path prefix of the training shards")
    parser.add_argument("--held", required=True, help="path prefix of the held-out shards")
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--until", required=True, help="UTC time of day, HH:MM, at which the learning rate reaches its end")
    parser.add_argument("--mix", default="short=1", help="shares of batches, as short=0.5,medium=0.3,long=0.2")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--last-rate", type=float, default=1e-5)
    parser.add_argument("--warmup", type=int, default=150)
    parser.add_argument("--noise", type=float, default=0.0, help="share of windows with audible noise")
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--average", type=float, default=0.996, help="decay of the running average of the weights")
    parser.add_argument("--save-minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--from-average", action="store_true", help="resume from the running average of the weights")
    parser.add_argument("--resume", action="store_true")
    return parser.parse_args()


def main() -> None:
    options = parse_options()
    workers = Workers()
    torch.set_num_threads(max(1, os.cpu_count() // workers.count))
    torch.manual_seed(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    log = open(options.out / "log.txt", "a", buffering=1)

    def say(text: str) -> None:
        if workers.rank:
            return
        line = f"{datetime.datetime.now(datetime.timezone.utc):%H:%M:%S} {text}"
        print(line, flush=True)
        log.write(line + "\n")

    tokenizer, words = DemoTokenizer(options.tokenizer), vocabulary_words()
    corpus, held = Corpus(options.data, words), Corpus(options.held, words)
    step = torch.load(options.out / "last.pt")["step"] if options.resume else 0
    rng = np.random.default_rng([options.seed, step, workers.rank])
    kind_rng = np.random.default_rng([options.seed, step])  # the same in every worker
    batches = BatchMaker(WindowMaker(corpus, NoiseBank(rng), Recipe(noise=options.noise), rng), tokenizer)
    model = Whisper(Dimensions(tokenizer.size, options.width), tokenizer.time_begin, len(PHONEMES), len(words) + 1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    step, heard, average = 0, 0.0, None
    if options.resume:
        saved = torch.load(options.out / "last.pt")
        model.load_state_dict(saved["average" if options.from_average else "model"])
        optimizer.load_state_dict(saved["optimizer"])
        step, heard, average = saved["step"], saved["hours"], saved["average"]
    else:
        model.scale_convolutions(batches.make(24, 300, False).mel)
    average = average or {name: value.clone() for name, value in model.state_dict().items()}
    say(f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f} M values, {len(corpus)} utterances, {corpus.hours:.1f} h; {vars(options)}")

    pool = EncodedPool(batches, model)
    progress, mix = Progress(options.until, options.rate, options.last_rate, options.warmup), parse_mix(options.mix)
    kinds, shares = list(mix), np.array(list(mix.values())) / sum(mix.values())
    sums: dict[str, list[float]] = {}
    first_step, saved_at, told_at, skipped = step, time.time(), time.time(), 0
    while True:
        kind = str(kind_rng.choice(kinds, p=shares))
        frames = int(kind_rng.choice(KINDS[kind].frames))
        size = max(1, round(KINDS[kind].seconds / workers.count * 100 / frames))
        batch = pool.make(size) if kind == "pooled" else batches.make(size, frames, KINDS[kind].many)
        for group in optimizer.param_groups:
            group["lr"] = progress.rate(step - first_step)
        loss, parts = losses(model, batch, tokenizer.eot, tokenizer.time_begin, KINDS[kind].encoder_learns)
        optimizer.zero_grad()
        loss.backward()
        stopping = workers.average(model, progress.over)
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        if torch.isfinite(norm):
            optimizer.step()
        else:
            skipped += 1
        step, heard = step + 1, heard + size * workers.count * frames / 100 / 3600
        decay = options.average if options.resume else min(options.average, 1 - 1 / (step - first_step + 2))
        with torch.no_grad():
            state = model.state_dict()
            torch._foreach_lerp_(list(average.values()), list(state.values()), 1 - decay)
        for name, value in {**parts, "norm": float(norm)}.items():
            sums.setdefault(f"{kind[0]}.{name}", []).append(value)
        if time.time() - told_at > 45:
            told_at = time.time()
            corpus.refresh()
            say(f"step {step} {heard:.1f} h lr {progress.rate(step - first_step):.1e} skipped {skipped} | "
                + " ".join(f"{name} {np.nanmean(values):.3f}" for name, values in sums.items()))
            sums.clear()
        if workers.rank == 0 and (stopping or time.time() - saved_at > options.save_minutes * 60):
            saved_at = time.time()
            torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "average": average, "step": step,
                        "hours": heard}, options.out / "next.pt")
            os.replace(options.out / "next.pt", options.out / "last.pt")
            current = {name: value.clone() for name, value in model.state_dict().items()}
            model.load_state_dict(average)
            rate, examples = greedy_error_rate(model, held, tokenizer, 30)
            say(f"held-out voices, averaged weights: WER {rate:.3f}  {examples}")
            model.load_state_dict(current)
        if stopping:
            break


if __name__ == "__main__":
    main()
