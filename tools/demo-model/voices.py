"""Which voices speak for training and which are kept aside."""
from __future__ import annotations

import random
from dataclasses import dataclass

ACCENTS = ["en-us", "en-us", "en"]  # espeak-ng's American twice as often as its British
TRAINING_VARIANTS = ("m1 m2 m3 m4 m5 m6 m8 f1 f2 f3 f5 Alex Alicia Andy Annie Denis Gene Hugo Lee Michael Mike "
                     "adam benjamin david edward john linda max steph victor").split()
HELD_OUT_VARIANTS = ["m7", "f4", "Henrique", "norbert"]
TRAINING_FLITE = ["awb", "slt", "kal16"]
HELD_OUT_FLITE = ["rms"]
FLITE_SHARE = 0.25


@dataclass(frozen=True)
class Voice:
    """One way of speaking. espeak-ng uses rate, pitch and pitch_range; Flite uses stretch."""

    engine: str
    name: str
    rate: int = 160
    pitch: int = 50
    pitch_range: int = 50
    stretch: float = 1.0

    @property
    def label(self) -> str:
        return f"{self.engine}:{self.name}"


def espeak_voice(rng: random.Random, variants: list[str]) -> Voice:
    return Voice("espeak", f"{rng.choice(ACCENTS)}+{rng.choice(variants)}", rng.randint(125, 185), rng.randint(30, 70),
                 rng.randint(30, 70))


def flite_voice(rng: random.Random, names: list[str]) -> Voice:
    return Voice("flite", rng.choice(names), stretch=rng.uniform(0.9, 1.25))


def training_voice(rng: random.Random) -> Voice:
    return flite_voice(rng, TRAINING_FLITE) if rng.random() < FLITE_SHARE else espeak_voice(rng, TRAINING_VARIANTS)
