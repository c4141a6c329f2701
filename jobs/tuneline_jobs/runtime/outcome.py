"""How a Job ends: the exit code, and one JSON document for whoever watches it.

Standard library only, and little of it, so that a Job starts fast.
"""

from __future__ import annotations

import json
import os
import sys

DEFAULT_TERMINATION_PATH = "/dev/termination-log"
# Kubernetes cuts a termination message at 4096 bytes, which would leave broken JSON.
MAXIMUM_OUTCOME_BYTES = 4096

EXIT_DONE = 0
EXIT_CRASHED = 1
EXIT_BAD_SPEC = 64
EXIT_BAD_DATA = 65
EXIT_TRY_AGAIN = 75
EXIT_TERMINATED = 143


class JobFailure(Exception):  # noqa: N818 (a failure is a domain word here)
    """An end that was foreseen: it is told in one sentence, without a stack trace."""

    failure_class = "Unknown"
    exit_code = EXIT_CRASHED


class BadSpec(JobFailure):
    failure_class = "BadSpec"
    exit_code = EXIT_BAD_SPEC


class BadData(JobFailure):
    failure_class = "BadData"
    exit_code = EXIT_BAD_DATA


class HostOutOfMemory(JobFailure):
    failure_class = "HostOutOfMemory"


class GpuOutOfMemory(JobFailure):
    failure_class = "GpuOutOfMemory"


class TryAgain(JobFailure):
    """Something outside this Job could not be reached; the same Job may succeed later."""

    failure_class = "Unavailable"
    exit_code = EXIT_TRY_AGAIN


def succeeded(
    outputs: dict[str, dict[str, str]] | None = None,
    figures: dict[str, float] | None = None,
    **more: object,
) -> dict[str, object]:
    """The outcome of a Job that did its work; `outputs` maps a name to `{"uri", "digest"}`."""
    return {"ok": True, "outputs": outputs or {}, "figures": figures or {}, **more}


def failed(failure: JobFailure) -> dict[str, object]:
    """The outcome of a Job that did not, its message shortened until the whole fits."""
    message = str(failure)
    while True:
        outcome: dict[str, object] = {
            "ok": False,
            "failure": {"class": failure.failure_class, "message": message},
        }
        excess = len(encode(outcome)) - MAXIMUM_OUTCOME_BYTES
        if excess <= 0:
            return outcome
        # A character can take up to six bytes in JSON; cutting by less only costs another turn.
        message = message[: -max(2, excess // 6 + 2)] + "…"


def encode(outcome: dict[str, object]) -> bytes:
    return json.dumps(outcome, ensure_ascii=False, separators=(",", ":")).encode()


def write_outcome(outcome: dict[str, object]) -> None:
    """Write `outcome` where the runner looks for it, whole or not at all where that is possible."""
    path = os.environ.get("TUNELINE_TERMINATION_PATH", DEFAULT_TERMINATION_PATH)
    content = encode(outcome)
    if len(content) > MAXIMUM_OUTCOME_BYTES:
        raise ValueError(f"The outcome takes {len(content)} bytes of {MAXIMUM_OUTCOME_BYTES}.")
    if os.path.exists(path) and not os.path.isfile(path):
        # Never put a file in the place of a device: who runs as root could.
        write_file(path, content)
        return
    temporary = f"{path}.{os.getpid()}"
    try:
        write_file(temporary, content)
        os.replace(temporary, path)
    except OSError:
        # In a pod the path is itself a mount: nothing can be renamed onto it, only written into it.
        if os.path.exists(temporary):
            os.unlink(temporary)
        write_file(path, content)


def write_file(path: str, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)


def say(message: str) -> None:
    """One line for the Job's log."""
    print(message, file=sys.stderr, flush=True)
