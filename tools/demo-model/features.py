"""Whisper's log-mel front end, split in two: stored log10 power, and the window-wide clamp and scale applied later."""
from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

SAMPLE_RATE = 16000
FFT_SIZE = 400
HOP = 160
MELS = 80
FRAMES_PER_SECOND = SAMPLE_RATE // HOP
FLOOR = -10.0  # log10 of the smallest power Whisper keeps


def _hz_to_mel(hz: np.ndarray) -> np.ndarray:
    """Slaney's scale: linear below 1 kHz, logarithmic above."""
    return np.where(hz < 1000, hz * 3 / 200, 15 + np.log(np.maximum(hz, 1e-9) / 1000) * 27 / np.log(6.4))


def _mel_to_hz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))


@lru_cache(maxsize=1)
def mel_filters() -> torch.Tensor:
    """Area-normalised triangular filters, [MELS, FFT_SIZE / 2 + 1]."""
    bins = np.linspace(0, SAMPLE_RATE / 2, FFT_SIZE // 2 + 1)
    edges = _mel_to_hz(np.linspace(0, _hz_to_mel(np.array(SAMPLE_RATE / 2)), MELS + 2))
    rising = (bins[None] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins[None]) / (edges[2:] - edges[1:-1])[:, None]
    triangles = np.maximum(0, np.minimum(rising, falling)) * (2 / (edges[2:] - edges[:-2]))[:, None]
    return torch.from_numpy(triangles.astype(np.float32))


def log_power(samples: np.ndarray) -> np.ndarray:
    """log10 mel power of mono 16 kHz samples; returns [len / HOP, MELS] float32, frame t centred on sample t * HOP."""
    spectrum = torch.stft(torch.from_numpy(np.ascontiguousarray(samples, dtype=np.float32)), FFT_SIZE, HOP,
                          window=torch.hann_window(FFT_SIZE), return_complex=True)[:, :-1]
    return torch.log10(torch.clamp(mel_filters() @ spectrum.abs() ** 2, min=10 ** FLOOR)).T.numpy()


def normalise(log_mel: np.ndarray) -> np.ndarray:
    """Whisper's clamp to 8 decades under the loudest value, then (x + 4) / 4; any shape."""
    return (np.maximum(log_mel, log_mel.max() - 8) + 4) / 4
