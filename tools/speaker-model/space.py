"""What is known of the speaker network's vectors at all: probabilistic linear discriminant analysis of imagined recordings."""
from __future__ import annotations

import numpy as np
import torch

from model import Voices
from train import Batches

WIDTH = 64
GROUPS = 400


def voice_space(net: Voices, batches: Batches, frames: int = 150) -> dict[str, torch.Tensor]:
    """mean [width], transform [WIDTH, width], between [WIDTH]: after transform of their difference from the mean, vectors of one
    speaker scatter by 1 in every direction, and the speakers of a recording by `between`."""
    net.eval()
    width = net.width
    within, between, total = np.zeros((width, width)), np.zeros((width, width)), np.zeros(width)
    degrees, pairs = 0, 0
    with torch.no_grad():
        for _ in range(GROUPS):
            mel, labels = batches.group(frames)
            vectors = torch.nn.functional.normalize(net(torch.from_numpy(mel))).double().numpy()
            total += vectors.mean(0)
            means, noise = [], []
            for who in np.unique(labels):
                own = vectors[labels == who]
                means.append(own.mean(0))
                rest = own - means[-1]
                within += rest.T @ rest
                degrees += len(own) - 1
                noise.append(1 / len(own))
            if len(means) > 1:
                centred = np.stack(means) - np.mean(means, 0)
                between += centred.T @ centred
                pairs += len(means) - 1
    within /= degrees
    between = between / pairs - within * np.mean(noise)
    lower = np.linalg.inv(np.linalg.cholesky(within + 1e-6 * np.eye(width)))
    values, directions = np.linalg.eigh(lower @ between @ lower.T)
    best = np.argsort(values)[::-1][:WIDTH]
    return {"mean": torch.from_numpy(total / GROUPS), "transform": torch.from_numpy(directions[:, best].T @ lower),
            "between": torch.from_numpy(np.maximum(values[best], 1e-3))}
