"""What happens at each step of a training: the curve, the progress line, SIGTERM."""

from __future__ import annotations

import signal
import time
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState

from ..runtime.outcome import say
from ..runtime.tracking import Tracker
from . import distributed

# The names of the trainer's own figures, and what the curves in MLflow are called.
CURVES = {
    "loss": "loss",
    "learning_rate": "learningRate",
    "grad_norm": "gradNorm",
    "tokens": "tokens",
    "seconds": "secondsPerStep",
}


class TrainingReporter(TrainerCallback):
    """Reports every step while it happens and stops the training, after a checkpoint, on SIGTERM.

    What a step reports is kept in the trainer's own history, which every checkpoint holds: a resumed
    training reports the steps before it again, as the same points.
    """

    def __init__(self, tracker: Tracker) -> None:
        self.tracker = tracker
        self.terminated = False
        self.tokens_before = 0
        self.step_began = time.monotonic()

    def on_train_begin(
        self, args: Any, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self.handler_before = signal.signal(signal.SIGTERM, self.ask_to_stop)
        report_history(self.tracker, state.log_history, state.max_steps)
        self.tokens_before = int(state.log_history[-1]["tokens"]) if state.log_history else 0

    def on_train_end(self, *_: Any, **__: Any) -> None:
        signal.signal(signal.SIGTERM, self.handler_before)

    def ask_to_stop(self, *_: Any) -> None:
        self.terminated = True

    def on_step_begin(
        self, args: Any, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self.step_began = time.monotonic()

    def on_step_end(
        self, args: Any, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if state.global_step == 1:
            # What can't be saved or resumed has to fail now, not after days.
            control.should_save = True
        # All stop after the same step, whichever of them was asked to.
        if distributed.any_of(self.terminated):
            self.terminated = True
            control.should_save = True
            control.should_training_stop = True

    def on_log(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        entry = state.log_history[-1]
        if "loss" not in entry:
            return
        entry["tokens"] = self.tokens_before + entry["num_tokens"]
        entry["seconds"] = time.monotonic() - self.step_began
        entry["timestampMs"] = int(time.time() * 1000)
        if distributed.is_first_here():
            say(
                f"step {entry['step']}/{state.max_steps} loss {entry['loss']:.4f} "
                f"{entry['seconds']:.2f} s"
            )
        report_history(self.tracker, [entry], state.max_steps)


def report_history(tracker: Tracker, history: list[dict[str, float]], total: int) -> None:
    """Log the points of these steps and try to write them."""
    for entry in history:
        step = int(entry["step"])
        values = {name: entry[key] for key, name in CURVES.items() if key in entry}
        values |= {"step": step, "progress/step": step, "progress/total": total}
        tracker.log_metrics(values, step, int(entry["timestampMs"]))
    tracker.flush()
