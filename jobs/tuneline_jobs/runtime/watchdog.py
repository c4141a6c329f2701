"""Ends a stage that finishes nothing any more: a hung collective burns GPUs for days without an error.

What counts is finished work, never the load: a hang among GPUs keeps them at 100 %.
"""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .outcome import EXIT_CRASHED, JobFailure, failed, say, write_outcome

# Loading a large model from slow storage finishes nothing for a long time; a step takes seconds.
LIMIT_SECONDS = 1800.0
# Counted in ticks, for a process that was frozen with its container has not stalled.
TICKS = 60

progress = threading.Event()


class Stalled(JobFailure):
    failure_class = "Stalled"


def work_was_finished() -> None:
    """To be called after each step, batch or whatever a stage is made of."""
    progress.set()


@contextmanager
def watching(limit_seconds: float = LIMIT_SECONDS) -> Iterator[None]:
    """While the block runs, the process ends as Stalled if nothing is finished for so long."""
    over = threading.Event()
    thread = threading.Thread(target=watch, args=(limit_seconds, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def watch(limit_seconds: float, over: threading.Event) -> None:
    idle_ticks = 0
    while idle_ticks < TICKS:
        if over.wait(limit_seconds / TICKS):
            return
        idle_ticks = 0 if progress.is_set() else idle_ticks + 1
        progress.clear()
    say(f"Stalled: nothing was finished for {limit_seconds:g} s. What every thread is doing:")
    faulthandler.dump_traceback(file=sys.stderr)
    write_outcome(failed(Stalled(f"Nothing was finished for {limit_seconds:g} s.")))
    # The main thread hangs: nothing else would end it.
    os._exit(EXIT_CRASHED)
