"""Makes the recordings beside the checkpoint: held-out voices taking turns over sentences not used in training.

    python record.py --out models/demo/recordings

Each NAME.flac comes with NAME.txt (what is said, one sentence a line) and NAME.json (who says it, from when to when).
"""
from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

import numpy as np
import soundfile

import features
import voices
from grammar import Grammar
from synthesize import Speaker

# (name, seconds wanted, signal-to-noise ratio in dB or None, voices taking turns)
RECORDINGS = [
    ("meeting", 65, None, ["en-us+f4", "en-us+m7", "en+f4"]),
    ("planning", 60, None, ["en+Henrique", "flite:rms", "en-us+f4", "festival:ked", "en-us+norbert"]),
]


def level(samples: np.ndarray, rms: float = 0.08) -> np.ndarray:
    return samples * (rms / np.sqrt(np.mean(samples ** 2)))


def converse(speaker: Speaker, seed: str, seconds: float, snr_db: float | None, names: list[str]) -> tuple[np.ndarray, list[dict]]:
    """Samples at 16 kHz and one record a sentence; turns of one to three sentences, pauses of 0.5 to 1.5 s. Names are
    espeak-ng's, or another engine's behind its name and a colon."""
    rng, grammar = random.Random(seed), Grammar(seed)
    cast = [voices.Voice(*(name.split(":") if ":" in name else ("espeak", name)), rng.randint(140, 165), rng.randint(40, 60),
                         rng.randint(40, 60)) for name in names]
    parts: list[np.ndarray] = [np.zeros(int(0.6 * features.SAMPLE_RATE), np.float32)]
    records: list[dict] = []
    turn, left = 0, 1
    position = len(parts[0])
    while position < seconds * features.SAMPLE_RATE:
        if left == 0:
            turn, left = turn + 1, rng.randint(1, 3)
        left -= 1
        spoken = speaker.say(grammar.split_sentence(held_out=True), cast[turn % len(cast)])
        start = position / features.SAMPLE_RATE
        records.append({"start": round(start + spoken.words[0][0], 2), "end": round(start + spoken.words[-1][1], 2),
                        "voice": spoken.voice.name, "text": spoken.text})
        pause = np.zeros(int(rng.uniform(0.5, 1.5) * features.SAMPLE_RATE), np.float32)
        parts += [level(spoken.samples), pause]
        position += len(spoken.samples) + len(pause)
    samples = np.concatenate(parts)
    if snr_db is not None:
        speech = np.sqrt(np.mean(samples[samples != 0] ** 2))
        samples = samples + np.random.default_rng(7).standard_normal(len(samples)) * speech * 10 ** (-snr_db / 20)
    return np.clip(samples, -1, 1).astype(np.float32), records


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, type=Path)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    speaker = Speaker()
    for name, seconds, snr_db, names in RECORDINGS:
        samples, records = converse(speaker, name, seconds, snr_db, names)
        soundfile.write(options.out / f"{name}.flac", samples, features.SAMPLE_RATE, subtype="PCM_16")
        (options.out / f"{name}.txt").write_text("".join(record["text"] + "\n" for record in records))
        (options.out / f"{name}.json").write_text(json.dumps(records, indent=1) + "\n")
        print(f"{name}: {len(samples) / features.SAMPLE_RATE:.1f} s, {len(records)} sentences")


if __name__ == "__main__":
    main()
