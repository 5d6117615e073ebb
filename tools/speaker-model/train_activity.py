"""Trains the network that hears how many people speak, on imagined conversations of what speak.py recorded.

    python train_activity.py --speech work/speech --out work/activity --minutes 20

Conversations are mixed as powers of mel bands. The background of each band, the tenth percentile of the recording, is taken off.
"""
from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch

import features
from model import ActivityNet
from train import load

FRAMES = 1200
BACKGROUND = 10  # percentile


def active_frames(mel: np.ndarray) -> np.ndarray:
    """Where a clean voice sounds, pauses below a quarter of a second filled."""
    level = np.log(np.exp(mel.astype(np.float32)).mean(1))
    loud = level > np.percentile(level, 95) - 6.0
    closed = loud.copy()
    starts = np.flatnonzero(np.diff(loud.astype(int)))
    for a, b in zip(starts, starts[1:]):
        if not loud[a + 1] and b - a < 25:
            closed[a + 1:b + 1] = True
    return closed


class Conversations:
    def __init__(self, speakers: list[np.ndarray], seed: int) -> None:
        self.speakers = [(mel, active_frames(mel)) for mel in speakers]
        self.rng = np.random.default_rng(seed)

    def curve(self, size: float) -> np.ndarray:
        return np.interp(np.arange(features.BANDS), np.linspace(0, features.BANDS - 1, 7), self.rng.normal(0, size, 7))

    def track(self, share: float) -> tuple[np.ndarray, np.ndarray]:
        """One person's powers and activity: phrases and pauses."""
        rng = self.rng
        mel, active = self.speakers[rng.integers(len(self.speakers))]
        power, labels = np.zeros((FRAMES, features.BANDS), np.float32), np.zeros(FRAMES, bool)
        mean_phrase = rng.choice([60, 150, 400])
        at = int(rng.exponential(mean_phrase * (1 - share) / share))
        while at < FRAMES:
            length = min(FRAMES - at, 20 + int(rng.exponential(mean_phrase)))
            start = int(rng.integers(0, len(mel) - length))
            power[at:at + length] = np.exp(mel[start:start + length].astype(np.float32))
            labels[at:at + length] = active[start:start + length]
            at += length + 5 + int(rng.exponential(mean_phrase * (1 - share) / share))
        return power * np.exp(self.curve(0.3) + rng.normal(0, 0.6)), labels

    def noises(self, level: float) -> np.ndarray:
        """Steady noise that wanders, hum, knocks and rustle."""
        rng = self.rng
        colour = np.exp(self.curve(1.2) - rng.uniform(0, 0.12) * np.arange(features.BANDS))
        knots = int(rng.choice([5, 20, 80]))
        wander = np.exp(np.interp(np.arange(FRAMES), np.linspace(0, FRAMES, knots), rng.normal(0, rng.uniform(0, 1.0), knots)))
        grain = rng.choice([1.0, 2.0, 4.0])
        noise = colour / colour.mean() * wander[:, None] * rng.gamma(grain, 1 / grain, (FRAMES, features.BANDS))
        noise *= level * np.exp(-rng.uniform(1.2, 9))
        for _ in range(rng.poisson(rng.choice([0, 0, 10, 60]))):  # what swells and fades: papers, chairs, breath, steps
            width, middle = rng.uniform(2, 40), rng.uniform(0, FRAMES)
            envelope = np.exp(-0.5 * ((np.arange(FRAMES) - middle) / width) ** 2)[:, None]
            shape = np.exp(self.curve(1.5) - rng.uniform(-0.05, 0.15) * np.arange(features.BANDS))
            grainy = rng.gamma(2, 0.5, (FRAMES, features.BANDS))
            noise += level * np.exp(rng.normal(-4, 1.5)) * shape / shape.mean() * envelope * grainy
        if rng.random() < 0.4:  # rumble: strong, low, and never the same
            fade = np.exp(-np.arange(features.BANDS) / rng.uniform(1, 6))
            noise += level * np.exp(rng.uniform(-6, 1)) * fade * rng.gamma(0.7, 1.0, noise.shape)
        for _ in range(rng.poisson(rng.choice([0, 2, 12]))):
            length, start = int(rng.exponential(12)) + 2, int(rng.integers(0, FRAMES - 2))
            shape = np.exp(self.curve(1.5))
            decay = np.exp(-np.arange(length) / rng.uniform(2, 20))[:, None] * rng.gamma(2, 0.5, (length, features.BANDS))
            burst = level * np.exp(rng.normal(-2, 1.5)) * shape / shape.mean() * decay
            noise[start:start + length] += burst[:len(noise) - start]
        return noise

    def one(self) -> tuple[np.ndarray, np.ndarray]:
        rng = self.rng
        count = rng.choice([0, 1, 2, 3, 4], p=[0.15, 0.27, 0.26, 0.2, 0.12])
        share = rng.choice([0.05, 0.15, 0.35, 0.6])
        power, spoken = np.zeros((FRAMES, features.BANDS), np.float32), np.zeros(FRAMES, int)
        for _ in range(count):
            track, labels = self.track(share)
            power += track
            spoken += labels
        if rng.random() < 0.6:
            decay = np.exp(-0.01 * 6.9 / rng.uniform(0.15, 0.7))
            amount, tail = np.exp(rng.uniform(-4.5, -1.5)), np.zeros(features.BANDS)
            for t in range(FRAMES):
                tail = decay * tail + power[t]
                power[t] += amount * (tail - power[t])
        level = float(power[spoken > 0].mean()) if (spoken > 0).any() else 0.3
        power += self.noises(level)
        log = np.log(power + 1e-9) + self.curve(0.7) + rng.uniform(-0.08, 0.08) * np.arange(features.BANDS) + rng.normal(-2, 2)
        if rng.random() < 0.2:
            log[:, rng.integers(26, 38):] = np.log(features.FLOOR)
        log = np.maximum(log, np.log(features.FLOOR))
        return (log - np.percentile(log, BACKGROUND, axis=0)).astype(np.float32), np.minimum(spoken, 2)

    def batch(self, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        parts = [self.one() for _ in range(size)]
        reach = ActivityNet.reach
        labels = np.stack([labels[reach:FRAMES - reach:ActivityNet.stride] for _, labels in parts])
        return torch.from_numpy(np.stack([mel for mel, _ in parts])), torch.from_numpy(labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speech", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--resume", action="store_true", help="go on with the network in --out")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    batches = Conversations(load(options.speech, False), options.seed)
    held = Conversations(load(options.speech, True), 1)
    test_mel, test_labels = held.batch(40)
    net = ActivityNet()
    if options.resume:
        net.load_state_dict(torch.load(options.out / "net.pt"))
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.02)
    start, step = time.time(), 0
    while (gone := (time.time() - start) / 60 / options.minutes) < 1:
        for each in optimizer.param_groups:
            each["lr"] = 2e-3 * min(1, (step + 1) / 50) * (0.5 + 0.5 * np.cos(np.pi * gone)) + 1e-5
        mel, labels = batches.batch(8)
        logits = net(mel)
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels[:, :logits.shape[1]].flatten(),
                                                 weight=torch.tensor([1.0, 1.0, 1.0]))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5)
        optimizer.step()
        step += 1
        if step % 50 == 0:
            print(f"{step} {gone:.2f} loss {loss.item():.3f}", end="", flush=True)
            if step % 200 == 0:
                net.eval()
                with torch.no_grad():
                    found = net(test_mel).argmax(2)
                net.train()
                truth = test_labels[:, :found.shape[1]]
                table = torch.stack([torch.bincount(found[truth == k], minlength=3) for k in range(3)]).float()
                print(f" held-out {(table / table.sum(1, keepdim=True)).numpy().round(3).tolist()}", end="")
            print(flush=True)
            torch.save(net.state_dict(), options.out / "net.pt")
    torch.save(net.state_dict(), options.out / "net.pt")


if __name__ == "__main__":
    main()
