"""What happens at each step of a training, whatever trains: the curve, the progress line, SIGTERM."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..runtime.outcome import say
from ..runtime.tracking import Tracker
from . import distributed

# What one step reports: `step`, `timestampMs` and the figures in CURVES that the framework has.
Step = dict[str, float]

CURVES = ("loss", "learningRate", "gradNorm", "tokens", "secondsPerStep")


class TrainingReporter:
    """Reports every step while it happens, and says when to stop because of a SIGTERM."""

    def __init__(self, tracker: Tracker, steps: int) -> None:
        self.tracker = tracker
        self.steps = steps
        self.terminated = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """While the block runs, a SIGTERM only asks to stop."""
        handler = signal.signal(signal.SIGTERM, self.ask_to_stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, handler)

    def ask_to_stop(self, *_: Any) -> None:
        self.terminated = True

    def must_stop(self) -> bool:
        """Whether to stop after this step; the same answer in all processes of the training."""
        self.terminated = distributed.any_of(self.terminated)
        return self.terminated

    def report(self, step: Step) -> None:
        """Log a step that was just made, and print it."""
        if distributed.is_first_here():
            say(
                f"step {int(step['step'])}/{self.steps} loss {step['loss']:.4f} "
                f"{step['secondsPerStep']:.2f} s"
            )
        self.report_again([step])

    def report_again(self, steps: list[Step]) -> None:
        """Log steps, also ones that were logged before: the same point twice is one point."""
        for step in steps:
            values = {name: step[name] for name in CURVES if name in step}
            number = int(step["step"])
            values |= {"step": number, "progress/step": number, "progress/total": self.steps}
            self.tracker.log_metrics(values, number, int(step["timestampMs"]))
        self.tracker.flush()
