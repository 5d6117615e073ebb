"""What a microphone hears besides speech, made from numbers: steady noise and hum, knocks, rustle, breath, squeaks."""
from __future__ import annotations

import numpy as np
import scipy.fft

from speak import RATE_HZ


def shaped(rng: np.random.Generator, length: int, slope: float) -> np.ndarray:
    """Noise of level 1 whose power falls by `slope` decades a decade, with bumps."""
    size = scipy.fft.next_fast_len(length, real=True)
    parts = rng.standard_normal((size // 2 + 1, 2), dtype=np.float32)
    bins = np.linspace(0.004, 1.004, len(parts), dtype=np.float32)
    bumps = np.interp(bins, np.linspace(0.004, 1.004, 9), rng.normal(0, 0.8, 9)).astype(np.float32)
    parts *= np.exp(bumps - np.float32(slope / 2) * np.log(bins))[:, None]
    sound = scipy.fft.irfft(parts.view(np.complex64)[:, 0], size)[:length]
    return sound / (np.sqrt(np.mean(sound ** 2)) + np.float32(1e-12))


def steady(rng: np.random.Generator, length: int) -> np.ndarray:
    """A room that swells and fades slowly, at times with the mains' hum."""
    sound = shaped(rng, length, rng.uniform(0, 2.0))
    knots = int(rng.choice([4, 12, 60]))
    swell = np.interp(np.arange(0, length, 160), np.linspace(0, length, knots), rng.normal(0, rng.uniform(0, 0.6), knots))
    sound *= np.repeat(np.exp(swell), 160)[:length].astype(np.float32)
    if rng.random() < 0.3:
        t = np.arange(length, dtype=np.float32) * np.float32(2 * np.pi * rng.choice([50, 60]) / RATE_HZ)
        for k in range(1, 6):
            sound += np.float32(rng.exponential(0.5) / k) * np.sin(k * t + np.float32(rng.uniform(0, 6)))
    return sound


def rustle(rng: np.random.Generator) -> np.ndarray:
    """Papers, chairs, breath: what swells and fades."""
    length = int(rng.uniform(0.05, 1.2) * RATE_HZ)
    sound = shaped(rng, length, rng.uniform(-0.5, 4.0)) * np.hanning(length).astype(np.float32)
    if rng.random() < 0.5:  # grainy
        sound *= np.repeat(rng.gamma(0.5, 2, length // 400 + 1), 400)[:length].astype(np.float32)
    return sound


def knock(rng: np.random.Generator) -> np.ndarray:
    length = int(np.exp(rng.uniform(np.log(0.004), np.log(0.25))) * RATE_HZ)
    fade = np.exp(-np.arange(length) / (length * rng.uniform(0.1, 0.4))).astype(np.float32)
    return shaped(rng, length, rng.uniform(-0.5, 2)) * fade


def typing(rng: np.random.Generator) -> np.ndarray:
    """Knocks, one like the other."""
    sound = knock(rng)[:int(0.05 * RATE_HZ)]
    times = np.cumsum(0.05 + rng.exponential(0.12, int(rng.integers(3, 30))))
    out = np.zeros(int((min(times[-1], 4) + 0.1) * RATE_HZ), np.float32)
    for at in times[times < 4]:
        begin = int(at * RATE_HZ)
        out[begin:begin + len(sound)] += sound * np.float32(np.exp(rng.normal(0, 0.5)))
    return out


def squeak(rng: np.random.Generator) -> np.ndarray:
    """A tone with overtones that glides, or rings."""
    length = int(rng.uniform(0.05, 0.8) * RATE_HZ)
    hertz = np.exp(np.interp(np.arange(length), np.linspace(0, length, 3), np.log(rng.uniform(150, 2500)) + rng.normal(0, 0.15, 3)))
    phase = 2 * np.pi * np.cumsum(hertz) / RATE_HZ
    sound = sum(rng.exponential(1) / k * np.sin(k * phase) for k in range(1, 6) if k * hertz.max() < RATE_HZ / 2)
    fade = np.hanning(length) if rng.random() < 0.5 else np.exp(-np.arange(length) / (0.25 * length))
    return (sound * fade).astype(np.float32)


def recorded(rng: np.random.Generator, sounds: list[np.ndarray]) -> np.ndarray:
    """Any of them, slower or faster."""
    sound = sounds[rng.integers(len(sounds))].astype(np.float32)[:2 * RATE_HZ]
    at = np.arange(0, len(sound) - 1, rng.uniform(0.6, 1.6), dtype=np.float32)
    sound = np.interp(at, np.arange(len(sound)), sound).astype(np.float32)
    return sound / (np.sqrt(np.mean(sound ** 2)) + np.float32(1e-6))


def scattered(rng: np.random.Generator, sounds: list[np.ndarray], length: int, level: float, spread: float) -> np.ndarray:
    """All of these here and there, of e^(level +- spread)."""
    out = np.zeros(length, np.float32)
    kinds = [(rustle, [0, 2, 12, 40]), (knock, [0, 2, 12]), (typing, [0, 0, 4]), (squeak, [0, 0, 3])]
    for make, counts in [*kinds, (lambda rng: recorded(rng, sounds), [0, 2, 6] if sounds else [0])]:
        for _ in range(rng.poisson(rng.choice(counts))):
            sound = make(rng)
            start = int(rng.integers(0, length - len(sound)))
            out[start:start + len(sound)] += sound * np.float32(np.exp(rng.normal(level, spread)))
    return out


def laughter(rng: np.random.Generator, voice: np.ndarray, laughs: list[np.ndarray], seconds: float) -> np.ndarray:
    """Recorded, or bursts of breath and voice, alike and ever weaker: of a voice's loudest of some vowels."""
    if laughs and rng.random() < 0.4:
        return recorded(rng, laughs)[:int(seconds * RATE_HZ)] * np.float32(0.06)
    period = int(rng.uniform(0.12, 0.26) * RATE_HZ)
    length = int(period * rng.uniform(0.5, 1.1))
    starts = rng.integers(0, len(voice) - length, 6)
    vowel = max((voice[start:start + length].astype(np.float32) for start in starts), key=lambda sound: float(np.sum(sound ** 2))) / 32768
    spectrum = scipy.fft.rfft(vowel)
    breath, weaker = rng.uniform(0.1, 1.0), rng.uniform(0, 0.15)
    bursts = max(2, int(seconds * RATE_HZ / period))
    out = np.zeros(bursts * period + 2 * length, np.float32)
    for k in range(bursts):
        turned = scipy.fft.irfft(spectrum * np.exp(2j * np.pi * rng.random(len(spectrum))), length)
        burst = (1 - breath) * vowel + breath * turned.astype(np.float32)
        at = k * period + int(rng.integers(0, period // 5))
        out[at:at + length] += burst * np.hanning(length).astype(np.float32) * np.float32(np.exp(rng.normal(0, 0.3) - weaker * k))
    return out
