"""Has every voice read sentences of invented words, and stores them as 16 kHz mono.

    python speak.py --out work/speech --seconds 180
    python speak.py --out work/variants --seconds 120 --engines espeak

Writes NAME.npz for each voice: `samples` (int16, all sentences one behind the other) and `ends` (where each ends). Words are
invented from syllables, so that voices of all languages say the same kind of thing and no text has to be shipped.
"""
from __future__ import annotations

import argparse
import random
import subprocess
import tempfile
import wave
import zlib
from math import gcd
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from voices import Voice, all_voices

RATE_HZ = 16000
ONSETS = "p b t d k g f s m n l r v z h br tr st kl pl gr sp dr fl".split()
VOWELS = "a e i o u ai ei ou a e i o u".split()
LANGUAGES = "en-us en-gb de fr es it pt-br nl pl sv cs hu".split()  # that a variant of espeak-ng speaks
CODAS = ["", "", "", "n", "r", "s", "l", "m", "t", "k"]
CYRILLIC = str.maketrans({"a": "а", "b": "б", "d": "д", "e": "е", "f": "ф", "g": "г", "h": "х", "i": "и", "k": "к", "l": "л",
                          "m": "м", "n": "н", "o": "о", "p": "п", "r": "р", "s": "с", "t": "т", "u": "у", "v": "в", "z": "з"})


def sentence(rng: random.Random, alphabet: str) -> str:
    words = []
    for _ in range(rng.randint(4, 14)):
        words.append("".join(rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(CODAS)
                             for _ in range(rng.choice([1, 2, 2, 3]))))
        if rng.random() < 0.1:
            words[-1] += ","
    text = " ".join(words) + rng.choice("...?!")
    return text.translate(CYRILLIC) if alphabet == "cyrillic" else text


def command(voice: Voice, rng: random.Random, text: str, out: str) -> tuple[list[str], str | None]:
    """The command that speaks `text` into `out`, and what goes to its standard input. A variant of espeak-ng learns all languages,
    so that its voice is learned and not one's sounds; one to measure with has one, as in a meeting."""
    if voice.engine == "mbrola":
        return ["espeak-ng", "-v", f"mb-{voice.name}", "-s", str(rng.randint(135, 185)), "-p", str(rng.randint(38, 62)),
                "-w", out, text], None
    if voice.engine == "espeak":
        languages = [LANGUAGES[zlib.crc32(voice.name.encode()) % len(LANGUAGES)]] if voice.held_out else LANGUAGES
        return ["espeak-ng", "-v", f"{rng.choice(languages)}+{voice.name}", "-s", str(rng.randint(135, 185)), "-p",
                str(rng.randint(42, 58)), "-w", out, text], None
    if voice.engine == "rhvoice":
        return ["RHVoice-test", "-p", voice.name, "-r", str(rng.randint(85, 115)), "-t", str(rng.randint(92, 108)),
                "-o", out], text
    if voice.engine == "festival":
        return ["text2wave", "-eval", f"(voice_{voice.name})", "-o", out], text
    if voice.engine == "flite":
        return ["flite", "-voice", voice.name, "--seti", f"duration_stretch={rng.uniform(0.85, 1.15):.2f}", "-t", text, "-o",
                out], None
    return ["pico2wave", "-l", voice.name, "-w", out, text], None


def read_wave(path: str) -> np.ndarray:
    with wave.open(path) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float64)
        rate = file.getframerate()
    if rate != RATE_HZ:
        factor = gcd(rate, RATE_HZ)
        samples = resample_poly(samples, RATE_HZ // factor, rate // factor)
    return samples


def trimmed(samples: np.ndarray) -> np.ndarray:
    """Without the silence at both ends, and as loud as all others."""
    loud = np.flatnonzero(np.abs(samples) > 0.02 * np.abs(samples).max())
    speech = samples[max(0, loud[0] - 800):loud[-1] + 800]
    return speech * (2000 / np.sqrt(np.mean(speech ** 2)))


def speak(voice: Voice, seconds: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = random.Random(f"{seed} {voice.label}")
    pieces, total = [], 0
    with tempfile.TemporaryDirectory() as folder:
        out = f"{folder}/a.wav"
        while total < seconds * RATE_HZ:
            arguments, text = command(voice, rng, sentence(rng, voice.alphabet), out)
            subprocess.run(arguments, input=text, text=True, check=True, capture_output=True)
            samples = read_wave(out)
            if len(samples) < RATE_HZ or np.abs(samples).max() < 100:
                raise RuntimeError(f"{voice.label} said nothing")
            pieces.append(np.clip(trimmed(samples), -32767, 32767).astype(np.int16))
            total += len(pieces[-1])
    return np.concatenate(pieces), np.cumsum([len(piece) for piece in pieces])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--engines", nargs="+", default="mbrola rhvoice festival flite pico".split(), help="also: espeak")
    parser.add_argument("--part", default="0/1", help="k/n: every n-th voice from the k-th on")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    part, parts = map(int, options.part.split("/"))
    for voice in [voice for voice in all_voices() if voice.engine in options.engines][part::parts]:
        path = options.out / f"{voice.engine}-{voice.name}.npz"
        if path.exists():
            continue
        try:
            samples, ends = speak(voice, options.seconds, options.seed)
        except (RuntimeError, subprocess.CalledProcessError, wave.Error, IndexError, ValueError, OSError) as problem:
            print(f"{voice.label}: left out: {problem}", flush=True)
            continue
        np.savez(path, samples=samples, ends=ends)
        print(f"{voice.label}: {len(samples) / RATE_HZ:.0f} s", flush=True)


if __name__ == "__main__":
    main()
