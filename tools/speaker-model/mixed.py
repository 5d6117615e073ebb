"""Batches of what mixtures.py wrote, each heard through another line."""
from __future__ import annotations

from pathlib import Path

import numpy as np

import features
from mixtures import from_bytes
from model import ActivityNet

CLASSES = ActivityNet.classes
FLOOR = float(np.log(features.FLOOR))


class Mixtures:
    def __init__(self, folders: list[Path], seed: int) -> None:
        shards = [np.load(path) for folder in folders for path in sorted(folder.glob("[0-9]*.npz")) if ".tmp" not in path.name]
        if not shards:
            raise SystemExit(f"{folders}: no shards; run mixtures.py first")
        self.mel = np.concatenate([shard["mel"] for shard in shards])
        self.masks = np.concatenate([shard["masks"] for shard in shards])
        self.taught = np.concatenate([shard["taught"] for shard in shards]) if all("taught" in shard for shard in shards) else None
        self.rng = np.random.default_rng(seed)

    def __len__(self) -> int:
        return len(self.mel)

    def whole(self, i: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Log-mel [frames, BANDS] of mixture i, masks [frames / 2], and the teacher's shares of how many speak [frames / 2, CLASSES];
        without a teacher those are the truth."""
        masks = self.masks[i].astype(np.uint16)
        shares = np.eye(CLASSES, dtype=np.float32)[np.minimum(spoken(masks), CLASSES - 1)]
        if self.taught is not None:
            shares = np.pad(self.taught[i].astype(np.float32), ((0, 0), (0, CLASSES - self.taught.shape[2])))
            shares /= shares.sum(1, keepdims=True)
        return from_bytes(self.mel[i]), masks, shares

    def heard(self, i: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Mixture i, perhaps with another one behind it, of larger or smaller people, through another line."""
        rng = self.rng
        mel, masks, shares = self.whole(i)
        if rng.random() < 0.3:
            other, others, more = self.whole(int(rng.integers(len(self))))
            mel = np.logaddexp(mel, other + np.float32(rng.normal(0, 1)))
            masks, shares = masks | others << 5, together(shares, more)
        bands = np.arange(features.BANDS)
        if rng.random() < 0.6:
            place = np.clip(bands * rng.uniform(0.9, 1.1) + rng.uniform(-0.5, 0.5), 0, features.BANDS - 1)
            low = np.minimum(place.astype(int), features.BANDS - 2)
            share = (place - low).astype(np.float32)
            mel = mel[:, low] * (1 - share) + mel[:, low + 1] * share
        mel = mel + np.interp(bands, np.linspace(0, features.BANDS - 1, 7), rng.normal(0, 0.5, 7)).astype(np.float32)
        mel += np.float32(rng.uniform(-0.06, 0.06)) * bands.astype(np.float32)
        if rng.random() < 0.2:  # a telephone, or a file with a low rate
            mel[:, :rng.integers(0, 6)] -= 3.0
            mel[:, rng.integers(26, 38):] = FLOOR
        return np.maximum(mel, FLOOR), masks, shares


def together(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Shares of how many speak [frames, CLASSES] where two recordings are heard at once."""
    out = np.zeros_like(a)
    for i in range(CLASSES):
        for j in range(CLASSES):
            out[:, min(i + j, CLASSES - 1)] += a[:, i] * b[:, j]
    return out


def spoken(masks: np.ndarray) -> np.ndarray:
    """How many speak in each frame."""
    return np.bitwise_count(masks).astype(np.int64)
