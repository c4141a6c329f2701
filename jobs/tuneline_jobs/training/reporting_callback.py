"""Tells the reporter what transformers' trainer does."""

from __future__ import annotations

import time
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState

from .training_reporter import Step, TrainingReporter


class ReportingCallback(TrainerCallback):
    """Reports every step, and saves and stops when the reporter says so.

    The figures of a step are kept in the trainer's own history, which every checkpoint holds. A resumed
    training reports the earlier steps again.
    """

    def __init__(self, reporter: TrainingReporter) -> None:
        self.reporter = reporter
        self.tokens_before = 0
        self.step_began = time.monotonic()

    def on_train_begin(
        self, args: Any, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self.reporter.report_again(steps_of(state))
        self.tokens_before = int(state.log_history[-1]["tokens"]) if state.log_history else 0

    def on_step_begin(
        self, args: Any, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self.step_began = time.monotonic()

    def on_step_end(
        self, args: Any, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if state.global_step == 1:
            # A state that can't be saved or resumed must fail now, not after days.
            control.should_save = True
        if self.reporter.must_stop():
            control.should_save = True
            control.should_training_stop = True

    def on_log(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        entry = state.log_history[-1]
        if "loss" not in entry:
            return
        entry["tokens"] = self.tokens_before + entry["num_tokens"]
        entry["seconds"] = time.monotonic() - self.step_began
        entry["timestampMs"] = int(time.time() * 1000)
        self.reporter.report(as_step(entry))


def steps_of(state: TrainerState) -> list[Step]:
    return [as_step(entry) for entry in state.log_history if "loss" in entry]


def as_step(entry: dict[str, float]) -> Step:
    """An entry of the trainer's history under our names."""
    names = {"learning_rate": "learningRate", "grad_norm": "gradNorm", "seconds": "secondsPerStep"}
    return {names.get(name, name): value for name, value in entry.items()}
