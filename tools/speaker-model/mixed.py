"""Batches of what mixtures.py wrote, each heard through another line."""
from __future__ import annotations

from pathlib import Path

import numpy as np

import features
from mixtures import from_bytes

FLOOR = float(np.log(features.FLOOR))


class Mixtures:
    def __init__(self, folders: list[Path], seed: int) -> None:
        shards = [np.load(path) for folder in folders for path in sorted(folder.glob("[0-9]*.npz")) if ".tmp" not in path.name]
        if not shards:
            raise SystemExit(f"{folders}: no shards; run mixtures.py first")
        self.mel = np.concatenate([shard["mel"] for shard in shards])
        self.masks = np.concatenate([shard["masks"] for shard in shards])
        self.rng = np.random.default_rng(seed)

    def __len__(self) -> int:
        return len(self.mel)

    def whole(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """Log-mel [frames, BANDS] and masks [frames / 2] of mixture i."""
        return from_bytes(self.mel[i]), self.masks[i].astype(np.uint16)

    def heard(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """Mixture i, perhaps with another one behind it, of larger or smaller people, through another line."""
        rng = self.rng
        mel, masks = self.whole(i)
        if rng.random() < 0.3:
            other, others = self.whole(int(rng.integers(len(self))))
            mel = np.logaddexp(mel, other + np.float32(rng.normal(0, 1)))
            masks = masks | others << 5
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
        return np.maximum(mel, FLOOR), masks


def spoken(masks: np.ndarray) -> np.ndarray:
    """How many speak in each frame."""
    return np.bitwise_count(masks).astype(np.int64)
