"""Goldens of the decoding rules and searches, from openai-whisper's own classes on made-up logits.

    python tools/goldens/decoding.py

writes tests/goldens/decoding_{rules,search,vocabulary,text}.json in a few seconds. Rules and searches use a small
vocabulary; logits are hashed from the tokens so far (common.uniform), so that C++ makes the same ones.
"""

import json
import types
from pathlib import Path

import numpy as np
import torch
import whisper
from whisper.decoding import (ApplyTimestampRules, BeamSearchDecoder, GreedyDecoder, MaximumLikelihoodRanker,
                              SuppressBlank, SuppressTokens)
from whisper.utils import compression_ratio

import common

OUT = Path(__file__).resolve().parents[2] / "tests" / "goldens"
MADE_BY = f"tools/goldens/decoding.py, openai-whisper {whisper.__version__}"

VOCABULARY = dict(size=64, blank=3, eot=40, sot=41, no_timestamps=42, timestamp_begin=43)
SUPPRESS = [7, 8, 41]


def tokenizer():
    return types.SimpleNamespace(eot=VOCABULARY["eot"], no_timestamps=VOCABULARY["no_timestamps"],
                                 timestamp_begin=VOCABULARY["timestamp_begin"],
                                 encode=lambda text: [VOCABULARY["blank"]])


def filters(timestamps: bool, max_initial):
    rules = [SuppressBlank(tokenizer(), 1), SuppressTokens(SUPPRESS)]
    return rules + ([ApplyTimestampRules(tokenizer(), 1, max_initial)] if timestamps else [])


def logits_after(name: str, sampled: list) -> np.ndarray:
    """float32 [vocabulary]: [-4, 4), the end of the text growing likelier with every token."""
    key = name + "".join(f",{t}" for t in sampled)
    row = common.uniform(key, VOCABULARY["size"]) * np.float32(4)
    row[VOCABULARY["eot"]] += np.float32(0.25) * np.float32(len(sampled))
    return row


def rules_golden() -> dict:
    t = VOCABULARY["timestamp_begin"]
    sequences = [[], [t], [t + 2], [1], [t, 1], [t, 1, 2], [t, 1, 2, t + 3], [t, 1, t + 3, t + 3], [t, 1, t + 3, t + 5],
                 [t, 1, t + 3, t + 3, 4, 5], [t, 1, t + 20], [t, 1, t + 20, t + 20], [t, 1, t + 20, t + 20, 9],
                 [t, 1, t + 6, 2], [1, 2, 3], [1, 2, t + 4], [t + 1, t + 4]]
    cases = []
    for sequence in sequences:
        for timestamps, max_initial in [(True, 5), (True, None), (False, None)]:
            for draw in range(4):
                name = f"rules.{draw}"
                logits = torch.from_numpy(logits_after(name, sequence))[None].clone()
                tokens = torch.tensor([[VOCABULARY["sot"]] + sequence])
                for rule in filters(timestamps, max_initial):
                    rule.apply(logits, tokens)
                allowed = [i for i, value in enumerate(logits[0].tolist()) if value != -np.inf]
                cases.append(dict(name=name, sampled=sequence, timestamps=timestamps, max_initial=max_initial,
                                  allowed=allowed))
    return dict(made_by=MADE_BY, vocabulary=VOCABULARY, suppress=SUPPRESS, cases=cases)


def search(name: str, beam_size, patience, length_penalty, steps: int, timestamps: bool):
    """DecodingTask._main_loop and the end of run(), for one window and without a model."""
    eot = VOCABULARY["eot"]
    inference = types.SimpleNamespace(rearrange_kv_cache=lambda sources: None)
    decoder = BeamSearchDecoder(beam_size, eot, inference, patience) if beam_size else GreedyDecoder(0, eot)
    tokens = torch.tensor([[VOCABULARY["sot"]]] * (beam_size or 1))
    sums = torch.zeros(len(tokens))
    for _ in range(steps):
        logits = torch.from_numpy(np.stack([logits_after(name, row[1:]) for row in tokens.tolist()]))
        for rule in filters(timestamps, 5):
            rule.apply(logits, tokens)
        tokens, completed = decoder.update(tokens, logits, sums)
        if completed:
            break
    candidates, candidate_sums = decoder.finalize(tokens[None], sums[None])
    candidates = [[t[1:(t == eot).nonzero()[0, 0]] for t in group] for group in candidates]
    best = MaximumLikelihoodRanker(length_penalty).rank(candidates, candidate_sums)[0]
    return candidates[0][best].tolist(), candidate_sums[0][best], len(candidates[0])


def search_golden() -> dict:
    cases = []
    for draw in range(12):
        for beam_size, patience, length_penalty in [(None, None, None), (2, None, None), (5, None, None),
                                                    (5, 2.0, None), (5, 0.5, 0.6), (3, 1.5, 1.0), (8, None, 0.0)]:
            for steps, timestamps in [(6, True), (30, True), (12, False)]:
                case = dict(name=f"search.{draw}", beam_size=beam_size, patience=patience,
                            length_penalty=length_penalty, steps=steps, timestamps=timestamps)
                tokens, total, candidates = search(**case)
                cases.append(dict(**case, tokens=tokens, sum_logprob=round(total, 6), candidates=candidates))
    return dict(made_by=MADE_BY, vocabulary=VOCABULARY, suppress=SUPPRESS, max_initial=5, cases=cases)


def text_golden() -> dict:
    texts = ["", "a", "Hello, world.", " leading and trailing \n", "ab" * 200, "Thank you. " * 40,
             "ありがとうございました。" * 20, "\u3000\u00a0\u2003wide spaces\u2028\u205f\u1680", "\u200bnot a space\u200b",
             "\ufeffnor this", "\x1c\x1d\x1e\x1f\x85controls\x85", "emoji 🎉🎉🎉 and \ufffd", "\t\v\f\r",
             "The quick brown fox jumps over the lazy dog, and then it does something else entirely.",
             " ".join(str(n * n) for n in range(400))]
    return dict(made_by=MADE_BY, cases=[dict(text=t, stripped=t.strip(), ratio=compression_ratio(t)) for t in texts])


def vocabulary_golden() -> dict:
    tokenizer = whisper.tokenizer.get_tokenizer(True, num_languages=99, language="en")
    return dict(made_by=MADE_BY, cases=[dict(name="multilingual, 99 languages", blank=tokenizer.encode(" "),
                                             non_speech=list(tokenizer.non_speech_tokens))])


def write(name: str, golden: dict) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / name).write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    print(f"{name}: {len(golden['cases'])} cases, {(OUT / name).stat().st_size / 1024:.0f} KB")


if __name__ == "__main__":
    write("decoding_rules.json", rules_golden())
    write("decoding_search.json", search_golden())
    write("decoding_vocabulary.json", vocabulary_golden())
    write("decoding_text.json", text_golden())
