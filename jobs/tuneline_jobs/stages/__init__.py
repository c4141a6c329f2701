"""The stages that `python -m tuneline_jobs STAGE` runs: one entry a stage.

The entries come from the stage table of the TypeScript side, which writes `stages.json`.
Nothing here imports a stage: each is imported when it is asked for. A dataclass or a pathlib.Path would
add to the start of every Job.
"""

from __future__ import annotations

import json
import os


class Stage:
    """Where a stage's `run(spec)` is, and how it runs.

    The watchdog ends a `long` stage that makes no progress. The others take minutes, or have no steps
    to count. Several processes may share the work of a `distributed` stage.
    """

    def __init__(self, module: str, *, long: bool = False, distributed: bool = False) -> None:
        self.module = module
        self.long = long
        self.distributed = distributed


TABLE = os.path.join(os.path.dirname(__file__), "stages.json")

with open(TABLE, encoding="utf-8") as file:
    STAGES = {name: Stage(**entry) for name, entry in json.load(file).items()}
