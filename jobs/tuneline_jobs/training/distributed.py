"""Several processes that train one model: torchrun around the same program in each pod of an Indexed Job.

Who is who comes in torchrun's own variables, `PET_NNODES`, `PET_NODE_RANK`, `PET_MASTER_ADDR`,
`PET_MASTER_PORT` and `PET_NPROC_PER_NODE`; without them a process is alone, and first.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..runtime.outcome import BadSpec, JobFailure, TryAgain
from ..runtime.tracking import summary
from ..runtime.watchdog import LIMIT_SECONDS

# Where the processes of one pod leave their outcomes: the pod's own has room for one.
OUTCOMES = "TUNELINE_RANK_OUTCOMES"
# The watchdog comes first: it says what every thread is doing.
COLLECTIVE_SECONDS = 2 * LIMIT_SECONDS

worked_together = threading.Event()


class PeerLost(TryAgain):
    """Another process ended or is out of reach. Its own outcome has the reason."""

    failure_class = "NodeLost"


def is_wanted() -> bool:
    """Whether this process starts torchrun in place of doing the work itself."""
    processes = int(os.environ.get("PET_NNODES", "1")) * int(
        os.environ.get("PET_NPROC_PER_NODE", "1")
    )
    return processes > 1 and OUTCOMES not in os.environ


def take_place() -> None:
    """Leave this process's outcome to whoever started it, who picks the pod's."""
    if OUTCOMES in os.environ:
        os.environ["TUNELINE_TERMINATION_PATH"] = os.path.join(os.environ[OUTCOMES], str(rank()))


def rank() -> int:
    return int(os.environ.get("RANK", "0"))


def size() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Whether this process speaks for all: MLflow, checkpoints and outputs are its own business."""
    return rank() == 0


def is_first_here() -> bool:
    """Whether this process speaks for its pod, which has a log of its own."""
    return os.environ.get("LOCAL_RANK", "0") == "0"


@contextmanager
def joined() -> Iterator[None]:
    """While the block runs, the processes can agree with each other. Raises PeerLost if one is lost."""
    if size() == 1:
        yield
        return
    from datetime import timedelta

    import torch

    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    try:
        # Without a name: gloo for what is in the machine's memory, NCCL for what is in a GPU's.
        torch.distributed.init_process_group(timeout=timedelta(seconds=COLLECTIVE_SECONDS))
        yield
    except RuntimeError as error:
        if not isinstance(error, torch.distributed.DistError) and "gloo" not in str(error):
            raise
        # Those that never worked together may not be able to: that is no mishap of a node.
        failure = PeerLost if worked_together.is_set() else TryAgain
        raise failure(f"Another process could not be reached: {summary(error)}") from error
    # Not after an error: it would wait for those that are gone.
    torch.distributed.destroy_process_group()


def agreed(value: Any, source: int = 0) -> Any:
    """The value that one process has: the first, if no other is named."""
    if size() == 1:
        return value
    import torch

    held = [value]
    # Named, for otherwise it would go through a GPU.
    torch.distributed.broadcast_object_list(held, source, device=torch.device("cpu"))
    return held[0]


def any_of(flag: bool) -> bool:
    """Whether it is so in any of the processes; all of them come here before any goes on."""
    if size() == 1:
        return flag
    import torch

    flags = torch.tensor(int(flag))
    torch.distributed.all_reduce(flags, torch.distributed.ReduceOp.MAX)
    worked_together.set()
    return bool(flags)


@contextmanager
def failing_together() -> Iterator[None]:
    """All leave the block together, with the failure of the first in rank that has one."""
    failure = None
    try:
        yield
    except JobFailure as error:
        failure = error
    if size() > 1:
        import torch

        teller = torch.tensor(rank() if failure else size())
        torch.distributed.all_reduce(teller, torch.distributed.ReduceOp.MIN)
        failure = agreed(failure, int(teller)) if teller < size() else None
    if failure:
        raise failure


def share_of(batch: int, accumulation: int) -> tuple[int, int]:
    """A process's micro-batch and accumulation, with which all make the effective batch of the spec.

    The micro-batch is the largest that is no larger than the spec's and fits a whole number of times.
    """
    processes = size()
    share, rest = divmod(batch * accumulation, processes)
    if rest:
        unit = processes // math.gcd(accumulation, processes)
        fitting = [n for n in (batch // unit * unit, (batch // unit + 1) * unit) if n > 0]
        raise BadSpec(
            f"batchSize: {batch} × gradientAccumulation {accumulation} can't be shared by "
            f"{processes} processes; {' or '.join(map(str, fitting))} would do."
        )
    micro = max(n for n in range(1, min(batch, share) + 1) if share % n == 0)
    return micro, share // micro
