"""A second framework, as small as one can be, trains through the tune stage: nothing else names it."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tuneline_jobs.runtime.job_spec import typed
from tuneline_jobs.runtime.job_specs import TuneSpec
from tuneline_jobs.stages import tune
from tuneline_jobs.training.checkpoints import seal
from tuneline_jobs.training.trainer import TRAINERS, load_transformers
from tuneline_jobs.training.training_reporter import Step, TrainingReporter

from ..specs import in_folder, tune_spec

STEPS = 9


class LengthTrainer:
    """Learns one number: a running mean of how long the completions are."""

    def __init__(self, ends_at: int | None = None, by: signal.Signals | None = None) -> None:
        self.ends_at = ends_at
        self.by = by
        self.started_after: list[int] = []

    def train(
        self,
        spec: TuneSpec,
        rows: list[dict[str, Any]],
        start: str,
        checkpoints: Path,
        resume_from: Path | None,
        reporter: TrainingReporter,
    ) -> None:
        state: dict[str, Any] = {"start": start, "mean": 0.0, "history": []}
        if resume_from:
            state = json.loads((resume_from / "state.json").read_text())
        reporter.report_again(state["history"])
        self.started_after.append(len(state["history"]))
        with reporter.listening():
            for step in range(len(state["history"]) + 1, spec.steps + 1):
                length = len(rows[step - 1]["completion"])
                loss = abs(length - state["mean"])
                state["mean"] += spec.learning_rate * (length - state["mean"])
                told = {"step": step, "timestampMs": step, "loss": loss, "secondsPerStep": 0.0}
                state["history"].append(told)
                reporter.report(told)
                if step == self.ends_at and self.by:
                    os.kill(os.getpid(), self.by)
                elif step == self.ends_at:
                    raise MemoryError
                stop = reporter.must_stop()
                if stop or step in (1, spec.steps) or step % spec.checkpoint_every_steps == 0:
                    self.save(checkpoints / f"checkpoint-{step}", state)
                if stop:
                    return

    def save(self, checkpoint: Path, state: dict[str, Any]) -> None:
        checkpoint.mkdir()
        (checkpoint / "state.json").write_text(json.dumps(state))
        seal(checkpoint)

    def history(self, checkpoint: Path) -> list[Step]:
        found: list[Step] = json.loads((checkpoint / "state.json").read_text())["history"]
        return found

    def export(self, spec: TuneSpec, checkpoint: Path, folder: Path) -> list[str]:
        state = json.loads((checkpoint / "state.json").read_text())
        assert state["start"] == spec.base_model
        (folder / "model").mkdir(parents=True)
        (folder / "model" / "mean.json").write_text(json.dumps(state["mean"]))
        return ["model"]


@pytest.fixture
def spec(prepared: dict[str, str]) -> dict[str, Any]:
    return tune_spec(prepared, Path("/base")) | {"steps": STEPS, "batchSize": 1}


def run(spec: dict[str, Any], trainer: LengthTrainer) -> dict[str, Any]:
    told = typed(spec).model_copy(update={"framework": "lengths"})
    return tune.run(told, TRAINERS | {"lengths": lambda: trainer})


def test_another_framework_trains_resumes_and_exports(spec, tmp_path, mlflow_server) -> None:
    whole = run(spec | in_folder(tmp_path / "whole"), LengthTrainer())
    crashing = spec | in_folder(tmp_path / "crashed") | {"runId": mlflow_server.run_id}
    with pytest.raises(MemoryError):
        run(crashing, LengthTrainer(ends_at=5))
    again = LengthTrainer()
    resumed = run(crashing, again)
    assert again.started_after == [3]
    assert resumed["figures"]["resumedFromStep"] == 3
    assert set(resumed["outputs"]) == {"model"}
    assert resumed["outputs"]["model"]["digest"] == whole["outputs"]["model"]["digest"]
    assert [step for step, _ in mlflow_server.curve("loss")] == list(range(1, STEPS + 1))


def test_a_finished_training_is_only_exported_again(spec, tmp_path, mlflow_server) -> None:
    told = spec | in_folder(tmp_path)
    run(told, LengthTrainer())
    again = LengthTrainer()
    other = run(told | {"output": f"file://{tmp_path}/b", "runId": mlflow_server.run_id}, again)
    assert again.started_after == []
    assert other["figures"]["resumedFromStep"] == STEPS
    assert len(mlflow_server.curve("loss")) == STEPS


def test_sigterm_ends_the_job_after_a_checkpoint(spec, tmp_path) -> None:
    told = spec | in_folder(tmp_path)
    with pytest.raises(SystemExit) as ended:
        run(told, LengthTrainer(ends_at=5, by=signal.SIGTERM))
    assert ended.value.code == 143
    again = LengthTrainer()
    run(told, again)
    assert again.started_after == [5]


def test_the_framework_of_a_spec_has_its_trainer() -> None:
    assert TRAINERS["transformers"] is load_transformers
    assert load_transformers().__name__.endswith("transformers_trainer")
