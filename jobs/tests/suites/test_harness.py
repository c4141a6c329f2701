from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import lm_eval
import pytest
import torch
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager

from tuneline_jobs.evaluation.generation import Answerer
from tuneline_jobs.runtime.job_specs import Artifact, EvaluateHarnessSettings
from tuneline_jobs.runtime.outcome import BadData, BadSpec, TryAgain
from tuneline_jobs.runtime.storage import (
    digest_of_folder,
    read_json_lines,
    uri_of,
    write_json_lines,
)
from tuneline_jobs.suites.harness.runs import digest_of_task
from tuneline_jobs.suites.harness.tasks import find_tasks, load_tasks

from ..harness_tasks import QUESTIONS, write_tasks
from ..specs import evaluate_spec, explore_spec, model

CHOICE = {"harness/own_choice/acc", "harness/own_choice/acc_norm"}
WRITTEN = {"harness/own_written/exact_match/whole", "harness/own_written/exact_match/first-word"}


@pytest.fixture
def own(tmp_path: Path) -> dict[str, str]:
    return write_tasks(tmp_path / "tasks")


@pytest.fixture(scope="session")
def trained(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model like the tiny one, with other weights."""
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("trained") / "model"
    shutil.copytree(tiny_model, folder)
    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    with torch.no_grad():
        model.lm_head.weight.copy_(model.lm_head.weight.roll(7, 0))
    model.save_pretrained(folder)
    return folder


@pytest.fixture
def spec(tmp_path, tiny_model, trained, prepared, own) -> dict[str, Any]:
    models = [model("base", tiny_model), model("candidate", trained)]
    harness = {"tasks": ["own_choice", "own_written"], "includePath": own}
    return evaluate_spec(tmp_path, prepared, models) | {"harness": harness}


def of_harness(figures: dict[str, Any]) -> dict[str, Any]:
    return {name: found for name, found in figures.items() if name.startswith("harness/")}


def points(evidence: dict[str, Any], role: str) -> dict[str, float]:
    metrics = of_harness(evidence["models"][role]["metrics"])
    return {name: figure["point"] for name, figure in metrics.items()}


def scores(table: list[dict[str, Any]], role: str, name: str) -> list[float]:
    return [row[role]["scores"][name] for row in table if name in row[role]["scores"]]


def test_every_model_does_the_tasks_and_each_document_is_compared(evidence_of, spec, tmp_path):
    evidence = evidence_of(spec)
    assert set(points(evidence, "base")) == set(points(evidence, "candidate")) == CHOICE | WRITTEN
    assert evidence["directions"] == dict.fromkeys(sorted(CHOICE | WRITTEN), "higher")
    table = read_json_lines(tmp_path / "out/harness.jsonl")
    assert len(table) == 2 * QUESTIONS
    assert len({(row["task"], row["id"]) for row in table}) == len(table)
    for name in CHOICE | WRITTEN:
        base, candidate = scores(table, "base", name), scores(table, "candidate", name)
        assert len(base) == len(candidate) == QUESTIONS
        assert points(evidence, "candidate")[name] == pytest.approx(sum(candidate) / QUESTIONS)
        found = evidence["differences"]["base"][name]
        assert found["point"] == pytest.approx((sum(candidate) - sum(base)) / QUESTIONS)
        pairs = list(zip(candidate, base, strict=True))
        assert found["mcnemar"]["candidateOnly"] == pairs.count((1, 0))
        assert found["mcnemar"]["referenceOnly"] == pairs.count((0, 1))
        assert found["low"] <= found["point"] <= found["high"]
    # Else it would compare nothing.
    assert evidence["differences"]["base"]["harness/own_choice/acc"]["mcnemar"]["candidateOnly"]


def test_the_log_has_lines_and_no_progress_bars(run_job, spec, capfd):
    assert run_job(spec).exit_code == 0
    said = capfd.readouterr().err
    assert "Running the task own_choice" in said
    assert "\r" not in said


def test_a_figure_is_what_lm_eval_itself_says(evidence_of, spec, trained, own, monkeypatch):
    found = points(evidence_of(spec), "candidate")
    answerer = Answerer(uri_of(trained), "models")
    folder = own["uri"].removeprefix("file://")
    monkeypatch.chdir(folder)
    said = lm_eval.simple_evaluate(
        model=HFLM(answerer.model, tokenizer=answerer.tokenizer, batch_size=1),
        tasks=["own_choice", "own_written"],
        task_manager=TaskManager(include_path=folder, include_defaults=False),
        bootstrap_iters=0,
        fewshot_random_seed=7,
    )["results"]
    assert found["harness/own_choice/acc"] == said["own_choice"]["acc,none"]
    assert found["harness/own_choice/acc_norm"] == said["own_choice"]["acc_norm,none"]
    word = said["own_written"]["exact_match,first-word"]
    assert found["harness/own_written/exact_match/first-word"] == word


def test_the_same_twice_agrees_to_the_last_digit(evidence_of, spec):
    first, second = evidence_of(spec), evidence_of(spec)
    for role in ("base", "candidate"):
        one, other = (of_harness(e["models"][role]["metrics"]) for e in (first, second))
        assert one == other
    one, other = (of_harness(e["differences"]["base"]) for e in (first, second))
    assert one == other


def test_a_model_that_did_a_task_before_is_not_asked_again(
    evidence_of, spec, own, tmp_path, capsys
):
    cache = tmp_path / "cache"
    spec |= {"cache": uri_of(cache)}
    first = evidence_of(spec)
    assert capsys.readouterr().err.count("Running the task") == 4
    assert len(list(cache.glob("harness-*"))) == 4
    assert of_harness(evidence_of(spec)["differences"]["base"]) == of_harness(
        first["differences"]["base"]
    )
    assert "Running the task" not in capsys.readouterr().err
    # Fewer documents, another seed, and other data are other questions.
    for change in ({"harness": spec["harness"] | {"limit": 9}}, {"seed": 8}):
        evidence_of(spec | change)
        assert capsys.readouterr().err.count("Running the task") == 4
    folder = Path(own["uri"].removeprefix("file://"))
    questions = (folder / "questions.jsonl").read_text()
    (folder / "questions.jsonl").write_text(questions.replace("fast", "slow"))
    changed = {**own, "digest": digest_of_folder(folder)}
    evidence_of(spec | {"harness": spec["harness"] | {"includePath": changed}})
    assert capsys.readouterr().err.count("Running the task") == 4


def test_a_limit_takes_the_first_documents(evidence_of, spec, tmp_path):
    evidence_of(spec)
    whole = read_json_lines(tmp_path / "out/harness.jsonl")
    spec["harness"] |= {"tasks": ["own_choice"], "limit": 9}
    evidence_of(spec)
    part = read_json_lines(tmp_path / "out/harness.jsonl")
    assert [row["id"] for row in part] == [row["id"] for row in whole][:9]


def test_what_is_no_mean_over_all_documents_is_left_out(
    run_job, spec, own, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    spec["harness"] |= {"tasks": ["own_length"]}
    # A task's metric is no headline, whatever it is called.
    assert not [name for name in run_job(spec).figures if "harness" in name]
    evidence = json.loads((tmp_path / "out/evidence.json").read_text())
    characters, wordy, rouge = (
        f"harness/own_length/{name}" for name in ("characters", "wordy", "rougeL")
    )
    assert set(points(evidence, "candidate")) == {characters, wordy, rouge}
    said = capsys.readouterr().err
    assert "own_length: perplexity left out, no mean over documents." in said
    assert "harness/own_length/seldom left out, not every document has one." in said
    # Of the third its task does not say.
    assert evidence["directions"] == {characters: "lower", wordy: "lower"}
    differences = evidence["differences"]["base"]
    assert differences[characters]["standardError"] > 0
    # McNemar's test asks which has more of them: no gain where less is better.
    assert "mcnemar" not in differences[wordy]
    # Not a trace of Python is left in what was kept by its digest.
    assert digest_of_folder(Path(own["uri"].removeprefix("file://"))) == own["digest"]


def test_other_documents_are_another_task(own):
    folder = Path(own["uri"].removeprefix("file://"))
    [before] = load_tasks(["own_written"], Artifact(**own))
    [again] = load_tasks(["own_written"], Artifact(**own))
    questions = read_json_lines(folder / "questions.jsonl")
    write_json_lines(folder / "questions.jsonl", [{**q, "text": "Else?"} for q in questions])
    edited = {**own, "digest": digest_of_folder(folder)}
    [after] = load_tasks(["own_written"], Artifact(**edited))
    settings = EvaluateHarnessSettings(tasks=[])
    digests = [digest_of_task(found, settings) for found in (before, again, after)]
    assert digests[0] == digests[1] != digests[2]


def test_no_tasks_leave_evidence_as_it_was(evidence_of, spec, tmp_path):
    del spec["harness"]
    evidence = evidence_of(spec)
    assert "directions" not in evidence
    assert not points(evidence, "candidate")
    assert not (tmp_path / "out/harness.jsonl").exists()


@pytest.mark.parametrize(
    ("tasks", "failure", "message"),
    [
        (["own_choise"], BadSpec, "there is no task own_choise; did you mean own_choice"),
        (["arc_eazy"], BadSpec, "there is no task arc_eazy; did you mean arc_easy"),
        (["own_group"], BadSpec, "own_group is a group; expected its tasks"),
        (["mmlu"], BadSpec, "mmlu is a group; expected its tasks"),
        (["on_the_hub"], TryAgain, "The data of on_the_hub can't be fetched"),
        (["data_is_gone"], BadData, "The data of data_is_gone is not there"),
        (["written_wrongly"], BadSpec, "written_wrongly can't be loaded"),
        (["runs_code"], BadSpec, "runs_code runs code that a model wrote"),
    ],
)
def test_a_task_that_can_not_be_done_is_told_by_name(own, tasks, failure, message):
    with pytest.raises(failure, match=message):
        load_tasks(tasks, Artifact(**own))


def test_tasks_that_are_not_the_ones_meant_are_refused(own):
    other = {**own, "digest": "sha256:" + "0" * 64}
    with pytest.raises(BadData, match="expected the tasks with sha256:0000"):
        load_tasks(["own_choice"], Artifact(**other))


def test_tasks_of_lm_eval_and_of_the_team_are_found_together(own):
    found = find_tasks(["arc_easy", "own_choice"], Artifact(**own))
    assert {name: name in manager.all_subtasks for name, manager in found.items()} == {
        "arc_easy": True,
        "own_choice": True,
    }


def test_the_first_stage_refuses_a_task_that_is_not_there(run_job, tmp_path, tiny_model, own):
    data = tmp_path / "data.jsonl"
    data.write_text('{"text": "a", "label": "b"}\n' * 12)
    explore = explore_spec(tmp_path, data, tiny_model)
    wrong = run_job(explore | {"harness": {"tasks": ["own_choise"], "includePath": own}})
    assert wrong.failure["class"] == "BadSpec"
    assert "did you mean own_choice" in wrong.failure["message"]
    right = run_job(explore | {"harness": {"tasks": ["own_choice"], "includePath": own}})
    assert right.exit_code == 0
