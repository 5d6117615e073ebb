"""Measures an exported checkpoint with openai-whisper's decoding on sentences and voices it has not seen.

    python evaluate.py --model models/demo --recordings models/demo/recordings --json results.json
"""
from __future__ import annotations

import argparse
import json
import random
from collections import defaultdict
from pathlib import Path

import numpy as np
import soundfile
import torch
import whisper

import features
import voices
from decode import word_errors
from grammar import Grammar
from record import converse, level
from reference import DemoWhisper, load
from synthesize import Speaker

WINDOW = 30 * features.SAMPLE_RATE
SPEECH_AT_S = 0.5
BATCH = 10
LONG_CASTS = {"long": ["en-us+f4", "en+m7", "en-us+norbert", "en+Henrique"], "long-mixed": ["flite:rms", "en+m7", "festival:ked", "en-us+f4"]}


def with_noise(samples: np.ndarray, snr_db: float | None, seed: int) -> np.ndarray:
    """White noise under the whole of `samples`, relative to the RMS of its non-zero part."""
    if snr_db is None:
        return samples
    speech = np.sqrt(np.mean(samples[samples != 0] ** 2))
    noise = np.random.default_rng(seed).standard_normal(len(samples))
    return (samples + noise * speech * 10 ** (-snr_db / 20)).astype(np.float32)


def window(samples: np.ndarray) -> np.ndarray:
    """30 s with the samples half a second in and digital silence after them."""
    out = np.zeros(WINDOW, np.float32)
    begin = int(SPEECH_AT_S * features.SAMPLE_RATE)
    out[begin:begin + len(samples)] = samples[:WINDOW - begin]
    return out


def decode(model: DemoWhisper, audio: list[np.ndarray], timestamps: bool = True) -> list[whisper.DecodingResult]:
    results = []
    options = whisper.DecodingOptions(language="en", without_timestamps=not timestamps, fp16=False)
    for first in range(0, len(audio), BATCH):
        mels = torch.stack([whisper.log_mel_spectrogram(samples) for samples in audio[first:first + BATCH]])
        results += whisper.decode(model, mels, options)
    return results


def speak_test_set(speaker: Speaker, per_voice: int) -> list:
    """Held-out sentences by every held-out voice, in the same order on every machine."""
    rng, grammar, spoken = random.Random("evaluate"), Grammar("evaluate"), []
    for variant in voices.HELD_OUT_VARIANTS:
        for _ in range(per_voice):
            spoken.append(speaker.say(grammar.split_sentence(True), voices.espeak_voice(rng, [variant])))
    for name in voices.HELD_OUT_FLITE:
        for _ in range(per_voice):
            spoken.append(speaker.say(grammar.split_sentence(True), voices.flite_voice(rng, [name])))
    for name in voices.HELD_OUT_FESTIVAL:
        for _ in range(per_voice):
            spoken.append(speaker.say(grammar.split_sentence(True), voices.festival_voice(rng, [name])))
    return spoken


def short_form(model: DemoWhisper, spoken: list, snr_db: float | None, timestamps: bool) -> dict:
    """Error rates by voice, time-token errors, and no-speech probabilities over one-sentence windows."""
    audio = [window(with_noise(level(item.samples), snr_db, index)) for index, item in enumerate(spoken)]
    results = decode(model, audio, timestamps)
    errors: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    slips: list[float] = []
    wrong = []
    begin = model_time_begin(model)
    for item, result in zip(spoken, results):
        edits, words = word_errors(item.text, result.text)
        for key in (f"{item.voice.engine} {item.voice.name.split('+')[-1]}", item.voice.engine, "all"):
            errors[key][0] += edits
            errors[key][1] += words
        if edits and len(wrong) < 25:
            wrong.append([item.text, result.text.strip()])
        times = [(token - begin) * 0.02 for token in result.tokens if token >= begin]
        if timestamps and edits == 0 and len(times) == 2:
            slips += [abs(times[0] - SPEECH_AT_S - item.words[0][0]), abs(times[1] - SPEECH_AT_S - item.words[-1][1])]
    out = {"wer": {key: round(e / n, 4) for key, (e, n) in sorted(errors.items())}, "sentences": len(spoken),
           "no_speech_max": round(max(result.no_speech_prob for result in results), 4), "wrong": wrong}
    if slips:
        out["time"] = {"median_s": round(float(np.median(slips)), 3), "p95_s": round(float(np.quantile(slips, 0.95)), 3),
                       "within_0.1_s": round(float(np.mean(np.array(slips) <= 0.1001)), 4)}
    return out


def model_time_begin(model: DemoWhisper) -> int:
    return model.dims.n_vocab - 1501


def no_speech(model: DemoWhisper) -> dict:
    """Probabilities of <|nospeech|> on silence and on white noise from -60 to -10 dBFS."""
    rng = np.random.default_rng(11)
    levels = (-60, -50, -40, -30, -20, -10)
    noise = [(rng.standard_normal(WINDOW) * 10 ** (db / 20)).astype(np.float32) for db in levels]
    results = decode(model, [np.zeros(WINDOW, np.float32), *noise])
    return {"silence": round(results[0].no_speech_prob, 4),
            "noise": {f"{db} dBFS": round(r.no_speech_prob, 4) for db, r in zip(levels, results[1:])},
            "texts": [r.text for r in results]}


def long_form(model: DemoWhisper, samples: np.ndarray, records: list[dict], prompted: bool) -> dict:
    """openai-whisper's transcribe() over a whole recording: word error rate and errors of the segment times."""
    result = whisper.transcribe(model, samples, language="en", fp16=False, verbose=None,
                                condition_on_previous_text=prompted)
    edits, words = word_errors(" ".join(record["text"] for record in records), result["text"])
    starts = {round(segment["start"], 2): segment for segment in result["segments"]}
    slips = []
    for record in records:
        same = [s for s in starts.values() if s["text"].strip() == record["text"]]
        if same:
            best = min(same, key=lambda s: abs(s["start"] - record["start"]))
            slips += [abs(best["start"] - record["start"]), abs(best["end"] - record["end"])]
    return {"seconds": round(len(samples) / features.SAMPLE_RATE, 1), "wer": round(edits / words, 4),
            "segments": len(result["segments"]), "sentences": len(records), "time_median_s": round(float(np.median(slips)), 3) if slips else None,
            "time_within_0.1_s": round(float(np.mean(np.array(slips) <= 0.1001)), 3) if slips else None,
            "time_within_0.2_s": round(float(np.mean(np.array(slips) <= 0.2001)), 3) if slips else None,
            "text": [f"{s['start']:.2f}-{s['end']:.2f} {s['text'].strip()}" for s in result["segments"]]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, type=Path)
    parser.add_argument("--recordings", type=Path, help="folder of NAME.flac with NAME.json")
    parser.add_argument("--per-voice", type=int, default=40)
    parser.add_argument("--long-seconds", type=float, default=240)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(2)
    model, _ = load(options.model)
    speaker = Speaker()
    spoken = speak_test_set(speaker, options.per_voice)
    report: dict = {}

    def tell(name: str, result: dict) -> None:
        report[name] = result
        print(f"{name}: { {key: value for key, value in result.items() if key not in ('wrong', 'text', 'texts')} }", flush=True)
        if options.json:
            options.json.write_text(json.dumps(report, indent=1) + "\n")

    tell("clean", short_form(model, spoken, None, True))
    tell("25 dB", short_form(model, spoken, 25, True))
    tell("no speech", no_speech(model))
    long_ones: list[tuple[str, np.ndarray, list[dict]]] = []
    for path in sorted(options.recordings.glob("*.flac")) if options.recordings else []:
        samples, _ = soundfile.read(path, dtype="float32")
        long_ones.append((path.name, samples, json.loads(path.with_suffix(".json").read_text())))
    for name, cast in LONG_CASTS.items() if options.long_seconds else []:
        for snr_db in (None, 25):
            title = f"{name}, 25 dB" if snr_db else name
            long_ones.append((title, *converse(speaker, name, options.long_seconds, snr_db, cast)))
    for name, samples, records in long_ones:
        tell(f"{name}, previous text as prompt", long_form(model, samples, records, True))
        tell(f"{name}, no prompt", long_form(model, samples, records, False))
    tell("clean, no time tokens", short_form(model, spoken, None, False))


if __name__ == "__main__":
    main()
