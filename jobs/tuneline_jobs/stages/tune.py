"""Fine-tune a foundation model on a prepared dataset, through crashes: LoRA, resumed where it stood.

The same spec and data give the same weights on the same kind of machine.
"""

from __future__ import annotations

import hashlib
import importlib
import sys
import time
from pathlib import Path

from ..data.prepared_dataset import TRAIN, read_examples
from ..runtime.job_specs import TuneSpec
from ..runtime.outcome import EXIT_TERMINATED, say, succeeded
from ..runtime.process import (
    compute_reproducibly,
    peak_memory_gib,
    silence_libraries,
    use_best_threads,
)
from ..runtime.storage import canonical, digest_of_folder, output, output_folder, path_of
from ..runtime.tracking import Tracker, silent_tracker, stage_tracker
from ..training import distributed
from ..training.checkpoints import newest_whole, saving, step_of

# What may differ between two attempts of one tune: the rest decides what the weights will be.
# A batch halved after an out-of-memory, its accumulation doubled, goes on from the same checkpoint.
NOT_IDENTITY = {"output", "run_id", "wandb", "checkpoints", "batch_size", "gradient_accumulation"}


def run(spec: TuneSpec) -> dict[str, object]:
    """Write adapter/ and model/ to the output folder; a tune that was finished is not trained again."""
    began = time.monotonic()
    distributed.share_of(spec.batch_size, spec.gradient_accumulation)
    tracker = stage_tracker(spec) if distributed.is_first() else silent_tracker()
    tracker.log_parameters(parameters_of(spec))
    examples = read_examples(spec.dataset, TRAIN)
    log_dataset(tracker, spec, len(examples))
    checkpoints = path_of(spec.checkpoints, "checkpoints") / identity_of(spec)
    silence_libraries()
    use_best_threads()
    compute_reproducibly(spec.seed)
    training = importlib.import_module("tuneline_jobs.training.training")
    reporting = importlib.import_module("tuneline_jobs.training.training_reporter")

    with distributed.joined():
        with distributed.failing_together():
            found = checkpoint_of(checkpoints) if distributed.is_first() else None
        resume_from = distributed.agreed(found)
        resumed_from_step = step_of(resume_from) if resume_from else 0
        if resumed_from_step < spec.steps:
            if resume_from:
                say(f"Resuming after step {resumed_from_step}.")
            reporter = reporting.TrainingReporter(tracker)
            needed = spec.steps * spec.batch_size * spec.gradient_accumulation
            training.train(spec, examples[:needed], checkpoints, resume_from, reporter)
            if reporter.terminated:
                say("Stopped on SIGTERM after a checkpoint.")
                sys.exit(EXIT_TERMINATED)
        else:
            say("The training was finished before; only its outputs are written.")
    if not distributed.is_first():
        return succeeded()

    last = newest_whole(checkpoints)
    if last is None or step_of(last) < spec.steps:
        raise RuntimeError(f"The training left no whole checkpoint of step {spec.steps}.")
    history = training.history_of(last)
    if resumed_from_step == spec.steps:
        reporting.report_history(tracker, history, spec.steps)
    folder = output_folder(spec.output)
    training.write_adapter(last, folder / "adapter")
    training.write_merged(spec.base_model, folder / "adapter", folder / "model")
    seconds = time.monotonic() - began
    figures = {
        "steps": spec.steps,
        "trainLoss": sum(entry["loss"] for entry in history) / len(history),
        "seconds": round(seconds, 1),
        "peakMemoryGiB": round(peak_memory_gib(), 2),
        "gpuSeconds": round(seconds * distributed.size(), 1) if training.device() == "cuda" else 0,
        "resumedFromStep": resumed_from_step,
    }
    tracker.log_metrics({f"tune/{key}": value for key, value in figures.items()})
    tracker.close()
    outputs = {
        name: output(folder / name, digest_of_folder(folder / name))
        for name in ("adapter", "model")
    }
    return succeeded(outputs, figures)


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
