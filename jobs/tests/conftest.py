"""A tiny model with a trained tokenizer, a small data set, and ways to run a stage on them."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

# Forked Jobs must not inherit a pool of threads, and tiny products gain nothing from one.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"

from tuneline_jobs.__main__ import main
from tuneline_jobs.data.prepared_dataset import digest_of_dataset
from tuneline_jobs.runtime.process import silence_libraries
from tuneline_jobs.runtime.storage import uri_of, write_json_lines
from tuneline_jobs.training.language_model import device

from .mlflow_server import TrackingServer
from .tiny_model import make_tiny_model, sentence

silence_libraries()

# What a machine lacks is no test there: a GPU, and a program that is never a dependency.
collect_ignore = [
    *([] if device() == "cuda" else ["test_gpu.py"]),
    *([] if shutil.which("garak") else ["test_garak.py"]),
]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    make_tiny_model(folder)
    return folder


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A dataset as `prepare` leaves it: 40 examples to train on and 12 held out."""
    folder = tmp_path_factory.mktemp("prepared")
    rng = random.Random(1)
    examples = [
        {
            "id": f"{number:016x}",
            "prompt": f"Summarize: {sentence(rng, 8)}",
            "completion": sentence(rng, 4),
            "group": str(number),
            "source": number + 1,
        }
        for number in range(52)
    ]
    write_json_lines(folder / "train.jsonl", examples[:40])
    write_json_lines(folder / "heldout.jsonl", examples[40:])
    return {"uri": uri_of(folder), "digest": digest_of_dataset(folder)}


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """While the block runs, a file can't grow beyond so many bytes: as on a disk that becomes full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class Ended:
    """How a Job ended: its exit code and its outcome (empty where it left none)."""

    def __init__(self, exit_code: int, termination: Path) -> None:
        self.exit_code = exit_code
        self.outcome: dict[str, Any] = (
            json.loads(termination.read_bytes()) if termination.exists() else {}
        )

    @property
    def failure(self) -> dict[str, str]:
        found: dict[str, str] = self.outcome["failure"]
        return found

    @property
    def figures(self) -> dict[str, float]:
        assert self.exit_code == 0, self.outcome
        found: dict[str, float] = self.outcome["figures"]
        return found


class JobRunner:
    """Runs stages in this process, where the libraries are loaded already."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.termination = folder / "outcome.json"
        self.monkeypatch = monkeypatch

    def __call__(self, spec: dict[str, Any]) -> Ended:
        self.termination.unlink(missing_ok=True)
        self.monkeypatch.setenv("TUNELINE_TERMINATION_PATH", str(self.termination))
        self.monkeypatch.setenv("TUNELINE_JOB", json.dumps(spec))
        return Ended(main([spec["stage"]]), self.termination)

    def fork(self, spec: dict[str, Any]) -> int:
        """Start the Job in a process of its own, which a test may kill; returns its PID."""
        pid = os.fork()
        if pid == 0:
            try:
                os._exit(self(spec).exit_code)
            except SystemExit as end:
                os._exit(int(end.code or 0))
        return pid


@pytest.fixture
def run_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    import signal

    handler = signal.getsignal(signal.SIGTERM)
    yield JobRunner(tmp_path, monkeypatch)
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def evidence_of(run_job: Any, tmp_path: Path) -> Any:
    """Runs an evaluation that has to succeed; returns its evidence."""

    def run(spec: dict[str, Any]) -> dict[str, Any]:
        ended = run_job(spec)
        assert ended.exit_code == 0, ended.outcome
        found: dict[str, Any] = json.loads((tmp_path / "out/evidence.json").read_text())
        return found

    return run


@pytest.fixture
def mlflow_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    server = TrackingServer(tmp_path / "artifacts")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    yield server
    server.close()
