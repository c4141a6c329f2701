"""The watchdog ends the whole process, so each test gives it one of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path


def run_program(program: str, outcome: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "import time\nfrom tuneline_jobs.runtime.watchdog import *\n" + program,
        ],
        env={**os.environ, "TUNELINE_TERMINATION_PATH": str(outcome)},
        capture_output=True,
        text=True,
    )


def test_a_stage_that_hangs_is_ended_and_its_stacks_are_in_the_log(tmp_path: Path) -> None:
    outcome = tmp_path / "outcome.json"
    hang = "def waits_for_ever():\n  time.sleep(3600)\nwith watching(0.6):\n  waits_for_ever()"
    ended = run_program(hang, outcome)
    assert ended.returncode == 1
    assert json.loads(outcome.read_text()) == {
        "ok": False,
        "failure": {"class": "Stalled", "message": "Nothing was finished for 0.6 s."},
    }
    assert "waits_for_ever" in ended.stderr


def test_a_stage_that_finishes_something_is_left_alone(tmp_path: Path) -> None:
    # Longer than the limit in all, with a wide margin in each step.
    works = "with watching(3):\n  for _ in range(8):\n    time.sleep(0.5)\n    work_was_finished()"
    assert run_program(works, tmp_path / "outcome.json").returncode == 0


def test_nothing_watches_after_the_block(tmp_path: Path) -> None:
    assert run_program("with watching(0.3):\n  pass\ntime.sleep(1)", tmp_path / "o").returncode == 0
