"""Starts a pod's processes of a distributed training with torchrun, and reports one outcome for the pod."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..runtime.outcome import EXIT_DONE, EXIT_TERMINATED, TryAgain, failed, say, write_outcome
from ..runtime.tracking import summary
from .distributed import OUTCOMES, PeerLost

# A pod may wait an hour for its node and then for its image; whoever watches the Job gives it up before this.
RENDEZVOUS_SECONDS = 7200


def start(stage: str) -> int:
    """Run the stage in this pod's processes; returns the pod's exit code.

    The agent is a child: the first process of a container is deaf to a SIGTERM that it does not
    handle, and Python handles none while torchrun waits for the other pods.
    """
    agent = os.fork()
    if agent == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os._exit(run_agent(stage))
    signal.signal(signal.SIGTERM, lambda *_: os.kill(agent, signal.SIGTERM))
    _, status = os.waitpid(agent, 0)
    return exit_code_of(os.waitstatus_to_exitcode(status))


def run_agent(stage: str) -> int:
    from torch.distributed import DistError
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    with TemporaryDirectory() as folder:
        os.environ[OUTCOMES] = folder
        try:
            torchrun(stage)
            for outcome in list(outcomes_in(folder).values())[:1]:
                write_outcome(outcome)
            return EXIT_DONE
        except SignalException:
            return EXIT_TERMINATED
        except ChildFailedError as error:
            told = outcomes_in(folder)
            codes = {rank: failure.exitcode for rank, failure in error.failures.items()}
            first = min(codes, key=lambda rank: how_secondary(codes[rank], told.get(rank)))
            if first in told:
                write_outcome(told[first])
            return exit_code_of(codes[first])
        except DistError as error:
            failure = TryAgain(f"The other nodes could not be reached: {summary(error)}")
            say(str(failure))
            write_outcome(failed(failure))
            return failure.exit_code


def torchrun(stage: str) -> None:
    from torch.distributed.run import parse_args, run

    arguments = ["--rdzv-conf", f"timeout={RENDEZVOUS_SECONDS}", "--module", "tuneline_jobs", stage]
    run(parse_args(arguments))  # type: ignore[no-untyped-call]


def exit_code_of(code: int) -> int:
    return 128 - code if code < 0 else code


def outcomes_in(folder: str) -> dict[int, dict[str, Any]]:
    """What the processes of this pod left, by their ranks, in the order of these."""
    whole = {int(path.name): path for path in Path(folder).iterdir() if path.name.isdecimal()}
    return {rank: json.loads(whole[rank].read_bytes()) for rank in sorted(whole)}


def how_secondary(exit_code: int, outcome: dict[str, Any] | None) -> int:
    """The less, the less this end follows from another process's; torchrun ends the rest with SIGTERM."""
    if outcome:
        return 2 if outcome["failure"]["class"] == PeerLost.failure_class else 0
    return 3 if exit_code_of(exit_code) == EXIT_TERMINATED else 1
