from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tuneline_jobs.runtime.job_specs import PrepareSpec
from tuneline_jobs.runtime.outcome import BadData
from tuneline_jobs.runtime.storage import digests_of_files, read_json_lines, uri_of
from tuneline_jobs.stages.prepare import split

from ..tiny_model import sentence


def rows() -> list[dict[str, Any]]:
    """60 rows of 20 groups, and after them one row for each fault that `prepare` mends or drops."""
    rng = random.Random(5)
    plain = [
        {"text": sentence(rng, 9), "title": sentence(rng, 3), "team": f"team {number % 20}"}
        for number in range(60)
    ]
    return [
        *plain,
        {"text": "  ", "title": "empty input", "team": "x"},
        {"text": "no answer to this", "title": None, "team": "x"},
        {**plain[0], "text": plain[0]["text"].replace(" ", "  "), "team": "another"},
        {**plain[1], "text": plain[1]["text"] + "s", "team": "another"},
        {"text": "Write to jane@example.org about it", "title": "Call +1 212 555 0100"},
        {"text": sentence(rng, 200), "title": "too long", "team": "x"},
        {"text": "{{title}} stays {{text}}", "title": "braces", "team": "x"},
    ]


@pytest.fixture
def spec(tmp_path: Path, tiny_model: Path) -> dict[str, Any]:
    (tmp_path / "rows.json").write_text(json.dumps(rows()))
    return {
        "stage": "prepare",
        "output": uri_of(tmp_path / "out"),
        "data": {
            "uri": uri_of(tmp_path / "rows.json"),
            "input": ["text"],
            "target": "title",
            "group": "team",
        },
        "prompt": {"name": "summarize", "version": "3", "template": "Summarize.\n\n{{text}}"},
        "heldOutExamples": 12,
        "maxTokens": 120,
        "baseModel": uri_of(tiny_model),
        "seed": 7,
    }


def examples(folder: Path, name: str) -> list[dict[str, Any]]:
    return read_json_lines(folder / f"{name}.jsonl")


def test_counts_every_row_that_goes(run_job, spec, tmp_path) -> None:
    figures = run_job(spec).figures
    assert {key: figures[key] for key in ("rows", "empty", "exactDuplicates", "tooLong")} == {
        "rows": 67,
        "empty": 2,
        "exactDuplicates": 1,
        "tooLong": 1,
    }
    assert figures["nearDuplicates"] == 1
    assert figures["redactedEmail"] == figures["redactedPhone"] == 1
    assert figures["train"] + figures["heldOut"] == 62
    assert figures["heldOut"] == 12
    manifest = json.loads((tmp_path / "out/dataset.json").read_text())
    assert manifest["counts"] == figures
    assert manifest["prompt"] == {"name": "summarize", "version": "3"}
    assert manifest["files"]["train.jsonl"] == digests_of_files(tmp_path / "out")["train.jsonl"]


def test_renders_redacts_and_lets_no_data_into_the_template(run_job, spec, tmp_path) -> None:
    assert run_job(spec).exit_code == 0
    found = examples(tmp_path / "out", "train") + examples(tmp_path / "out", "heldout")
    by_completion = {example["completion"]: example for example in found}
    assert "Call [PHONE]" in by_completion
    assert by_completion["Call [PHONE]"]["prompt"] == "Summarize.\n\nWrite to [EMAIL] about it"
    assert by_completion["braces"]["prompt"] == "Summarize.\n\n{{title}} stays {{text}}"
    assert list(by_completion["braces"]) == ["id", "prompt", "completion", "group", "source"]
    assert by_completion["braces"]["source"] == 67
    # A row without a group is a group of its own.
    assert by_completion["Call [PHONE]"]["group"] == by_completion["Call [PHONE]"]["id"]


def test_held_out_examples_keep_the_wanted_columns_of_their_row(run_job, spec, tmp_path) -> None:
    plain = run_job(spec | {"output": uri_of(tmp_path / "plain")}).figures
    assert run_job(spec | {"keepColumns": ["team", "text"]}).figures == plain
    source = rows()
    held_out = examples(tmp_path / "out", "heldout")
    for example in held_out:
        row = source[example["source"] - 1]
        assert example.pop("columns") == {"team": row.get("team", ""), "text": row["text"]}
    assert held_out == examples(tmp_path / "plain", "heldout")
    before, after = (digests_of_files(tmp_path / name) for name in ("plain", "out"))
    assert before["train.jsonl"] == after["train.jsonl"]


def test_kept_columns_hold_no_personal_data(run_job, spec, tmp_path) -> None:
    assert run_job(spec | {"keepColumns": ["text"], "heldOutExamples": 60}).exit_code == 0
    found = [example["columns"]["text"] for example in examples(tmp_path / "out", "heldout")]
    assert "Write to [EMAIL] about it" in found


def test_a_kept_column_must_be_there(run_job, spec) -> None:
    ended = run_job(spec | {"keepColumns": ["titel"]})
    assert ended.exit_code == 64
    assert 'keepColumns: no column "titel"; there are text, title, team' in ended.failure["message"]


def test_no_group_is_on_both_sides(run_job, spec, tmp_path) -> None:
    assert run_job(spec).exit_code == 0
    train, held_out = (
        {example["group"] for example in examples(tmp_path / "out", name)}
        for name in ("train", "heldout")
    )
    assert train
    assert held_out
    assert not train & held_out


@pytest.mark.parametrize("seed", range(50))
def test_splits_keep_groups_whole_and_lose_nothing(seed: int) -> None:
    rng = random.Random(seed)
    given = [
        {"id": str(number), "group": str(int(rng.expovariate(0.1)))}
        for number in range(rng.randint(20, 200))
    ]
    wanted = rng.randint(5, 15)
    counts: dict[str, int] = {}
    try:
        told = PrepareSpec.model_construct(seed=seed, held_out_examples=wanted)
        train, held_out = split(given, told, counts)
    except BadData:
        # Only where every single group is larger than what may be held out.
        assert min(Counter(e["group"] for e in given).values()) > wanted
        return
    assert 0 < len(held_out) <= wanted
    assert not {e["group"] for e in train} & {e["group"] for e in held_out}
    assert sorted(e["id"] for e in train + held_out) == sorted(e["id"] for e in given)


def test_the_same_spec_gives_the_same_bytes_and_another_seed_does_not(
    run_job, spec, tmp_path
) -> None:
    digests = []
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        ended = run_job(spec | {"output": uri_of(tmp_path / name), "seed": seed})
        digests.append(ended.outcome["outputs"]["dataset"]["digest"])
    assert digests_of_files(tmp_path / "a") == digests_of_files(tmp_path / "b")
    assert digests[0] == digests[1] != digests[2]


def test_a_row_more_leaves_the_others_on_their_side(run_job, spec, tmp_path) -> None:
    assert run_job(spec).exit_code == 0
    before = {example["id"] for example in examples(tmp_path / "out", "heldout")}
    more = [*rows(), {"text": "Quite another thing entirely", "title": "new", "team": "new"}]
    (tmp_path / "rows.json").write_text(json.dumps(more))
    assert run_job(spec).exit_code == 0
    after = {example["id"] for example in examples(tmp_path / "out", "heldout")}
    # The new group may take a place among those held out, and nothing else moves for it.
    assert len(before - after) <= 3


def test_takes_no_more_examples_to_train_on_than_asked(run_job, spec) -> None:
    figures = run_job(spec | {"trainExamples": 5}).figures
    assert (figures["train"], figures["heldOut"]) == (5, 12)


def test_an_unknown_placeholder_is_a_bad_spec(run_job, spec) -> None:
    ended = run_job(spec | {"prompt": {**spec["prompt"], "template": "{{body}}"}})
    assert ended.exit_code == 64
    assert 'no column "body"; there are text' in ended.failure["message"]


def test_data_too_small_to_split_is_bad_data(run_job, spec) -> None:
    ended = run_job(spec | {"heldOutExamples": 1000})
    assert ended.exit_code == 65
    assert "hold out fewer" in ended.failure["message"]
