"""The seam between the tune stage and the frameworks that train: one module a framework."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from ..data.prepared_dataset import Example
from ..runtime.job_specs import TuneSpec
from .training_reporter import Step, TrainingReporter


class Trainer(Protocol):
    """What a framework does for the tune stage. A module with these functions is a trainer."""

    def train(
        self,
        spec: TuneSpec,
        rows: list[Example],
        start: str,
        checkpoints: Path,
        resume_from: Path | None,
        reporter: TrainingReporter,
    ) -> None:
        """Train the model `start` on `rows` until `spec.steps`, or until the reporter stops it.

        Writes `checkpoint-STEP` folders to `checkpoints` and seals each (`checkpoints.seal`): after
        step 1, every `checkpoint_every_steps`, when stopped, and at the end. After `resume_from` the
        weights are the same, bit for bit, as without an interruption. Reports every step.
        """

    def history(self, checkpoint: Path) -> list[Step]:
        """The reported steps up to this checkpoint."""

    def export(self, spec: TuneSpec, checkpoint: Path, folder: Path) -> list[str]:
        """Write the outputs to `folder` and return their names; `model` loads by itself."""


# By framework. A loader imports its trainer: a Job imports only the framework that it trains with.
Trainers = dict[str, Callable[[], Trainer]]


def load_transformers() -> Trainer:
    from . import transformers_trainer

    return transformers_trainer


TRAINERS: Trainers = {"transformers": load_transformers}
