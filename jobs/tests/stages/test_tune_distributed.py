"""Two pods train one model: an eviction stops both, and the next attempt goes on to the end."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tuneline_jobs.runtime.job_spec import typed
from tuneline_jobs.stages.tune import identity_of

from ..conftest import Ended
from ..pods import GatedServer, Pod, TwoPods
from ..specs import distributed_tune_spec, in_folder

# Many, so that a training is never over before a signal is heard.
STEPS = 40
EVICTED_AT = 5


class EvictedAndFinished(TwoPods):
    """One tune in two attempts: a pod is evicted from the first, and the second comes to the end."""

    def __init__(self, folder: Path, spec: dict[str, Any], server: GatedServer) -> None:
        super().__init__(folder, spec, server)
        self.evicted = self.interrupted(EVICTED_AT, lambda pods: pods[1].evict())
        self.finished: list[Ended] = self.attempt()


@pytest.fixture(scope="module")
def spec(tiny_model: Path, prepared: dict[str, str]) -> dict[str, Any]:
    # After step 1, an eviction alone makes a checkpoint.
    sparse = {"steps": STEPS, "checkpointEverySteps": STEPS}
    return distributed_tune_spec(prepared, tiny_model) | sparse


@pytest.fixture(scope="module")
def story(
    tmp_path_factory: pytest.TempPathFactory, spec: dict[str, Any]
) -> Iterator[EvictedAndFinished]:
    folder = tmp_path_factory.mktemp("distributed")
    server = GatedServer(folder / "artifacts")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", server.uri)
        told = spec | in_folder(folder) | {"runId": server.run_id, "nodes": 2}
        yield EvictedAndFinished(folder, told, server)
    server.close()


def test_a_pod_that_is_evicted_stops_all_after_a_checkpoint(story: EvictedAndFinished) -> None:
    assert [(pod.exit_code, pod.outcome) for pod in story.evicted] == [(143, {}), (143, {})]
    assert EVICTED_AT <= story.finished[0].figures["resumedFromStep"] < STEPS


def test_the_first_pod_alone_reports_and_leaves_outputs(story: EvictedAndFinished) -> None:
    first, second = story.finished
    assert set(first.outcome["outputs"]) == {"adapter", "model"}
    assert (second.exit_code, second.outcome) == (0, {"ok": True, "outputs": {}, "figures": {}})
    assert [step for step, _ in story.server.curve("loss")] == list(range(1, STEPS + 1))
    # Each of two attempts logged its dataset once.
    assert len(story.server.datasets) == 2


def test_the_curve_is_that_of_one_process_with_the_same_batch(story, run_job, spec, tmp_path):
    from transformers import TrainerState

    alone = spec | in_folder(tmp_path)
    assert run_job(alone).exit_code == 0
    curves = []
    for folder, told in ((story.folder, story.spec), (tmp_path, alone)):
        last = folder / "checkpoints" / identity_of(typed(told)) / f"checkpoint-{STEPS}"
        history = TrainerState.load_from_json(str(last / "trainer_state.json")).log_history
        curves.append([(e["step"], e["loss"], e["tokens"]) for e in history if "loss" in e])
    together, by_itself = ([point for entry in curve for point in entry] for curve in curves)
    assert together == pytest.approx(by_itself, rel=1e-3)


def test_a_pod_that_waits_for_the_others_ends_on_sigterm(spec, tmp_path) -> None:
    told = spec | in_folder(tmp_path) | {"nodes": 2}
    with socket.create_server(("127.0.0.1", 0)) as master:
        pod = Pod(tmp_path, told, 1, 2, master.getsockname()[1])
        master.accept()[0].close()
        pod.process.terminate()
        assert pod.ended().exit_code == 143
