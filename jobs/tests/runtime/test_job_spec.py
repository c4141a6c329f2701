from __future__ import annotations

import json
from typing import Any

import pytest

from tuneline_jobs.runtime.job_spec import read_job_spec
from tuneline_jobs.runtime.job_specs import ExploreSpec
from tuneline_jobs.runtime.outcome import BadSpec


def explore_spec(**changes: Any) -> dict[str, Any]:
    return {
        "stage": "explore",
        "output": "file:///out",
        "data": {"uri": "file:///rows.csv", "input": ["text"], "target": "title"},
        "baseModel": "org/name",
        "maxTokens": 128,
        "heldOutExamples": 10,
        "seed": 7,
    } | changes


def message_for(spec: Any, stage: str = "explore") -> str:
    with pytest.raises(BadSpec) as caught:
        read_job_spec(spec if isinstance(spec, str) else json.dumps(spec), stage)
    return str(caught.value)


def test_reads_a_valid_spec() -> None:
    spec = read_job_spec(json.dumps(explore_spec()), "explore")
    assert isinstance(spec, ExploreSpec)
    assert (spec.base_model, spec.data.input) == ("org/name", ["text"])
    assert spec.model_dump(by_alias=True, exclude_none=True) == explore_spec()


def test_names_every_fault_in_one_message() -> None:
    spec = explore_spec(maxTokens="many", heldOutExampels=3)
    del spec["heldOutExamples"], spec["data"]["target"]
    message = message_for(spec)
    assert "\n" not in message
    assert "maxTokens: expected integer" in message
    assert 'got "many"' in message
    assert "data.target: missing, expected string" in message
    assert "heldOutExamples: missing" in message
    assert "heldOutExampels: unknown field, did you mean heldOutExamples" in message


def test_says_what_there_is_where_no_name_is_near() -> None:
    message = message_for(explore_spec(data={**explore_spec()["data"], "zzz": 1}))
    assert "data.zzz: unknown field, there are group, input, target, uri" in message


def test_a_wrong_item_is_named_by_its_index() -> None:
    data = {**explore_spec()["data"], "input": ["text", 5]}
    assert "data.input.1: expected string" in message_for(explore_spec(data=data))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "TUNELINE_JOB: not JSON"),
        ("[]", "expected one JSON object, got []"),
        ("{}", 'stage: expected "explore"'),
        ('{"stage":"tune"}', 'stage: expected "explore"'),
    ],
)
def test_refuses_what_is_no_spec_of_the_stage(text: str, expected: str) -> None:
    assert expected in message_for(text)


def test_a_bad_spec_ends_the_job_before_anything_is_written(run_job, tmp_path) -> None:
    ended = run_job(explore_spec(output=f"file://{tmp_path}/out", seed=-1))
    assert ended.exit_code == 64
    assert ended.failure["class"] == "BadSpec"
    assert "seed" in ended.failure["message"]
    assert not (tmp_path / "out").exists()


def test_a_job_without_a_spec_says_so(run_job, monkeypatch) -> None:
    from tuneline_jobs.__main__ import main

    monkeypatch.setenv("TUNELINE_TERMINATION_PATH", str(run_job.termination))
    monkeypatch.delenv("TUNELINE_JOB", raising=False)
    assert main(["tune"]) == 64
    assert "TUNELINE_JOB: missing" in run_job.termination.read_text()
