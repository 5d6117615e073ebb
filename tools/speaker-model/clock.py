"""How far a training is that stops by the clock, of its processor time or of the wall, whichever comes first."""
from __future__ import annotations

import argparse
import time


class Clock:
    def __init__(self, options: argparse.Namespace) -> None:
        self.minutes, self.wall = options.minutes, options.wall
        self.start = time.process_time(), time.time()
        self.before = 0.0

    @staticmethod
    def add_options(parser: argparse.ArgumentParser, minutes: float) -> None:
        parser.add_argument("--minutes", type=float, default=minutes, help="of processor time")
        parser.add_argument("--wall", type=float, default=1e9, help="minutes of the wall's clock, on a busy machine")

    def go_on(self, gone: float) -> None:
        """A training that was so far when it stopped has only the rest of the time."""
        self.before = gone

    def gone(self) -> float:
        """From 0 to 1, which is the end."""
        return self.before + max((time.process_time() - self.start[0]) / 60 / self.minutes, (time.time() - self.start[1]) / 60 / self.wall)
