"""Two pods train one model, and one of them is killed or cannot save. `pytest -m deep` runs these."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..conftest import files_of_at_most
from ..pods import GatedServer, Pod, TwoPods, free_port
from ..specs import distributed_tune_spec, in_folder

# Each attempt starts two fresh interpreters, which import torch for 20 CPU-seconds each.
pytestmark = pytest.mark.deep

STEPS = 40


@pytest.fixture
def spec(tiny_model: Path, prepared: dict[str, str], tmp_path: Path) -> dict[str, Any]:
    common = distributed_tune_spec(prepared, tiny_model) | in_folder(tmp_path)
    return common | {"steps": STEPS, "nodes": 2}


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GatedServer]:
    server = GatedServer(tmp_path / "artifacts")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    yield server
    server.close()


def test_a_pod_that_loses_another_says_so_and_the_next_attempt_goes_on(
    tmp_path: Path, spec: dict[str, Any], server: GatedServer
) -> None:
    pods = TwoPods(tmp_path, spec | {"runId": server.run_id}, server)
    survivor, killed = pods.interrupted(20, lambda both: os.kill(both[1].rank(), signal.SIGKILL))
    assert (killed.exit_code, killed.outcome) == (137, {})
    assert survivor.exit_code == 75
    assert survivor.failure["class"] == "NodeLost"
    assert "Another process could not be reached" in survivor.failure["message"]

    first, _ = pods.attempt()
    assert first.figures["resumedFromStep"] >= 18
    assert [step for step, _ in server.curve("loss")] == list(range(1, STEPS + 1))


def test_all_pods_end_with_the_failure_of_the_one_that_cannot_save(spec, tmp_path) -> None:
    port = free_port()
    first = Pod(tmp_path, spec, 0, 2, port)
    # The second pod saves only the state of its random numbers, which needs more room than this.
    with files_of_at_most(8_000):
        second = Pod(tmp_path, spec, 1, 2, port)
    for ended in (first.ended(), second.ended()):
        assert (ended.exit_code, ended.failure["class"]) == (75, "Unavailable")
        assert f"checkpoints: {tmp_path}/checkpoints" in ended.failure["message"]
    assert "step 2/" not in first.log.read_text()
