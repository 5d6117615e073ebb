"""The front end of the speaker model; src/audio/mel_frames is the same in C++."""
from __future__ import annotations

import numpy as np
import scipy.fft

RATE_HZ = 16000
HOP = 160
WINDOW = 400
BANDS = 40
LOW_HZ, HIGH_HZ = 60.0, 7600.0
FLOOR = 1e-8  # of power; ln of it is the least value


def mel(hz: float | np.ndarray) -> float | np.ndarray:
    return 1127.0 * np.log(1.0 + np.asarray(hz) / 700.0)


def filters() -> np.ndarray:
    """[BANDS, WINDOW / 2 + 1]: triangles that overlap by half, equally wide in mel."""
    edges = np.linspace(mel(LOW_HZ), mel(HIGH_HZ), BANDS + 2)
    bins = mel(np.arange(WINDOW // 2 + 1) * RATE_HZ / WINDOW)
    rise = (bins[None] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - bins[None]) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0, np.minimum(rise, fall)).astype(np.float32)


_FILTERS = filters()
_HANN = np.hanning(WINDOW + 1)[:-1].astype(np.float32)


def log_mel(samples: np.ndarray) -> np.ndarray:
    """[frames, BANDS] float32, natural logarithm of power. Frame i covers samples [160 i, 160 i + 400); samples in [-1, 1]."""
    if len(samples) < WINDOW:
        return np.zeros((0, BANDS), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float32), WINDOW)[::HOP]
    spectrum = scipy.fft.rfft(frames * _HANN, axis=1)
    power = (spectrum.real ** 2 + spectrum.imag ** 2).astype(np.float32)
    return np.log(np.maximum(power @ _FILTERS.T, FLOOR))
