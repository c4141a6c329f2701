"""Pods of a distributed training: each is a program on this machine, with a gate that tests can act at."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from threading import Event
from typing import Any

from tuneline_jobs.__main__ import main

from .conftest import Ended
from .mlflow_server import TrackingServer


class GatedServer(TrackingServer):
    """Holds the report of one step until the test has acted in the midst of the training."""

    gate = 0

    def answer(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if self.gate and any(m.get("step", 0) == self.gate for m in body.get("metrics", [])):
            self.reached.set()
            self.open.wait()
        return super().answer(path, body)

    def stop_at(self, step: int) -> None:
        """Hold the report of this step from now on. With 0 no report is held."""
        self.gate, self.reached, self.open = step, Event(), Event()


class Pod:
    """A process with the environment of a pod of an Indexed Job.

    It is a fork of the test's process, which has imported torch already. torchrun starts a fresh
    interpreter for the process that trains.
    """

    def __init__(self, folder: Path, spec: dict[str, Any], index: int, nodes: int, port: int):
        self.termination = folder / f"outcome-{port}-{index}.json"
        self.log = folder / f"log-{port}-{index}"
        environment = {
            "PET_NNODES": str(nodes),
            "PET_NODE_RANK": str(index),
            "PET_NPROC_PER_NODE": str(2 // nodes),
            "PET_MASTER_ADDR": "127.0.0.1",
            "PET_MASTER_PORT": str(port),
            "TUNELINE_JOB": json.dumps(spec),
            "TUNELINE_TERMINATION_PATH": str(self.termination),
            # The gate holds a request for longer than MLflow's own timeout.
            "MLFLOW_HTTP_REQUEST_TIMEOUT": "600",
        }
        self.process = get_context("fork").Process(target=self.run, args=(environment,))
        self.process.start()

    def run(self, environment: dict[str, str]) -> None:
        os.environ.update(environment)
        with self.log.open("wb") as log:
            # torch's loggers write to the stderr that pytest set when torch was imported.
            for stderr in (2, sys.stderr.fileno()):
                os.dup2(log.fileno(), stderr)
        os._exit(main(["tune"]))

    def ended(self) -> Ended:
        self.process.join()
        code = self.process.exitcode
        assert code is not None
        return Ended(code, self.termination)

    def rank(self) -> int:
        """The PID of the process that trains: the child of torchrun, which is the program's child."""
        pid = self.process.pid or 0
        for _ in range(2):
            pid = int(Path(f"/proc/{pid}/task/{pid}/children").read_text())
        return pid

    def evict(self) -> None:
        """Send a SIGTERM as the kubelet does, and wait until torchrun passes it on."""
        self.process.terminate()
        while "closing signal SIGTERM" not in self.log.read_text():
            assert self.process.is_alive(), self.log.read_text()
            time.sleep(0.01)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


Act = Callable[[list[Pod]], None]


class TwoPods:
    """Runs attempts of one tune, each with two pods, and acts on the pods at a step."""

    def __init__(self, folder: Path, spec: dict[str, Any], server: GatedServer) -> None:
        self.folder, self.spec, self.server = folder, spec, server

    def attempt(self) -> list[Ended]:
        return self.interrupted(0, lambda _: None)

    def interrupted(self, step: int, act: Act) -> list[Ended]:
        """Run one attempt; `act` gets the pods while the report of `step` is held."""
        port = free_port()
        self.server.stop_at(step)
        pods = [Pod(self.folder, self.spec, index, 2, port) for index in range(2)]
        try:
            while step and not self.server.reached.wait(0.1):
                assert all(pod.process.is_alive() for pod in pods), pods[0].log.read_text()
            act(pods)
            self.server.open.set()
            return [pod.ended() for pod in pods]
        finally:
            self.server.open.set()
            for pod in pods:
                pod.process.kill()
