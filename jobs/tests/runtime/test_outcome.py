from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch

from tuneline_jobs.__main__ import as_failure
from tuneline_jobs.runtime.outcome import (
    MAXIMUM_OUTCOME_BYTES,
    BadData,
    encode,
    failed,
    succeeded,
    write_outcome,
)


@pytest.mark.parametrize("character", ["a", "é", "語", "🦙", '"', "\x01"])
def test_a_failure_always_fits(character: str) -> None:
    content = encode(failed(BadData(character * 9000)))
    assert len(content) <= MAXIMUM_OUTCOME_BYTES
    message = json.loads(content)["failure"]["message"]
    assert message.startswith(character * 500)
    assert message.endswith("…")


def test_a_short_message_is_kept_as_it_is() -> None:
    assert failed(BadData("Row 3 is empty.")) == {
        "ok": False,
        "failure": {"class": "BadData", "message": "Row 3 is empty."},
    }


@pytest.mark.parametrize(
    ("error", "failure_class", "exit_code"),
    [
        (MemoryError(), "HostOutOfMemory", 1),
        (torch.cuda.OutOfMemoryError("CUDA out of memory."), "GpuOutOfMemory", 1),
        (ZeroDivisionError("division by zero"), "Unknown", 1),
        (BadData("…"), "BadData", 65),
    ],
)
def test_every_error_has_a_class(error: Exception, failure_class: str, exit_code: int) -> None:
    failure = as_failure(error)
    assert (failure.failure_class, failure.exit_code) == (failure_class, exit_code)


def test_a_crash_leaves_its_stack_trace_and_a_user_s_mistake_does_not(capsys) -> None:
    as_failure(BadData("Row 3 is empty."))
    assert capsys.readouterr().err == ""
    assert str(as_failure(ValueError("first\nsecond"))) == "ValueError: first"
    assert "ValueError: first" in capsys.readouterr().err


def test_writes_into_a_path_that_nothing_can_be_renamed_onto(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A name of the greatest length: the temporary file beside it can't be made.
    termination = tmp_path / ("n" * 255)
    monkeypatch.setenv("TUNELINE_TERMINATION_PATH", str(termination))
    write_outcome(succeeded())
    assert json.loads(termination.read_text()) == succeeded()


def test_a_device_is_written_into_and_never_replaced(tmp_path: Path, monkeypatch) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    monkeypatch.setenv("TUNELINE_TERMINATION_PATH", str(pipe))
    write_outcome(succeeded())
    assert json.loads(os.read(reader, 4096))["ok"] is True
    assert pipe.is_fifo()
    os.close(reader)


def test_never_writes_more_than_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNELINE_TERMINATION_PATH", str(tmp_path / "outcome.json"))
    with pytest.raises(ValueError, match="4096"):
        write_outcome(succeeded(value="x" * 5000))
    assert not list(tmp_path.iterdir())
