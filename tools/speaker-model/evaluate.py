"""Measures diarization in one go: real meetings, a telephone call, synthetic meetings, single speakers, cost and memory.

    python evaluate.py --program ../../build/release/bin/amanuensis --shared ../../../shared/data --speech work/speech \\
        --work work/evaluation [--parts real call others synthetic alone hour memory] [--count 10]

Meetings and single speakers are made from voices that no network was trained on (meetings.py) and kept in --work; what the program
finds lies beside them. Without a collar, overlaps counted, steps of 10 ms. Of the speech: `unheard` is missed where nobody was found,
`overlap` missed where somebody else was, `alarm` and `confused` as usual.
"""
from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import wave
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

# What pyannote.audio's source package has besides, tests/data: nothing was chosen or learned with it.
OTHERS = {"dev01": "debug.development.rttm", "tst01": "debug.test.rttm",
          **{f"trn{i:02}": "debug.train.rttm" for i in (0, 3, 4, 5, 6, 7, 8, 9)}}
REAL = {"dev00": "debug.development.rttm", "tst00": "debug.test.rttm", "trn01": "debug.train.rttm", "trn02": "debug.train.rttm"}
LABELLED_S = 30
KINDS = ("unheard", "overlap", "alarm", "confused")


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
    rows, columns = linear_sum_assignment(-(truth.astype(int) @ found.T.astype(int)))
    right = np.zeros(truth.shape[1], int)
    for r, c in zip(rows, columns):
        right += truth[r] & found[c]
    missed = np.maximum(spoken - heard, 0)
    unheard = np.where(heard == 0, np.minimum(spoken, 1), 0)
    return {"speech": spoken.sum() / 100, "unheard": unheard.sum() / 100, "overlap": (missed - unheard).sum() / 100,
            "alarm": np.maximum(heard - spoken, 0).sum() / 100, "confused": (np.minimum(spoken, heard) - right).sum() / 100}


class Table:
    def __init__(self, title: str) -> None:
        self.total: dict[str, float] = {}
        self.right = self.count = 0
        print(f"\n{title}", flush=True)

    def add(self, name: str, truth: np.ndarray, found: np.ndarray) -> None:
        each = errors(truth, found)
        for key, value in each.items():
            self.total[key] = self.total.get(key, 0) + value
        self.right += len(truth) == len(found)
        self.count += 1
        self.line(name, each, f"speakers {len(found)} of {len(truth)}")

    def end(self) -> None:
        self.line("all", self.total, f"right count {self.right} of {self.count}")

    @staticmethod
    def line(name: str, each: dict[str, float], more: str) -> None:
        speech = max(each["speech"], 0.01)
        kinds = "  ".join(f"{kind} {100 * each[kind] / speech:5.1f}" for kind in KINDS)
        print(f"  {name:14} DER {100 * sum(each[kind] for kind in KINDS) / speech:6.1f} %  {kinds}  {more}", flush=True)


class Program:
    def __init__(self, path: Path, threads: int) -> None:
        self.command = [str(path.resolve()), "diarize", "--threads", str(threads)]

    def diarize(self, recordings: list[Path], out: Path) -> None:
        out.mkdir(parents=True, exist_ok=True)
        subprocess.run([*self.command, "-o", str(out), *map(str, recordings)], check=True)

    def cost(self, recording: Path) -> tuple[float, float, float]:
        """Seconds, seconds of processor time, most memory in MB."""
        start = time.time()
        process = subprocess.Popen([*self.command, str(recording)], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        if status != 0:
            raise SystemExit(f"{recording}: the program failed")
        return time.time() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def made(options: argparse.Namespace, name: str, arguments: list[str]) -> list[Path]:
    """Recordings that meetings.py makes, once."""
    folder = options.work / name
    if not (folder / "truth.rttm").exists():
        command = [sys.executable, str(Path(__file__).with_name("meetings.py")), "--speech", *map(str, options.speech), "--out",
                   str(folder), "--seed", str(options.seed), *arguments]
        subprocess.run(command, check=True)
    return sorted(folder.glob("*.wav"))


def measure_made(program: Program, recordings: list[Path], title: str) -> None:
    folder = recordings[0].parent
    program.diarize(recordings, folder / "found")
    table = Table(title)
    for path in recordings:
        with wave.open(str(path)) as file:
            steps = file.getnframes() * 100 // file.getframerate() + 1
        table.add(path.stem, activity(folder / f"{path.stem}.rttm", path.stem, steps),
                  activity(folder / "found" / f"{path.stem}.rttm", path.stem, steps))
    table.end()


def measure_labelled(program: Program, folder: Path, found: Path, names: dict[str, str], title: str) -> None:
    program.diarize([folder / f"{name}.wav" for name in names], found)
    table = Table(title)
    for name, rttm in names.items():
        table.add(name, activity(folder / rttm, name, LABELLED_S * 100)[:, :LABELLED_S * 100],
                  activity(found / f"{name}.rttm", name, 6100)[:, :LABELLED_S * 100])
    table.end()


def long_recording(options: argparse.Namespace, hours: int) -> Path:
    path = options.work / f"{hours}h.wav"
    if not path.exists():
        sources = made(options, "meetings", ["--count", str(options.count)])
        pieces = [wave.open(str(source)).readframes(10 ** 9) for source in sources]
        wanted = hours * 3600 * 16000 * 2
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, 16000, 0, "NONE", ""))
            written, i = 0, 0
            while written < wanted:
                piece = pieces[i % len(pieces)][:wanted - written]
                file.writeframesraw(piece)
                written, i = written + len(piece), i + 1
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--speech", type=Path, nargs="+", required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--others", type=Path, help="pyannote.audio's tests/data (trn00.wav may need its name), for the part others")
    parser.add_argument("--parts", nargs="+", default="real call synthetic alone hour memory".split())
    parser.add_argument("--count", type=int, default=10, help="synthetic meetings")
    parser.add_argument("--seed", type=int, default=11, help="of the synthetic meetings")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    if "others" in options.parts and options.others is None:
        parser.error("the part others needs --others")
    options.work.mkdir(parents=True, exist_ok=True)
    pyannote = options.shared / "pyannote"
    program = Program(options.program, options.threads)
    if "real" in options.parts:
        measure_labelled(program, pyannote, options.work / "found", REAL, "four real meetings, 0-30 s")
    if "call" in options.parts:
        measure_labelled(program, pyannote, options.work / "found", {"sample": "sample.rttm"}, "telephone call")
    if "others" in options.parts:
        measure_labelled(program, options.others, options.work / "found", OTHERS, "ten other real meetings, 0-30 s")
    if "synthetic" in options.parts:
        recordings = made(options, "meetings", ["--count", str(options.count)])
        measure_made(program, recordings, f"{options.count} synthetic meetings of 10 minutes")
    if "alone" in options.parts:
        recordings = made(options, "alone", ["--count", "50", "--minutes", "2", "--speakers", "1"])
        measure_made(program, recordings, "50 recordings of one speaker, 2 minutes")
    for part, hours in (("hour", 1), ("memory", 6)):
        if part in options.parts:
            seconds, processor, memory = program.cost(long_recording(options, hours))
            print(f"\n{hours} h on {options.threads} threads: {seconds:.1f} s, {processor:.1f} s of processor time, {memory:.0f} MB")


if __name__ == "__main__":
    main()
