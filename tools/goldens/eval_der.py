"""Goldens of diarization error rates: pyannote.metrics on made-up turns.

    python tools/goldens/eval_der.py      needs pyannote.metrics==4.2.0

writes tests/goldens/eval_der.json: hundreds of pairs of RTTM-like turns, among them hostile ones (turns of one speaker that
overlap, turns without length, no turns at all, more speakers than letters, equally good mappings), each with the
components under several options. A few seconds.
"""

import json
import random
import warnings
from pathlib import Path

from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate

OUT = Path(__file__).resolve().parents[2] / "tests" / "goldens" / "eval_der.json"
CASES = 360
OPTIONS = [(0.0, False), (0.25, False), (0.5, True), (0.0, True), (2.0, False)]


def turns(chance: random.Random, kind: int) -> list:
    """[speaker, start, duration], times with three decimals, as in a file."""
    speakers = [f"s{i}" for i in range(chance.choice([1, 2, 3, 5] if kind != 4 else [30]))]
    count = 0 if chance.random() < 0.05 else chance.randint(1, 80 if kind == 4 else 14)
    found = []
    for _ in range(count):
        # Whole seconds make many boundaries and mappings equal.
        digits = 0 if kind in (1, 2) else 3
        start = round(chance.uniform(0, 20), digits)
        duration = round(chance.uniform(0, 4), digits)
        if kind == 3 and chance.random() < 0.3:
            duration = chance.choice([0.0, 0.001, 0.002])
        found.append([chance.choice(speakers), start, duration])
    return found


def perturbed(chance: random.Random, reference: list) -> list:
    found = []
    for speaker, start, duration in reference:
        if chance.random() < 0.1:
            continue
        name = {"s0": "zoe", "s1": "amy", "s2": "bob"}.get(speaker, speaker + "x")
        if chance.random() < 0.15:
            name = chance.choice(["zoe", "amy", "bob"])
        found.append([name, round(max(0.0, start + chance.gauss(0, 0.2)), 3), round(max(0.0, duration + chance.gauss(0, 0.2)), 3)])
    return found


def annotation(given: list) -> Annotation:
    result = Annotation()
    for index, (speaker, start, duration) in enumerate(given):
        result[Segment(start, start + duration), index] = speaker
    return result


def main() -> None:
    warnings.simplefilter("ignore")
    chance = random.Random(3)
    cases = []
    for index in range(CASES):
        kind = index % 6
        reference = turns(chance, kind)
        hypothesis = turns(chance, kind) if chance.random() < 0.5 else perturbed(chance, reference)
        uem = sorted(round(chance.uniform(0, 25), 3) for _ in range(4)) if kind == 5 else None
        results = []
        for collar, skip in OPTIONS:
            metric = DiarizationErrorRate(collar=collar, skip_overlap=skip)
            timeline = Timeline([Segment(uem[0], uem[1]), Segment(uem[2], uem[3])]) if uem else None
            detail = metric(annotation(reference), annotation(hypothesis), uem=timeline, detailed=True)
            results.append([round(float(detail[name]), 9) for name in (
                "total", "correct", "confusion", "missed detection", "false alarm", "diarization error rate")])
        cases.append({"reference": reference, "hypothesis": hypothesis, "uem": uem, "results": results})
    lines = ",\n".join(json.dumps(case) for case in cases)
    OUT.write_text(f'{{"options": {json.dumps(OPTIONS)},\n"cases": [\n{lines}\n]}}\n')
    print(len(cases), "cases")


if __name__ == "__main__":
    main()
