"""Which voices speak for training and which are kept aside."""
from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace

ACCENTS = ["en-us", "en-us", "en"]  # espeak-ng's American twice as often as its British
TRAINING_VARIANTS = ("m1 m2 m3 m4 m5 m6 m8 f1 f2 f3 f5 Alex Alicia Andy Annie Denis Gene Hugo Lee Michael Mike "
                     "adam benjamin david edward john linda max steph victor").split()
HELD_OUT_VARIANTS = ["m7", "f4", "Henrique", "norbert"]
MORE_ACCENTS = ["en-us", "en", "en-gb-x-rp", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029"]
TRAINING_FLITE = ["awb", "slt", "kal16"]
HELD_OUT_FLITE = ["rms"]
FLITE_SHARE = 0.25
TRAINING_FESTIVAL = ["kal", "slt"]
HELD_OUT_FESTIVAL = ["ked"]


@dataclass(frozen=True)
class Voice:
    """One way of speaking. espeak-ng uses rate, pitch and pitch_range; Flite and Festival use stretch. `shift` plays
    the speech that much higher, as a smaller speaker, at the tempo asked for."""

    engine: str
    name: str
    rate: int = 160
    pitch: int = 50
    pitch_range: int = 50
    stretch: float = 1.0
    shift: float = 1.0

    @property
    def label(self) -> str:
        return f"{self.engine}:{self.name}"


def espeak_voice(rng: random.Random, variants: list[str]) -> Voice:
    return Voice("espeak", f"{rng.choice(ACCENTS)}+{rng.choice(variants)}", rng.randint(125, 185), rng.randint(30, 70),
                 rng.randint(30, 70))


def flite_voice(rng: random.Random, names: list[str]) -> Voice:
    return Voice("flite", rng.choice(names), stretch=rng.uniform(0.9, 1.25))


def festival_voice(rng: random.Random, names: list[str]) -> Voice:
    return Voice("festival", rng.choice(names), stretch=rng.uniform(0.8, 1.2))


def training_voice(rng: random.Random) -> Voice:
    return flite_voice(rng, TRAINING_FLITE) if rng.random() < FLITE_SHARE else espeak_voice(rng, TRAINING_VARIANTS)


def wider_voice(rng: random.Random) -> Voice:
    """Voices further apart: more accents, Flite's 8 kHz kal, Festival, and everyone made smaller or larger."""
    roll = rng.random()
    if roll < 0.45:
        voice = flite_voice(rng, [*TRAINING_FLITE, "awb", "slt", "kal"])
    elif roll < 0.7:
        voice = festival_voice(rng, TRAINING_FESTIVAL)
    else:
        voice = replace(espeak_voice(rng, TRAINING_VARIANTS), rate=rng.randint(110, 200), pitch=rng.randint(20, 80))
        return replace(voice, name=f"{rng.choice(MORE_ACCENTS)}+{voice.name.split('+')[1]}", shift=rng.uniform(0.9, 1.12))
    return replace(voice, shift=math.exp(rng.uniform(-0.22, 0.22)), stretch=voice.stretch * rng.uniform(0.9, 1.15))
