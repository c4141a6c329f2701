from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

JOBS = Path(__file__).parents[1]


def test_passes_its_input_on(run_job) -> None:
    ended = run_job({"stage": "noop", "input": {"any": ["thing", 1]}})
    assert ended.exit_code == 0
    assert ended.outcome == {
        "ok": True,
        "outputs": {},
        "figures": {},
        "value": {"any": ["thing", 1]},
    }


def test_imports_nothing_beyond_the_standard_library(tmp_path) -> None:
    code = (
        "import json, sys; from tuneline_jobs.__main__ import main; main(['noop']);"
        "print(json.dumps(sorted(sys.modules)))"
    )
    # -S: what site-packages itself loads at start is not this package's doing.
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd=JOBS,
        env={
            "TUNELINE_JOB": '{"stage":"noop"}',
            "TUNELINE_TERMINATION_PATH": str(tmp_path / "outcome"),
        },
        capture_output=True,
        check=True,
    )
    tops = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert tops - sys.stdlib_module_names - {"__main__"} == {"tuneline_jobs"}
    assert not tops & {"asyncio", "typing", "dataclasses", "pathlib", "traceback", "urllib"}


def test_refuses_an_input_that_no_termination_message_holds(run_job) -> None:
    ended = run_job({"stage": "noop", "input": "x" * 5000})
    assert ended.exit_code == 64
    assert ended.failure["class"] == "BadSpec"
    assert "4096 fit" in ended.failure["message"]


def test_a_job_of_its_own_process_leaves_its_outcome_and_no_other_file(tmp_path: Path) -> None:
    termination = tmp_path / "outcome.json"
    done = subprocess.run(
        [sys.executable, "-m", "tuneline_jobs", "noop"],
        cwd=JOBS,
        env={
            "TUNELINE_JOB": '{"stage":"noop","input":7}',
            "TUNELINE_TERMINATION_PATH": str(termination),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert json.loads(termination.read_text())["value"] == 7
    assert list(tmp_path.iterdir()) == [termination]
