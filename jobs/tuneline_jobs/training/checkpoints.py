"""Checkpoints that can be trusted after a crash: one counts only with a manifest that matches it."""

from __future__ import annotations

import errno
import json
import shutil
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..runtime.outcome import BadSpec, JobFailure, TryAgain, say
from ..runtime.storage import digests_of_files, write_json
from ..runtime.tracking import summary

MANIFEST = "tuneline-checkpoint.json"
PREFIX = "checkpoint-"
# A full or unreachable disk may be mended; what these say stays as it is.
LASTING = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST)


@contextmanager
def saving(folder: Path) -> Iterator[None]:
    """While the block runs, what the storage refuses is told as the fault of this folder."""
    try:
        yield
    except OSError as error:
        failure = BadSpec if error.errno in LASTING else TryAgain
        reason = error.strerror or summary(error)
        raise failure(f"checkpoints: {folder} can't be written: {reason}.") from error
    except (JobFailure, MemoryError):
        raise
    except Exception as error:
        # Each library has errors of its own; of a full disk torch says "unexpected pos 576 vs 534".
        traceback.print_exception(error)
        free = shutil.disk_usage(folder).free / 2**30
        raise TryAgain(
            f"checkpoints: {folder} can't be written, with {free:.1f} GiB free: {summary(error)}."
        ) from error


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
