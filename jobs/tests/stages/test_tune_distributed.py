"""Two pods of a Job as two programs on this machine: what one of them does, the other must hear of."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from multiprocessing import get_context
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tuneline_jobs.__main__ import main
from tuneline_jobs.runtime.job_spec import typed
from tuneline_jobs.runtime.outcome import BadSpec
from tuneline_jobs.stages.tune import identity_of
from tuneline_jobs.training import distributed, torchrun_agent
from tuneline_jobs.training.distributed import share_of

from ..conftest import Ended, files_of_at_most
from ..mlflow_server import TrackingServer
from ..specs import in_folder, tune_spec

# Many, so that a training is never over before a signal is heard.
STEPS = 40


class GatedServer(TrackingServer):
    """Holds the report of one step until the test has done something in the midst of the training."""

    gate = 0

    def answer(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if self.gate and any(m.get("step", 0) == self.gate for m in body.get("metrics", [])):
            self.reached.set()
            self.open.wait()
        return super().answer(path, body)

    def stop_at(self, step: int) -> None:
        self.gate, self.reached, self.open = step, Event(), Event()


class Pod:
    """A process that is told what a pod of an Indexed Job is told.

    It is a fork of this one, which has imported torch already. torchrun starts a fresh interpreter for
    the process that trains.
    """

    def __init__(self, folder: Path, spec: dict[str, Any], index: int, nodes: int, port: int):
        self.termination = folder / f"outcome-{port}-{index}.json"
        self.log = folder / f"log-{port}-{index}"
        said = {
            "PET_NNODES": str(nodes),
            "PET_NODE_RANK": str(index),
            "PET_NPROC_PER_NODE": str(2 // nodes),
            "PET_MASTER_ADDR": "127.0.0.1",
            "PET_MASTER_PORT": str(port),
            "TUNELINE_JOB": json.dumps(spec),
            "TUNELINE_TERMINATION_PATH": str(self.termination),
            # The gate holds longer than a stage would wait.
            "MLFLOW_HTTP_REQUEST_TIMEOUT": "600",
        }
        self.process = get_context("fork").Process(target=self.run, args=(said,))
        self.process.start()

    def run(self, said: dict[str, str]) -> None:
        os.environ.update(said)
        with self.log.open("wb") as log:
            # The second is where torch's loggers write since pytest captured its import.
            for stderr in (2, sys.stderr.fileno()):
                os.dup2(log.fileno(), stderr)
        os._exit(main(["tune"]))

    def ended(self) -> Ended:
        self.process.join()
        code = self.process.exitcode
        assert code is not None
        return Ended(code, self.termination)

    def rank(self) -> int:
        """The process that trains: the child of torchrun, which is the program's child."""
        pid = self.process.pid or 0
        for _ in range(2):
            pid = int(Path(f"/proc/{pid}/task/{pid}/children").read_text())
        return pid

    def wait_until_it_says(self, text: str) -> None:
        while text not in self.log.read_text():
            assert self.process.is_alive(), self.log.read_text()
            time.sleep(0.01)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Story:
    """One tune in three attempts: a pod is evicted, a process is killed, and it comes to its end."""

    def __init__(self, folder: Path, spec: dict[str, Any], server: GatedServer) -> None:
        self.folder, self.spec, self.server = folder, spec, server
        self.evicted = self.attempt(5, lambda pods: self.evict(pods[1]))
        self.killed = self.attempt(20, lambda pods: os.kill(pods[1].rank(), signal.SIGKILL))
        self.finished = self.attempt(0)

    def attempt(self, gate: int, act: Any = None) -> list[Ended]:
        port = free_port()
        self.server.stop_at(gate)
        pods = [Pod(self.folder, self.spec, index, 2, port) for index in range(2)]
        try:
            if act:
                while not self.server.reached.wait(0.1):
                    assert all(pod.process.is_alive() for pod in pods), pods[0].log.read_text()
                act(pods)
            self.server.open.set()
            return [pod.ended() for pod in pods]
        finally:
            self.server.open.set()
            for pod in pods:
                pod.process.kill()

    def evict(self, pod: Pod) -> None:
        pod.process.terminate()
        pod.wait_until_it_says("closing signal SIGTERM")


@pytest.fixture(scope="module")
def spec(tiny_model: Path, prepared: dict[str, str]) -> dict[str, Any]:
    return tune_spec(prepared, tiny_model) | {
        "steps": STEPS,
        "batchSize": 4,
        # Each process drops by random numbers of its own.
        "dropout": 0,
    }


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, spec: dict[str, Any]) -> Any:
    folder = tmp_path_factory.mktemp("distributed")
    server = GatedServer(folder / "artifacts")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", server.uri)
        yield Story(folder, spec | in_folder(folder) | {"runId": server.run_id, "nodes": 2}, server)
    server.close()


def test_a_pod_that_is_evicted_stops_all_after_a_checkpoint(story: Story) -> None:
    assert [(pod.exit_code, pod.outcome) for pod in story.evicted] == [(143, {}), (143, {})]


def test_a_pod_that_loses_another_ends_and_says_so(story: Story) -> None:
    survivor, killed = story.killed
    assert (killed.exit_code, killed.outcome) == (137, {})
    assert survivor.exit_code == 75
    assert survivor.failure["class"] == "NodeLost"
    assert "Another process could not be reached" in survivor.failure["message"]


def test_the_first_alone_hands_on_what_was_learned(story: Story) -> None:
    first, second = story.finished
    assert set(first.outcome["outputs"]) == {"adapter", "model"}
    assert first.figures["resumedFromStep"] >= 18
    assert (second.exit_code, second.outcome) == (0, {"ok": True, "outputs": {}, "figures": {}})
    assert [step for step, _ in story.server.curve("loss")] == list(range(1, STEPS + 1))
    # Each of three attempts named its data, once.
    assert len(story.server.datasets) == 3


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


def test_what_one_process_cannot_save_all_end_with(spec, tmp_path) -> None:
    told, port = spec | in_folder(tmp_path) | {"nodes": 2}, free_port()
    first = Pod(tmp_path, told, 0, 2, port)
    # The state of its random numbers, all that the second one writes, takes more.
    with files_of_at_most(8_000):
        second = Pod(tmp_path, told, 1, 2, port)
    for ended in (first.ended(), second.ended()):
        assert (ended.exit_code, ended.failure["class"]) == (75, "Unavailable")
        assert f"checkpoints: {tmp_path}/checkpoints" in ended.failure["message"]
    assert "step 2/" not in first.log.read_text()


def test_one_that_waits_for_the_others_hears_that_it_is_to_end(spec, tmp_path) -> None:
    told = spec | in_folder(tmp_path) | {"nodes": 2}
    with socket.create_server(("127.0.0.1", 0)) as master:
        pod = Pod(tmp_path, told, 1, 2, master.getsockname()[1])
        master.accept()[0].close()
        pod.process.terminate()
        assert pod.ended().exit_code == 143


def test_others_that_never_come_are_no_mishap_of_a_node(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(torchrun_agent, "RENDEZVOUS_SECONDS", 1)
    monkeypatch.setenv(distributed.OUTCOMES, "")
    monkeypatch.setenv("TUNELINE_TERMINATION_PATH", str(tmp_path / "outcome.json"))
    for name, value in (("NNODES", "2"), ("NODE_RANK", "1"), ("MASTER_ADDR", "127.0.0.1")):
        monkeypatch.setenv(f"PET_{name}", value)
    monkeypatch.setenv("PET_MASTER_PORT", str(free_port()))
    ended = Ended(torchrun_agent.run_agent("tune"), tmp_path / "outcome.json")
    assert (ended.exit_code, ended.failure["class"]) == (75, "Unavailable")


@pytest.mark.parametrize(
    ("batch", "accumulation", "processes", "share"),
    [
        (4, 3, 1, (4, 3)),
        (4, 2, 2, (4, 1)),
        (4, 1, 2, (2, 1)),
        (4, 3, 2, (3, 2)),
        (1, 8, 8, (1, 1)),
        (5, 6, 3, (5, 2)),
    ],
)
def test_all_together_make_the_batch_of_the_spec(
    monkeypatch, batch, accumulation, processes, share
) -> None:
    monkeypatch.setenv("WORLD_SIZE", str(processes))
    assert share_of(batch, accumulation) == share
    assert share[0] * share[1] * processes == batch * accumulation


@pytest.mark.parametrize(
    ("batch", "accumulation", "processes", "fitting"),
    [(3, 1, 2, "2 or 4"), (1, 3, 8, "8"), (5, 2, 8, "4 or 8")],
)
def test_a_batch_that_cannot_be_shared_is_a_bad_spec(
    monkeypatch, batch, accumulation, processes, fitting
) -> None:
    monkeypatch.setenv("WORLD_SIZE", str(processes))
    with pytest.raises(BadSpec) as refused:
        share_of(batch, accumulation)
    assert str(refused.value) == (
        f"batchSize: {batch} × gradientAccumulation {accumulation} can't be shared by {processes} "
        f"processes; {fitting} would do."
    )


def test_of_the_processes_of_a_pod_the_one_that_failed_by_itself_is_told() -> None:
    def told(failure_class: str) -> dict[str, Any]:
        return {"ok": False, "failure": {"class": failure_class}}

    ends = [(1, told("GpuOutOfMemory")), (-9, None), (75, told("NodeLost")), (-15, None)]
    assert [torchrun_agent.how_secondary(*end) for end in ends] == [0, 1, 2, 3]
    assert torchrun_agent.how_secondary(143, None) == 3
