"""Run one stage of a lifecycle: `TUNELINE_JOB=JSON python -m tuneline_jobs STAGE`.

A name with a dot, such as `team.score`, is the module of an own stage: its `run(spec)` gets the spec
as it is. A stage's module is imported only when that stage is asked for, so that a small one starts
in milliseconds.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from contextlib import nullcontext

from .runtime.outcome import (
    EXIT_BAD_SPEC,
    EXIT_DONE,
    EXIT_TERMINATED,
    BadSpec,
    GpuOutOfMemory,
    HostOutOfMemory,
    JobFailure,
    failed,
    say,
    write_outcome,
)
from .runtime.watchdog import watching
from .stages import STAGES

USAGE = f"""usage: TUNELINE_JOB=JSON python -m tuneline_jobs STAGE
       python -m tuneline_jobs import-base GGUF_FOLDER DESTINATION
STAGE is one of {", ".join(STAGES)}, or the module of an own stage, such as team.score."""


def main(arguments: list[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(EXIT_TERMINATED))
    if len(arguments) == 3 and arguments[0] == "import-base":
        return import_base(arguments[1], arguments[2])
    if len(arguments) != 1 or not (arguments[0] in STAGES or "." in arguments[0]):
        say(USAGE)
        return EXIT_BAD_SPEC
    stage = STAGES.get(arguments[0])
    if stage is not None and stage.distributed:
        from .training import distributed, torchrun_agent

        if distributed.is_wanted():
            return torchrun_agent.start(arguments[0])
        distributed.take_place()
    try:
        outcome = run_stage(arguments[0])
        exit_code = EXIT_DONE
    except Exception as error:
        failure = as_failure(error)
        say(f"{failure.failure_class}: {failure}")
        outcome = failed(failure)
        exit_code = failure.exit_code
    write_outcome(outcome)
    return exit_code


def run_stage(stage: str) -> dict[str, object]:
    text = os.environ.get("TUNELINE_JOB")
    if text is None:
        raise BadSpec("TUNELINE_JOB: missing, expected the Job's spec as one JSON object.")
    if stage not in STAGES:
        return run_own_stage(stage, text)
    spec = read_checked(text, stage)
    entry = STAGES[stage]
    module = importlib.import_module(f"tuneline_jobs.{entry.module}")
    watch = watching() if entry.long else nullcontext()
    with watch:
        outcome: dict[str, object] = module.run(spec)
    return outcome


def read_checked(text: str, stage: str) -> object:
    from .runtime.job_spec import read_job_spec

    return read_job_spec(text, stage)


def run_own_stage(name: str, text: str) -> dict[str, object]:
    """Imports no JSON Schema validator: only the own stage knows what its spec holds."""
    import json

    try:
        spec = json.loads(text)
    except ValueError as error:
        raise BadSpec(f"TUNELINE_JOB: not JSON, {error}.") from None
    if not isinstance(spec, dict):
        raise BadSpec("TUNELINE_JOB: expected one JSON object.")
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise BadSpec(f"The module {name} of this stage can't be imported: {error}.") from None
    outcome: dict[str, object] = module.run(spec)
    return outcome


def as_failure(error: Exception) -> JobFailure:
    """What an error means to the runner. One that nobody foresaw also leaves its stack trace."""
    if isinstance(error, JobFailure):
        return error
    import traceback

    traceback.print_exception(error)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(error, torch.cuda.OutOfMemoryError):
        return GpuOutOfMemory(f"The GPU's memory did not suffice: {first_line(error)}")
    if isinstance(error, MemoryError):
        return HostOutOfMemory("The machine's memory did not suffice.")
    return JobFailure(f"{type(error).__name__}: {first_line(error)}")


def first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def import_base(source: str, destination: str) -> int:
    from .training.import_base import import_base as convert

    try:
        convert(source, destination)
    except JobFailure as failure:
        say(str(failure))
        return failure.exit_code
    return EXIT_DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
