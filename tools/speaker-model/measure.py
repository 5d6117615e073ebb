"""Diarization error rate of a folder of RTTM files, without a collar and with overlaps, and how often the count is right.

    python measure.py --truth work/meetings --found work/found [--until 30]

Counted in steps of 10 ms; `amanuensis eval der` does it exactly.
"""
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment


def activity(path: Path, name: str, steps: int) -> np.ndarray:
    """[speakers, steps] of 10 ms."""
    who: dict[str, np.ndarray] = {}
    for line in path.read_text().splitlines():
        fields = line.split()
        if len(fields) > 7 and fields[1] == name:
            begin, end = float(fields[3]), float(fields[3]) + float(fields[4])
            row = who.setdefault(fields[7], np.zeros(steps, bool))
            row[round(begin * 100):round(end * 100)] = True
    return np.array([row for row in who.values() if row.any()]).reshape(-1, steps)


def errors(truth: np.ndarray, found: np.ndarray) -> dict[str, float]:
    spoken, heard = truth.sum(0), found.sum(0)
    overlap = truth.astype(int) @ found.T.astype(int)
    rows, columns = linear_sum_assignment(-overlap)
    right = np.zeros(truth.shape[1], int)
    for r, c in zip(rows, columns):
        right += truth[r] & found[c]
    return {"speech": spoken.sum() / 100, "missed": np.maximum(spoken - heard, 0).sum() / 100,
            "alarm": np.maximum(heard - spoken, 0).sum() / 100,
            "confused": (np.minimum(spoken, heard) - right).sum() / 100}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--found", type=Path, required=True)
    parser.add_argument("--until", type=float, default=36000)
    parser.add_argument("--quiet", action="store_true")
    options = parser.parse_args()
    total: dict[str, float] = {}
    right = count = 0
    for path in sorted(options.found.glob("*.rttm")):
        sources = [p for p in options.truth.glob("*.rttm") if f" {path.stem} " in p.read_text()]
        if not sources:
            continue
        steps = int(options.until * 100)
        truth, found = (activity(each, path.stem, steps) for each in (sources[0], path))
        each = errors(truth, found)
        for key, value in each.items():
            total[key] = total.get(key, 0) + value
        right += len(truth) == len(found)
        count += 1
        if not options.quiet:
            rates = " ".join(f"{key} {100 * each[key] / each['speech']:5.1f}" for key in ("missed", "alarm", "confused"))
            rate = 100 * (each["missed"] + each["alarm"] + each["confused"]) / each["speech"]
            print(f"{path.stem:16} DER {rate:5.1f}  {rates}  speakers {len(found)} of {len(truth)}")
    rates = {key: 100 * total[key] / total["speech"] for key in ("missed", "alarm", "confused")}
    print(f"{'all':16} DER {sum(rates.values()):5.1f}  " + " ".join(f"{k} {v:5.1f}" for k, v in rates.items())
          + f"  right count {right} of {count}")


if __name__ == "__main__":
    main()
