from __future__ import annotations

from pathlib import Path

import pytest
import wandb

from tuneline_jobs.runtime.job_specs import TuneSpec, WandbSettings
from tuneline_jobs.runtime.storage import uri_of
from tuneline_jobs.runtime.tracking import stage_tracker

from ..wandb_record import WandbRecord


@pytest.fixture
def wandb_spec(mlflow_server, tmp_path, monkeypatch):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    for variable in ("WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR"):
        # What the mirror sets for its own Job must not outlive the test.
        monkeypatch.setenv(variable, str(tmp_path / "cache"))
    yield TuneSpec.model_construct(
        stage="tune",
        output=uri_of(tmp_path / "output"),
        run_id=mlflow_server.run_id,
        wandb=WandbSettings(project="summaries"),
    )
    # It reads the environment once in a process, and a Job has a process of its own.
    wandb.teardown()


def record_of(tmp_path: Path) -> WandbRecord:
    # What a run wrote last is on disk once W&B's own process has ended, as at the end of a Job.
    wandb.teardown()
    return WandbRecord(tmp_path / "output" / "wandb")


def test_wandb_holds_the_same_curves_under_the_same_id(
    wandb_spec, mlflow_server, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    tracker = stage_tracker(wandb_spec)
    tracker.log_parameters({"rank": 8})
    for step in range(1, 40):
        tracker.log_metrics({"loss": 4.0 / step, "learningRate": step / 1000}, step)
    tracker.log_metrics({"tune/seconds": 12.5})
    tracker.close()
    record = record_of(tmp_path)
    assert record.curves["loss"] == mlflow_server.curve("loss")
    assert len(record.curves["loss"]) == 39
    assert record.curves["learningRate"] == mlflow_server.curve("learningRate")
    assert record.summary["tune/seconds"] == 12.5
    assert record.config["rank"] == 8
    assert (record.id, record.project) == (mlflow_server.run_id, "summaries")


def test_each_names_the_other(wandb_spec, mlflow_server, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    stage_tracker(wandb_spec).close()
    record = record_of(tmp_path)
    assert record.config["mlflow.runId"] == mlflow_server.run_id
    assert record.config["mlflow.trackingUri"] == mlflow_server.uri
    assert mlflow_server.tags["tuneline.wandb_run"].endswith(f"summaries/{mlflow_server.run_id}")


def test_a_server_that_is_away_costs_the_job_nothing_but_the_sending(
    wandb_spec, mlflow_server, tmp_path, monkeypatch, capfd
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("tuneline_jobs.runtime.wandb_mirror.INIT_SECONDS", 2.0)
    tracker = stage_tracker(wandb_spec)
    tracker.log_metrics({"loss": 1.5}, 1)
    tracker.close()
    assert mlflow_server.curve("loss") == [(1, 1.5)]
    kept = [
        WandbRecord(folder) for folder in (tmp_path / "output" / "wandb").rglob("offline-run-*")
    ]
    assert [record.curves["loss"] for record in kept] == [[(1, 1.5)]]
    assert "W&B can't be reached" in capfd.readouterr().err


def test_without_a_key_the_record_is_kept_and_said_so(
    wandb_spec, tmp_path, monkeypatch, capfd
) -> None:
    monkeypatch.delenv("WANDB_MODE", raising=False)
    tracker = stage_tracker(wandb_spec)
    tracker.log_metrics({"loss": 1.5}, 1)
    tracker.close()
    assert record_of(tmp_path).curves["loss"] == [(1, 1.5)]
    assert "WANDB_API_KEY is not set" in capfd.readouterr().err


def test_unasked_for_nothing_of_it_is_there(wandb_spec, tmp_path) -> None:
    tracker = stage_tracker(wandb_spec.model_copy(update={"wandb": None}))
    tracker.log_metrics({"loss": 1.0}, 1)
    tracker.close()
    assert not (tmp_path / "output" / "wandb").exists()
