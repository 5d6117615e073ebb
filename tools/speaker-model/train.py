"""Trains the speaker model on what speak.py recorded.

    python train.py --speech work/speech work/people --start ../../models/speaker/builtin.safetensors --out work/voice --minutes 20

A speaker to tell apart is a voice played at one of a few speeds, which makes its owner larger or smaller. Rooms, lines, noise
and other people are added to the mel spectra themselves: filters are added to logarithms, everything else to powers. As in use,
several speakers share a recording, whose mean is taken off all of them. Stops by the clock (clock.py); --start goes on
from exported weights, --resume from the network in --out.
"""
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from scipy.signal import lfilter, resample_poly

import features
from clock import Clock
from model import SpeakerNet
from voices import is_held_out

SPEEDS = [(1, 1), (7, 8), (8, 7)]  # up, down: the last one is a larger speaker
MOST_S = 60  # of a voice
LEAST_FRAMES = 300  # of a voice
GROUP = 16  # segments of one imagined recording


def load(folders: list[Path], held_out: bool) -> list[np.ndarray]:
    """Log-mels [frames, BANDS] of every voice at every speed; a cache lies beside them."""
    speakers = []
    for path in sorted(path for folder in folders for path in folder.glob("*.npz")):
        if is_held_out(path.stem.replace("-", ":", 1)) != held_out:
            continue
        cache = path.with_suffix(".mel.npy")
        if not cache.exists():
            samples = np.load(path)["samples"][:MOST_S * features.RATE_HZ].astype(np.float32) / 32768
            mels = [features.log_mel(resample_poly(samples, up, down)).astype(np.float16) for up, down in SPEEDS]
            least = min(map(len, mels))
            np.save(cache, np.stack([each[:least] for each in mels]))
        speakers += [mel for mel in np.load(cache) if len(mel) >= LEAST_FRAMES]
    return speakers


class Batches:
    def __init__(self, speakers: list[np.ndarray], seed: int) -> None:
        self.speakers = speakers
        self.rng = np.random.default_rng(seed)

    def segment(self, who: int, frames: int) -> np.ndarray:
        mel = self.speakers[who]
        start = self.rng.integers(0, len(mel) - frames)
        return mel[start:start + frames].astype(np.float32)

    def curve(self, size: float) -> np.ndarray:
        """A smooth random filter in nepers."""
        points = self.rng.normal(0, size, 7)
        return np.interp(np.arange(features.BANDS), np.linspace(0, features.BANDS - 1, 7), points)

    def group(self, frames: int) -> tuple[np.ndarray, np.ndarray]:
        rng = self.rng
        count = rng.choice([1, 2, 3, 4, 6], p=[0.08, 0.22, 0.25, 0.25, 0.2])
        base = rng.choice(len(self.speakers), count, replace=False)
        labels = base[np.arange(GROUP) % count]
        power = np.exp(np.stack([self.segment(who, frames + 40) for who in labels]))
        if rng.random() < 0.6:  # a room: later frames hold a decaying rest of earlier ones
            decay = np.exp(-0.01 * 6.9 / rng.uniform(0.15, 0.8))
            amount = np.exp(rng.uniform(-4.5, -1.2)) * np.exp(rng.normal(0, 0.3, (GROUP, 1, 1)))
            tail = lfilter([1], [1, -decay], power, axis=1).astype(np.float32)
            power += amount * (tail - power)
        power = power[:, 40:]
        level = power.mean((1, 2), keepdims=True)
        if rng.random() < 0.25:  # somebody else at the same time, less loud
            others = np.exp(np.stack([self.segment(who, frames) for who in rng.choice(len(self.speakers), GROUP)]))
            mix = np.exp(rng.uniform(-5, -0.7, (GROUP, 1, 1))) * (rng.random((GROUP, 1, 1)) < 0.5)
            power += others * level / others.mean((1, 2), keepdims=True) * mix
        if rng.random() < 0.8:  # noise with a spectrum of its own
            colour = np.exp(self.curve(1.2) - rng.uniform(0, 0.08) * np.arange(features.BANDS))
            noise = colour / colour.mean() * rng.gamma(4, 0.25, power.shape)
            power += level * np.exp(rng.uniform(-8, -0.8)) * noise
        lines = np.stack([self.curve(0.25) for _ in range(GROUP)])[:, None]  # everybody's place; no voice is known by it
        log = np.log(power) + lines + self.curve(0.6) + rng.uniform(-0.08, 0.08) * np.arange(features.BANDS)
        log += rng.normal(0, 0.5, (GROUP, 1, 1)) + rng.normal(0, 0.1, (GROUP, 1, features.BANDS))
        if rng.random() < 0.25:  # a telephone, or a file with a low rate
            keep_from, keep_to = rng.integers(0, 6), rng.integers(26, 38)
            log[:, :, :keep_from] -= 3.0
            log[:, :, keep_to:] = np.log(features.FLOOR)
        log = np.maximum(log, np.log(features.FLOOR) + rng.uniform(0, 8))
        return (log - log.mean((0, 1))).astype(np.float32), labels

    def batch(self, groups: int, frames: int) -> tuple[torch.Tensor, torch.Tensor]:
        parts = [self.group(frames) for _ in range(groups)]
        return torch.from_numpy(np.concatenate([p[0] for p in parts])), torch.from_numpy(np.concatenate([p[1] for p in parts]))


class PairLoss(torch.nn.Module):
    """Whether two segments of one recording are of one speaker, from their cosine: what the vectors are used for."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(8.0))
        self.shift = torch.nn.Parameter(torch.tensor(-3.0))

    def forward(self, vectors: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        grouped = vectors.view(-1, GROUP, vectors.shape[1])
        logits = self.scale * grouped @ grouped.transpose(1, 2) + self.shift
        same = labels.view(-1, GROUP, 1) == labels.view(-1, 1, GROUP)
        upper = torch.ones(GROUP, GROUP).triu(1).bool()
        logits, same = logits[:, upper], same[:, upper]
        losses = torch.nn.functional.binary_cross_entropy_with_logits(logits, same.float(), reduction="none")
        return (losses[same].mean() + losses[~same].mean()) / 2


def equal_error(net: SpeakerNet, batches: Batches, frames: int) -> tuple[float, float]:
    """Equal error rate and its threshold, of pairs of segments within imagined recordings of unheard voices."""
    net.eval()
    same, other = [], []
    with torch.no_grad():
        for _ in range(30):
            mel, labels = batches.group(frames)
            vectors = torch.nn.functional.normalize(net(torch.from_numpy(mel))).numpy()
            scores, equal = vectors @ vectors.T, labels[:, None] == labels[None]
            upper = np.triu(np.ones_like(equal), 1).astype(bool)
            same.append(scores[upper & equal])
            other.append(scores[upper & ~equal])
    net.train()
    same, other = np.concatenate(same), np.concatenate(other)
    thresholds = np.linspace(-0.5, 1, 301)
    misses = np.array([(same < t).mean() for t in thresholds])
    alarms = np.array([(other >= t).mean() for t in thresholds])
    best = np.argmin(np.abs(misses - alarms))
    return float((misses[best] + alarms[best]) / 2), float(thresholds[best])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speech", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    Clock.add_options(parser, 20)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--start", type=Path)
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    speakers = load(options.speech, False)
    held = Batches(load(options.speech, True), 1)
    batches = Batches(speakers, options.seed)
    net = SpeakerNet()
    if options.resume:
        net.load_state_dict(torch.load(options.out / "net.pt"))
    elif options.start:
        net.adopt(load_file(options.start), batches.batch(8, 150)[0])
    classes = torch.nn.Parameter(torch.randn(len(speakers), net.width) * 0.1)
    pairs = PairLoss()
    optimizer = torch.optim.AdamW([*net.parameters(), *pairs.parameters(), classes], lr=options.rate, weight_decay=0.02)
    print(f"{len(speakers)} speakers, {sum(p.numel() for p in net.parameters())} parameters", flush=True)
    clock, step = Clock(options), 0
    while (gone := clock.gone()) < 1:
        rate = options.rate * min(1, (step + 1) / 100) * (0.5 + 0.5 * np.cos(np.pi * gone)) + 1e-5
        for each in optimizer.param_groups:
            each["lr"] = rate
        frames = int(batches.rng.integers(80, 240))
        mel, labels = batches.batch(max(2, 1000 // frames), frames)
        with torch.autocast("cpu", torch.bfloat16):
            vectors = net(mel)
        vectors = torch.nn.functional.normalize(vectors.float())
        cosine = vectors @ torch.nn.functional.normalize(classes).T
        loss = 4 * pairs(vectors, labels) + torch.nn.functional.cross_entropy(16 * cosine, labels, label_smoothing=0.05) / 2
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5)
        optimizer.step()
        step += 1
        if step % 100 == 0:
            accuracy = (cosine.argmax(1) == labels).float().mean().item()
            print(f"{step} {gone:.2f} loss {loss.item():.3f} right {accuracy:.3f}", end="", flush=True)
            print(f" held-out EER {equal_error(net, held, 150)}" if step % 500 == 0 else "", flush=True)
            torch.save(net.state_dict(), options.out / "net.pt")
    torch.save(net.state_dict(), options.out / "net.pt")
    for frames in (75, 150, 300):
        print(f"{frames / 100} s: EER, threshold {equal_error(net, held, frames)}", flush=True)


if __name__ == "__main__":
    main()
