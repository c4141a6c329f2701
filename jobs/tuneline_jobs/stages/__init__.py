"""The stages that `python -m tuneline_jobs STAGE` runs: one entry a stage.

Nothing here imports a stage: each is imported when it is asked for. No dataclass either: it would add
to the start of every Job.
"""

from __future__ import annotations


class Stage:
    """Where a stage's `run(spec)` is, and how it runs.

    The watchdog ends a `long` stage that makes no progress. The others take minutes, or have no steps
    to count. Several processes may share the work of a `distributed` stage.
    """

    def __init__(self, module: str, *, long: bool = False, distributed: bool = False) -> None:
        self.module = module
        self.long = long
        self.distributed = distributed


STAGES = {
    "noop": Stage("noop"),
    "explore": Stage("stages.explore"),
    "prepare": Stage("stages.prepare"),
    "tune": Stage("stages.tune", long=True, distributed=True),
    "evaluate": Stage("stages.evaluate", long=True),
}
