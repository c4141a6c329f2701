"""Checkpoints that can be trusted after a crash: one counts only with a manifest that matches it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from .outcome import say
from .storage import digests_of_files, write_json

MANIFEST = "tuneline-checkpoint.json"
PREFIX = "checkpoint-"


def seal(checkpoint: Path) -> None:
    """Declare a checkpoint whole: write the digests of its files, last and by an atomic rename."""
    (checkpoint / MANIFEST).unlink(missing_ok=True)
    write_json(checkpoint / MANIFEST, {"files": digests_of_files(checkpoint)})


def is_whole(checkpoint: Path) -> bool:
    """Whether the checkpoint was sealed and is still what it was then."""
    try:
        sealed = json.loads((checkpoint / MANIFEST).read_text())["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    found = digests_of_files(checkpoint)
    del found[MANIFEST]
    return bool(found == sealed)


def step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.removeprefix(PREFIX))


def newest_whole(folder: Path) -> Path | None:
    """The checkpoint to resume from. Broken newer ones are removed, so that none crowds out a good one."""
    found = [path for path in folder.glob(f"{PREFIX}*") if path.name[len(PREFIX) :].isdecimal()]
    for checkpoint in sorted(found, key=step_of, reverse=True):
        if is_whole(checkpoint):
            return checkpoint
        say(f"{checkpoint.name} is broken or was never finished: skipped.")
        shutil.rmtree(checkpoint)
    return None
