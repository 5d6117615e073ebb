"""Speaks sentences and stores them as log-mel shards with the word and phoneme of every frame.

    python synthesize.py --out data/train-0 --seed 0 --shards 20 --sentences 1000
    python synthesize.py --out data/held --seed held --shards 1 --sentences 400 --held-out

A shard is NAME-NNN.{mel,words,phonemes}.npy ([frames, 80] float16 log10 power; [frames] uint8) and NAME-NNN.json
(one record an utterance). Word 0 and phoneme 0 mean silence; word k is the k-th word of the text.
"""
from __future__ import annotations

import argparse
import json
import os
import random
from dataclasses import asdict, dataclass
from math import gcd
from pathlib import Path

import numpy as np
import torch
from scipy.signal import resample_poly

import features
import voices
from espeak import Espeak, Speech
from festival import Festival
from flite import Flite
from grammar import Grammar

MARGIN_S = 0.05  # audio kept before the first and after the last phoneme
PHONEMES = ["", "p", "b", "t", "d", "k", "g", "tS", "dZ", "f", "v", "T", "D", "s", "z", "S", "Z", "h", "m", "n", "N", "l",
            "r", "w", "j", "i:", "I", "E", "a", "A:", "0", "O:", "U", "u:", "V", "3:", "3", "@", "eI", "aI", "OI", "oU",
            "aU", "e@", "i@", "U@", "A@", "O@", "aa", "i", "O", "t#", "@L", "@-", "?"]


@dataclass
class Utterance:
    """One spoken sentence: audio at 16 kHz trimmed to the speech, and spans in seconds within it."""

    text: str
    voice: voices.Voice
    samples: np.ndarray                         # [n] float32
    words: list[tuple[float, float]]            # one span a word of text.split()
    phonemes: list[tuple[int, float, float]]    # (index into PHONEMES, start, end)


def phoneme_index(name: str) -> int:
    """The index of an espeak-ng phoneme name, forgiving digits that mark its variants; 0 for a pause."""
    for candidate in (name, name.rstrip("0123456789#"), name[:2], name[:1]):
        if candidate in _INDEX:
            return _INDEX[candidate]
    return 0


_INDEX = {name: index for index, name in enumerate(PHONEMES)}


def word_spans(text: str, speech: Speech, end: float) -> list[tuple[float, float]]:
    """Start and end of every word; words a synthesizer ran together share their span by length."""
    offsets = [i for i in range(len(text)) if text[i] != " " and (i == 0 or text[i - 1] == " ")]
    known = {offset: start for offset, start in speech.word_starts if offset in offsets}
    known.setdefault(0, next(start for name, start in speech.phonemes if name))
    anchors = sorted(known.items()) + [(len(text) + 1, end)]
    starts = np.interp(offsets + [len(text) + 1], [a for a, _ in anchors], [t for _, t in anchors])
    pauses = [(start, following) for (name, start), (_, following) in zip(speech.phonemes, speech.phonemes[1:]) if not name]
    spans = []
    for start, stop in zip(starts, starts[1:]):
        stop = min([stop, *[p for p, q in pauses if start < p < stop <= q + 0.05]])
        spans.append((float(start), float(max(stop, start + 0.02))))
    return spans


class Speaker:
    """All synthesizers behind one call."""

    def __init__(self) -> None:
        self._espeak = Espeak()
        self._flite = Flite()
        self._festival = Festival()

    def _speak(self, text: str, voice: voices.Voice) -> Speech:
        if voice.engine == "flite":
            speech = self._flite.say(text, voice.name, voice.stretch * voice.shift)
        elif voice.engine == "festival":
            speech = self._festival.say(text, voice.name, voice.stretch * voice.shift)
        else:
            speech = self._espeak.say(text, voice.name, round(voice.rate / voice.shift), voice.pitch, voice.pitch_range)
        if voice.shift == 1.0:
            return speech
        rate = round(speech.sample_rate * voice.shift / 50) * 50  # a multiple that resamples cheaply
        factor = speech.sample_rate / rate
        return Speech(speech.samples, rate, [(offset, at * factor) for offset, at in speech.word_starts],
                      [(name, at * factor) for name, at in speech.phonemes])

    def say(self, text: str, voice: voices.Voice) -> Utterance:
        speech = self._speak(text, voice)
        total = len(speech.samples) / speech.sample_rate
        marks = [*speech.phonemes, ("", total)]
        spoken = [(name, start, min(following, total)) for (name, start), (_, following) in zip(marks, marks[1:]) if name]
        begin, end = spoken[0][1], spoken[-1][2]
        shift = max(0.0, begin - MARGIN_S)
        samples = speech.samples[round(shift * speech.sample_rate):round((end + MARGIN_S) * speech.sample_rate)]
        if speech.sample_rate != features.SAMPLE_RATE:
            factor = gcd(speech.sample_rate, features.SAMPLE_RATE)
            samples = resample_poly(samples, features.SAMPLE_RATE // factor, speech.sample_rate // factor)
        return Utterance(text, voice, samples.astype(np.float32),
                         [(max(a, begin) - shift, b - shift) for a, b in word_spans(text, speech, end)],
                         [(phoneme_index(name), a - shift, b - shift) for name, a, b in spoken])


def frame_labels(utterance: Utterance, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """(words, phonemes), each [frames] uint8."""
    words, phonemes = np.zeros(frames, np.uint8), np.zeros(frames, np.uint8)
    for index, (start, end) in enumerate(utterance.words, 1):
        words[round(start * 100):round(end * 100)] = index
    for index, start, end in utterance.phonemes:
        phonemes[round(start * 100):round(end * 100)] = index
    return words, phonemes


def write_shard(path: Path, utterances: list[Utterance]) -> float:
    """Writes one shard; returns its seconds. The .json comes last, so its presence says the shard is whole."""
    mels, words, phonemes, records, position = [], [], [], [], 0
    for item in utterances:
        mel = features.log_power(item.samples).astype(np.float16)
        word, phoneme = frame_labels(item, len(mel))
        rms = float(np.sqrt(np.mean(item.samples ** 2)))
        records.append({"text": item.text, "voice": asdict(item.voice), "offset": position, "frames": len(mel), "rms": rms,
                        "start": item.words[0][0], "end": item.words[-1][1]})
        position += len(mel)
        mels.append(mel), words.append(word), phonemes.append(phoneme)
    for name, parts in (("mel", mels), ("words", words), ("phonemes", phonemes)):
        np.save(f"{path}.{name}.npy", np.concatenate(parts))
    Path(f"{path}.json.part").write_text(json.dumps(records))
    os.rename(f"{path}.json.part", f"{path}.json")
    return position / features.FRAMES_PER_SECOND


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, help="path prefix of the shards")
    parser.add_argument("--seed", required=True)
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--sentences", type=int, default=1000, help="sentences a shard")
    parser.add_argument("--held-out", action="store_true", help="unseen sentences by held-out voices")
    parser.add_argument("--wider", action="store_true", help="training voices further apart, Festival's among them")
    options = parser.parse_args()
    torch.set_num_threads(1)
    speaker, rng, grammar = Speaker(), random.Random(f"voice{options.seed}"), Grammar(f"text{options.seed}")
    Path(options.out).parent.mkdir(parents=True, exist_ok=True)
    for shard in range(options.shards):
        utterances = []
        for index in range(options.sentences):
            if not options.held_out:
                voice = voices.wider_voice(rng) if options.wider else voices.training_voice(rng)
            elif index % 5 == 4:
                voice = voices.flite_voice(rng, voices.HELD_OUT_FLITE)
            else:
                voice = voices.espeak_voice(rng, [voices.HELD_OUT_VARIANTS[index % 5]])
            utterances.append(speaker.say(grammar.split_sentence(options.held_out), voice))
        seconds = write_shard(Path(f"{options.out}-{shard:03d}"), utterances)
        print(f"{options.out}-{shard:03d}: {seconds / 60:.1f} min", flush=True)


if __name__ == "__main__":
    main()
