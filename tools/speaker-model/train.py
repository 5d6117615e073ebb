"""Trains the speaker model on what speak.py recorded.

    python train.py --kind wide --speech work/speech work/people work/recorded --teachers work/teachers --out work/wide

A speaker to tell apart is a voice played at one of a few speeds, which makes its owner larger or smaller. Rooms, lines, noise
and other people are added to the mel spectra themselves: filters are added to logarithms, everything else to powers. As in use,
several speakers share a recording, whose mean is taken off all of them; at times they are those whom the teacher (teachers.py)
finds most alike. Which speaker it is is asked twice: among directions that are learned, and among those that the teacher gives. Stops
by the clock (clock.py); --start goes on from exported weights, --resume from the network in --out. With --blend what is kept in the
end lies between the weights that it began with and those it has learned, which does better on what neither has heard.
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
from teachers import VoiceTeacher
from voices import is_held_out

SPEEDS = [(1, 1), (7, 8), (8, 7)]  # up, down: the last one is a larger speaker
# Of real people there are too few for all that people differ in.
PEOPLE_SPEEDS = [*SPEEDS, (13, 14), (14, 13), (5, 6), (6, 5)]
MOST_S = 60  # of a voice
TAUGHT_S = 24  # of a voice, for the teacher
LEAST_FRAMES = 300  # of a voice
GROUP = 16  # segments of one imagined recording
ALIKE = 24  # speakers whom the teacher finds most like one


def voices(folders: list[Path], held_out: bool) -> list[Path]:
    """Those that are long enough; caches of what is computed of them lie beside them."""
    paths = sorted(path for folder in folders for path in folder.glob("*.npz"))
    return [path for path in paths if is_held_out(path.stem.replace("-", ":", 1)) == held_out and mels(path).shape[1] >= LEAST_FRAMES]


def mels(path: Path) -> np.ndarray:
    """A voice at every speed [speeds, frames, BANDS]."""
    cache = path.with_suffix(".mel.npy")
    if not cache.exists():
        parts = [features.log_mel(sound).astype(np.float16) for sound in sounds(path)]
        least = min(map(len, parts))
        np.save(cache, np.stack([each[:least] for each in parts]))
    return np.load(cache)


def sounds(path: Path) -> list[np.ndarray]:
    samples = np.load(path)["samples"][:MOST_S * features.RATE_HZ].astype(np.float32) / 32768
    return [resample_poly(samples, up, down) for up, down in (PEOPLE_SPEEDS if is_real(path) else SPEEDS)]


def is_real(path: Path) -> bool:
    return path.stem.startswith(("person-", "recorded-"))


def load(folders: list[Path], held_out: bool) -> list[np.ndarray]:
    """Log-mels [frames, BANDS] of every voice at every speed."""
    return [mel for path in voices(folders, held_out) for mel in mels(path)]


def owners(paths: list[Path]) -> np.ndarray:
    """Of every voice at every speed, which voice it is: negative for real people."""
    return np.array([-1 - i if is_real(path) else i for i, path in enumerate(paths) for _ in mels(path)])


def taught(paths: list[Path], folder: Path) -> torch.Tensor:
    """What the teacher hears of every voice at every speed, the mean of all taken off, of length 1 [speakers, width]."""
    teacher, vectors = VoiceTeacher(folder).eval(), []
    for path in paths:
        cache = path.with_suffix(".taught.npy")
        if not cache.exists():
            np.save(cache, np.stack([teacher.voice(sound[:TAUGHT_S * features.RATE_HZ]) for sound in sounds(path)]))
        vectors.append(np.load(cache))
    every = torch.from_numpy(np.concatenate(vectors))
    return torch.nn.functional.normalize(every - every.mean(0))


class Batches:
    def __init__(self, speakers: list[np.ndarray], seed: int, who: np.ndarray | None = None, vectors: torch.Tensor | None = None) -> None:
        """who: their owners(); vectors: what the teacher hears of them."""
        self.speakers = speakers
        self.rng = np.random.default_rng(seed)
        every = np.arange(len(speakers))
        self.pools = [every] if who is None else [every, every[who < 0], every[who >= 0]]
        self.alike = [] if who is None else [self.like(i, who, vectors) for i in every]

    @staticmethod
    def like(i: int, who: np.ndarray, vectors: torch.Tensor) -> np.ndarray:
        """Speaker i and those whom the teacher finds most like them, of other voices."""
        likeness = (vectors @ vectors[i]).numpy()
        likeness[who == who[i]] = -1
        return np.append(np.argpartition(-likeness, ALIKE)[:ALIKE], i)

    def people(self, count: int) -> np.ndarray:
        rng = self.rng
        if self.alike and rng.random() < 0.3:
            pool = self.alike[rng.integers(len(self.alike))]
        else:
            pool = self.pools[rng.choice(len(self.pools), p=[0.15, 0.5, 0.35] if len(self.pools) == 3 else [1])]
        return rng.choice(pool, count, replace=False)

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
        base = self.people(count)
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
    parser.add_argument("--kind", choices=SpeakerNet.kinds, required=True)
    parser.add_argument("--speech", type=Path, nargs="+", required=True)
    parser.add_argument("--teachers", type=Path, required=True, help="where teachers.py finds the packages")
    parser.add_argument("--out", type=Path, required=True)
    Clock.add_options(parser, 60)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--start", type=Path)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--blend", type=float, default=1, help="share of what is learned in the weights that are kept")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    speakers = load(options.speech, False)
    paths = voices(options.speech, False)
    directions = taught(paths, options.teachers)
    held = Batches(load(options.speech, True), 1)
    batches = Batches(speakers, options.seed, owners(paths), directions)
    net = SpeakerNet(options.kind)
    if options.resume:
        net.load_state_dict(torch.load(options.out / "net.pt"))
    elif options.start:
        net.adopt(load_file(options.start), batches.batch(8, 150)[0])
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    classes = torch.nn.Parameter(torch.randn(len(speakers), net.width) * 0.1)
    turn = torch.nn.Linear(net.width, directions.shape[1], bias=False)
    pairs = PairLoss()
    optimizer = torch.optim.AdamW([*net.parameters(), *pairs.parameters(), *turn.parameters(), classes], lr=options.rate, weight_decay=0.02)
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
        as_taught = torch.nn.functional.normalize(turn(vectors)) @ directions.T
        loss = 4 * pairs(vectors, labels) + sum(
            torch.nn.functional.cross_entropy(16 * each, labels, label_smoothing=0.05) / 2 for each in (cosine, as_taught))
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
    net.load_state_dict({name: before[name].lerp(tensor, options.blend) if tensor.is_floating_point() else tensor
                         for name, tensor in net.state_dict().items()})
    torch.save(net.state_dict(), options.out / "net.pt")
    for frames in (75, 150, 300):
        print(f"{frames / 100} s: EER, threshold {equal_error(net, held, frames)}", flush=True)


if __name__ == "__main__":
    main()
