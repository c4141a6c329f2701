from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

JOBS = Path(__file__).parents[1]


def run_own_stage(
    module: str, spec: str, termination: Path, *flags: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *flags, "-m", "tuneline_jobs", module],
        cwd=JOBS,
        env={"TUNELINE_JOB": spec, "TUNELINE_TERMINATION_PATH": str(termination)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_runs_an_own_stage_by_its_module_and_leaves_no_other_file(tmp_path: Path) -> None:
    termination = tmp_path / "outcome.json"
    done = run_own_stage("bench.noop", '{"stage": "noop-1", "passed": 6}', termination)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert json.loads(termination.read_text()) == {
        "ok": True,
        "outputs": {},
        "figures": {"passed": 7},
    }
    assert list(tmp_path.iterdir()) == [termination]


def test_an_own_stage_imports_nothing_beyond_the_standard_library(tmp_path: Path) -> None:
    code = (
        "import json, sys; from tuneline_jobs.__main__ import main; main(['bench.noop']);"
        "print(json.dumps(sorted(sys.modules)))"
    )
    # -S leaves out what site-packages itself loads at start.
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd=JOBS,
        env={"TUNELINE_JOB": "{}", "TUNELINE_TERMINATION_PATH": str(tmp_path / "outcome")},
        capture_output=True,
        check=True,
    )
    tops = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert tops - sys.stdlib_module_names - {"__main__"} == {"bench", "tuneline_jobs"}
    assert not tops & {"asyncio", "typing", "dataclasses", "pathlib", "traceback", "urllib"}


def test_refuses_a_spec_of_an_own_stage_that_is_no_object(tmp_path: Path) -> None:
    termination = tmp_path / "outcome.json"
    assert run_own_stage("bench.noop", "[1]", termination).returncode == 64
    assert json.loads(termination.read_text())["failure"] == {
        "class": "BadSpec",
        "message": "TUNELINE_JOB: expected one JSON object.",
    }


def test_names_a_module_that_is_not_there(tmp_path: Path) -> None:
    termination = tmp_path / "outcome.json"
    assert run_own_stage("team.nowhere", "{}", termination).returncode == 64
    assert "team.nowhere" in json.loads(termination.read_text())["failure"]["message"]
