from __future__ import annotations

import time

import pytest

from tuneline_jobs.runtime.outcome import BadSpec, TryAgain
from tuneline_jobs.runtime.tracking import PATIENCE_SECONDS, Tracker


def test_writes_everything_a_stage_has_to_say(mlflow_server, tmp_path) -> None:
    tracker = Tracker(mlflow_server.run_id, PATIENCE_SECONDS)
    tracker.log_parameters({f"p{number}": number for number in range(150)})
    tracker.log_metrics({"loss": 2.5}, step=3, timestamp_ms=1700000000000)
    tracker.log_dataset("rows", "sha256:" + "a" * 64, "file:///rows.csv", "training", {"rows": 9})
    (tmp_path / "evidence.json").write_text("{}")
    tracker.log_artifact(tmp_path / "evidence.json")
    tracker.close()
    assert len(mlflow_server.params) == 150
    assert mlflow_server.metrics == [
        {"key": "loss", "value": 2.5, "timestamp": 1700000000000, "step": 3}
    ]
    (logged,) = mlflow_server.datasets
    assert logged["dataset"]["digest"] == "a" * 36
    assert logged["tags"] == [{"key": "mlflow.data.context", "value": "training"}]
    assert (mlflow_server.artifacts / "evidence.json").read_text() == "{}"


def test_more_points_than_one_batch_takes_all_arrive(mlflow_server) -> None:
    tracker = Tracker(mlflow_server.run_id, PATIENCE_SECONDS)
    for step in range(2500):
        tracker.log_metrics({"loss": step / 2}, step)
    tracker.close()
    assert mlflow_server.curve("loss") == [(step, step / 2) for step in range(2500)]


def test_points_wait_while_the_server_is_away_and_arrive_in_order(mlflow_server) -> None:
    tracker = Tracker(mlflow_server.run_id, PATIENCE_SECONDS)
    mlflow_server.refuses = 503
    for step in range(5):
        tracker.log_metrics({"loss": float(step)}, step)
        tracker.flush()
    assert tracker.pending() == 5
    # One attempt only: training must not wait for a server that is away.
    assert mlflow_server.requests == 1
    mlflow_server.refuses = None
    tracker.retry_at = 0.0
    tracker.flush()
    assert tracker.pending() == 0
    assert [m["step"] for m in mlflow_server.metrics if m.get("step")] == [1, 2, 3, 4]


def test_nothing_listening_costs_no_time(monkeypatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    tracker = Tracker("any", patience_seconds=0.3)
    began = time.monotonic()
    tracker.log_metrics({"loss": 1.0})
    tracker.flush()
    assert time.monotonic() - began < 2
    with pytest.raises(TryAgain, match="MLflow could not be reached"):
        tracker.close()


def test_an_answer_that_waiting_cannot_mend_is_a_bad_spec(mlflow_server) -> None:
    mlflow_server.refuses = 404
    tracker = Tracker(mlflow_server.run_id, PATIENCE_SECONDS)
    tracker.log_metrics({"loss": 1.0})
    with pytest.raises(BadSpec, match="runId"):
        tracker.flush()


def test_without_a_run_nothing_is_written(monkeypatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    tracker = Tracker(None, PATIENCE_SECONDS)
    tracker.log_metrics({"loss": 1.0})
    tracker.log_parameters({"a": 1})
    tracker.close()
    assert tracker.points == []
