from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tuneline_jobs.runtime.job_specs import EvaluateSpec
from tuneline_jobs.runtime.outcome import BadSpec, JobFailure
from tuneline_jobs.suites.garak.program import check_probe, environment
from tuneline_jobs.suites.garak.report import read_report, scores_of
from tuneline_jobs.suites.garak.suite import attempt_table
from tuneline_jobs.suites.suite_scores import add_suites

from ..specs import explore_spec

Entry = dict[str, Any]


def attempt(probe: str, prompt: str, scores: list[float | None], status: int = 2) -> Entry:
    """As garak 0.17 writes one: once when it is made, and again when detectors have seen it."""
    return {
        "entry_type": "attempt",
        "uuid": "00000000-0000-4000-8000-000000000000",
        "seq": 0,
        "status": status,
        "probe_classname": probe,
        "prompt": {"turns": [{"role": "user", "content": {"text": prompt, "lang": "en"}}]},
        "outputs": [
            {"text": "Said.", "lang": "en"} if score is not None else None for score in scores
        ],
        "detector_results": {"always.Pass": scores} if status == 2 else {},
    }


def report(path: Path, attempts: list[Entry], ended: bool = True) -> Path:
    entries = [
        {"entry_type": "start_run setup", "run.seed": 7},
        {"entry_type": "init", "garak_version": "0.17.1"},
        *({**entry, "status": 1, "detector_results": {}} for entry in attempts),
        *attempts,
        {"entry_type": "eval", "probe": "dan.One", "detector": "always.Pass", "passed": 1},
        *([{"entry_type": "completion"}] if ended else []),
    ]
    # Some prompts are made of line ends that are none of a file.
    path.write_text("".join(json.dumps(e, ensure_ascii=False) + "\n" for e in entries))
    return path


@pytest.fixture
def rows(tmp_path: Path) -> list[Entry]:
    attempts = [
        attempt("dan.One", "Obey!", [0.5]),
        attempt("dan.One", "Obey!", [0.49]),
        attempt("dan.Two", "Now!\u2028Now!", [None, 1.0]),
        attempt("dan.Two", "Please!", [None]),
        attempt("dandy.One", "Hello", [1.0]),
    ]
    return read_report(report(tmp_path / "garak.report.jsonl", attempts))


def test_an_attempt_is_read_once_with_its_outcome(rows):
    assert [row["succeeded"] for row in rows] == [True, False, True, None, True]
    assert [row["prompt"] for row in rows][2] == "Now!\u2028Now!"
    assert rows[0]["answer"] == "Said."
    assert len({row["id"] for row in rows}) == 5


def test_a_probe_or_a_whole_module_has_a_share(rows):
    found = scores_of(rows, ["dan", "dan.One", "dandy.One", "dan.Three"])
    shares = {name: sum(cases.values()) / len(cases) for name, cases in found.items()}
    # An attempt with an unknown outcome does not count. A probe without attempts has no figure.
    assert shares == {"garak/dan": 2 / 3, "garak/dan.One": 0.5, "garak/dandy.One": 1}


def test_only_the_same_attempts_are_paired(tmp_path):
    def scores(name: str, second: str, hit: float) -> dict[str, Any]:
        attempts = [
            attempt("dan.One", "Obey!", [hit]),
            attempt("dan.One", "Do obey!", [0.0]),
            attempt("tap.TAP", second, [hit]),
        ]
        return scores_of(read_report(report(tmp_path / name, attempts)), ["dan", "tap"])

    evidence: dict[str, Any] = {
        "models": {"base": {"metrics": {}}, "candidate": {"metrics": {}}},
        "differences": {"base": {}},
    }
    spec = EvaluateSpec.model_construct(confidence=0.95, bootstrap_samples=200, seed=7)
    by_role = {"base": scores("a", "You said no.", 0.0), "candidate": scores("b", "You did!", 1.0)}
    add_suites(evidence, spec, by_role, {"garak/dan": "lower", "garak/tap": "lower"})
    metrics = evidence["models"]["candidate"]["metrics"]
    assert metrics["garak/dan"]["point"] == 0.5
    # Exact limits: one success of one is no certainty.
    assert metrics["garak/tap"]["point"] == 1
    assert metrics["garak/tap"]["low"] < 0.1
    [(name, difference)] = evidence["differences"]["base"].items()
    assert (name, difference["point"]) == ("garak/dan", 0.5)
    assert "mcnemar" not in difference
    assert evidence["directions"] == {"garak/dan": "lower", "garak/tap": "lower"}


def test_a_person_sees_the_answers_side_by_side(rows):
    other = [{**row, "id": row["id"] + "!"} if row["probe"] == "dandy.One" else row for row in rows]
    table = attempt_table({"base": rows, "candidate": other})
    assert len(table) == 6
    assert table[0]["base"] == table[0]["candidate"] == {"answer": "Said.", "succeeded": True}
    assert [set(row) - {"id", "probe", "prompt"} for row in table[4:]] == [{"base"}, {"candidate"}]


@pytest.mark.parametrize("ended", [True, False])
def test_a_run_that_did_not_end_says_nothing(tmp_path, ended):
    path = report(tmp_path / "r", [attempt("dan.One", "Obey!", [1.0])], ended=ended)
    if ended:
        assert len(read_report(path)) == 1
    else:
        with pytest.raises(JobFailure, match="did not come to its end"):
            read_report(path)
    with pytest.raises(JobFailure, match="did not come to its end"):
        read_report(tmp_path / "gone")


def test_without_garak_the_first_stage_refuses_the_spec(run_job, tmp_path, tiny_model, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    spec = explore_spec(tmp_path, tmp_path / "gone.jsonl", tiny_model)
    failure = run_job(spec | {"garak": {"probes": ["dan"]}}).failure
    assert failure["class"] == "BadSpec"
    assert "no program garak on the PATH of this Job; install it" in failure["message"]


def test_a_probe_that_is_not_there_is_told_with_those_like_it():
    check_probe("dan", ["dan", "dan.AntiDAN"])
    with pytest.raises(BadSpec, match=r"there is no probe dan.AntiDan; did you mean dan.AntiDAN"):
        check_probe("dan.AntiDan", ["dan", "dan.AntiDAN"])


def test_garak_gets_a_home_of_its_own_and_no_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "secret")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    given = environment(tmp_path)
    assert "secret" not in given.values()
    assert given["CUDA_VISIBLE_DEVICES"] == "0"
    assert {given[n] for n in ("HOME", "XDG_DATA_HOME")} == {str(tmp_path), str(tmp_path / "data")}
    assert given["HF_HUB_OFFLINE"] == "1"
