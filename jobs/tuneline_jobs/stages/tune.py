"""Tune a foundation model on a prepared dataset; an interrupted training goes on from its checkpoint.

    TUNELINE_JOB="$(cat tune.json)" TUNELINE_TERMINATION_PATH=outcome.json python -m tuneline_jobs tune

The same spec and data give the same weights on the same kind of machine.
"""

from __future__ import annotations

import hashlib
import sys
import time
from pathlib import Path

from ..data.prepared_dataset import TRAIN, Example, read_examples
from ..runtime.job_specs import TuneSpec
from ..runtime.outcome import EXIT_TERMINATED, say, succeeded
from ..runtime.process import (
    has_gpu,
    peak_memory_gib,
    silence_libraries,
)
from ..runtime.storage import canonical, digest_of_folder, output, output_folder, path_of
from ..runtime.tracking import Tracker, silent_tracker, stage_tracker
from ..training import distributed
from ..training.checkpoints import newest_whole, saving, step_of
from ..training.trainer import TRAINERS, Trainer, Trainers
from ..training.training_reporter import TrainingReporter

# What may differ between two attempts of one tune: the rest decides what the weights will be.
# A batch halved after an out-of-memory, its accumulation doubled, goes on from the same checkpoint.
NOT_IDENTITY = {"output", "run_id", "wandb", "checkpoints", "batch_size", "gradient_accumulation"}


def run(spec: TuneSpec, trainers: Trainers = TRAINERS) -> dict[str, object]:
    """Write the trainer's outputs to the output folder. A finished tune is not trained again."""
    began = time.monotonic()
    distributed.share_of(spec.batch_size, spec.gradient_accumulation)
    tracker = stage_tracker(spec) if distributed.is_first() else silent_tracker()
    tracker.log_parameters(parameters_of(spec))
    rows = read_examples(spec.dataset, TRAIN)
    log_dataset(tracker, spec, len(rows))
    checkpoints = path_of(spec.checkpoints, "checkpoints") / identity_of(spec)
    silence_libraries()
    trainer = trainers[spec.framework]()
    reporter = TrainingReporter(tracker, spec.steps)
    resumed_from_step = train(spec, rows, checkpoints, trainer, reporter)
    if not distributed.is_first():
        return succeeded()

    last = newest_whole(checkpoints)
    if last is None or step_of(last) < spec.steps:
        raise RuntimeError(f"The training left no whole checkpoint of step {spec.steps}.")
    history = trainer.history(last)
    if resumed_from_step == spec.steps:
        reporter.report_again(history)
    folder = output_folder(spec.output)
    names = trainer.export(spec, last, folder)
    seconds = time.monotonic() - began
    figures = {
        "steps": spec.steps,
        "trainLoss": sum(step["loss"] for step in history) / len(history),
        "seconds": round(seconds, 1),
        "peakMemoryGiB": round(peak_memory_gib(), 2),
        "gpuSeconds": round(seconds * distributed.size(), 1) if has_gpu() else 0,
        "resumedFromStep": resumed_from_step,
    }
    tracker.log_metrics({f"tune/{key}": value for key, value in figures.items()})
    tracker.close()
    outputs = {name: output(folder / name, digest_of_folder(folder / name)) for name in names}
    return succeeded(outputs, figures)


def train(
    spec: TuneSpec,
    rows: list[Example],
    checkpoints: Path,
    trainer: Trainer,
    reporter: TrainingReporter,
) -> int:
    """Train the steps that are left, and return the step after which this attempt went on.

    On SIGTERM it ends the process after a checkpoint.
    """
    with distributed.joined():
        with distributed.failing_together():
            found = checkpoint_of(checkpoints) if distributed.is_first() else None
        resume_from = distributed.agreed(found)
        resumed_from_step = step_of(resume_from) if resume_from else 0
        if resumed_from_step >= spec.steps:
            say("The training was finished before; only its outputs are written.")
            return resumed_from_step
        if resume_from:
            say(f"Resuming after step {resumed_from_step}.")
        needed = spec.steps * spec.batch_size * spec.gradient_accumulation
        trainer.train(spec, rows[:needed], spec.base_model, checkpoints, resume_from, reporter)
        if reporter.terminated:
            say("Stopped on SIGTERM after a checkpoint.")
            sys.exit(EXIT_TERMINATED)
    return resumed_from_step


def checkpoint_of(folder: Path) -> Path | None:
    with saving(folder):
        folder.mkdir(parents=True, exist_ok=True)
        return newest_whole(folder)


def identity_of(spec: TuneSpec) -> str:
    """Names the tunes that may share checkpoints: 16 hex digits over all that decides the weights."""
    decisive = spec.model_dump(by_alias=True, exclude_none=True, exclude=NOT_IDENTITY)
    decisive["dataset"] = spec.dataset.digest
    decisive["effectiveBatch"] = spec.batch_size * spec.gradient_accumulation
    return hashlib.sha256(canonical(decisive).encode()).hexdigest()[:16]


def parameters_of(spec: TuneSpec) -> dict[str, object]:
    """The whole config as flat MLflow parameters."""
    flat: dict[str, object] = {}
    for key, value in spec.model_dump(by_alias=True, exclude_none=True).items():
        if isinstance(value, dict):
            flat.update({f"{key}.{name}": inner for name, inner in value.items()})
        elif isinstance(value, list):
            flat[key] = ",".join(str(item) for item in value)
        elif key not in ("stage", "runId"):
            flat[key] = value
    return flat


def log_dataset(tracker: Tracker, spec: TuneSpec, rows: int) -> None:
    dataset = spec.dataset
    name = Path(path_of(dataset.uri, "dataset.uri")).name
    tracker.log_dataset(name, dataset.digest, dataset.uri, "training", {"rows": rows})
