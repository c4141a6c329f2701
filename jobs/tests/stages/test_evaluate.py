from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tuneline_jobs.data.prepared_dataset import digest_of_dataset
from tuneline_jobs.evaluation import cache
from tuneline_jobs.evaluation.generation import Answerer, Encoded, batches
from tuneline_jobs.runtime.storage import read_json_lines, uri_of, write_json_lines
from tuneline_jobs.suites.attacks.attacks import digest_of_suite, suite
from tuneline_jobs.suites.attacks.families import SUITE

from ..specs import evaluate_spec, model

QUALITY = {
    *("bleu", "chrf", "rouge1", "rouge2", "rougeL", "rougeLsum", "exactMatch", "tokenF1"),
    *("perplexity", "lengthRatio", "repetition", "groundedness"),
}
SPEED = {"latencyP50Ms", "latencyP95Ms", "tokensPerSecond"}
FIGURE = {"point", "low", "high", "standardError", "quantiles"}


@pytest.fixture(scope="session")
def other_model(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model like the tiny one, with other weights."""
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("other") / "model"
    shutil.copytree(tiny_model, folder)
    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    with torch.no_grad():
        model.lm_head.weight.mul_(30)
    model.save_pretrained(folder)
    return folder


def with_text(examples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**e, "columns": {"text": e["prompt"].removeprefix("Summarize: ")}} for e in examples]


def dataset_of(folder: Path, examples: list[dict[str, Any]]) -> dict[str, str]:
    folder.mkdir()
    write_json_lines(folder / "train.jsonl", [])
    write_json_lines(folder / "heldout.jsonl", examples)
    return {"uri": uri_of(folder), "digest": digest_of_dataset(folder)}


@pytest.fixture
def examples(prepared: dict[str, str]) -> list[dict[str, Any]]:
    """40 examples in two teams, by turns."""
    found = read_json_lines(Path(prepared["uri"].removeprefix("file://")) / "train.jsonl")
    return [{**e, "columns": {"team": "ab"[n % 2]}} for n, e in enumerate(found)]


@pytest.fixture
def spec(
    tmp_path: Path, tiny_model: Path, other_model: Path, prepared: dict[str, str]
) -> dict[str, Any]:
    models = [model("base", tiny_model), model("candidate", other_model)]
    changes = {"examples": 10, "maxNewTokens": 6, "latencyRequests": 3}
    return evaluate_spec(tmp_path, prepared, models) | changes


def quality(figures: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in figures.items() if name in QUALITY}


def points(figures: dict[str, Any]) -> dict[str, float]:
    return {name: figure["point"] for name, figure in figures.items()}


def test_evidence_has_its_agreed_shape(evidence_of, spec, prepared, tmp_path) -> None:
    evidence = evidence_of(spec)
    assert list(evidence) == [
        "schema",
        "dataset",
        "confidence",
        "bootstrapSamples",
        "seed",
        "signatures",
        "levels",
        "models",
        "differences",
        "slices",
    ]
    assert evidence["schema"] == 1
    assert evidence["levels"] == sorted(evidence["levels"])
    assert evidence["dataset"] == {"digest": prepared["digest"], "examples": 10}
    assert set(evidence["models"]) == {"base", "candidate"}
    assert set(evidence["differences"]) == {"base"}
    candidate = evidence["models"]["candidate"]
    assert set(candidate) == {"uri", "digest", "metrics"}
    for metrics in (candidate["metrics"], evidence["differences"]["base"]):
        assert set(metrics) == QUALITY | SPEED | {"modelBytes"}
        for figure in metrics.values():
            assert set(figure) - {"mcnemar"} == FIGURE
            assert figure["low"] <= figure["point"] <= figure["high"]
            assert len(figure["quantiles"]) == len(evidence["levels"])
    assert set(evidence["differences"]["base"]["exactMatch"]) == FIGURE | {"mcnemar"}
    table = read_json_lines(tmp_path / "out/per-example.jsonl")
    assert len(table) == 10
    assert set(table[0]) == {"id", "prompt", "reference", "base", "candidate"}
    assert [row["id"] for row in table] == sorted(row["id"] for row in table)


def test_a_difference_is_candidate_less_reference(evidence_of, spec) -> None:
    evidence = evidence_of(spec)
    found = {role: m["metrics"]["perplexity"]["point"] for role, m in evidence["models"].items()}
    difference = evidence["differences"]["base"]["perplexity"]
    assert difference["point"] == pytest.approx(found["candidate"] - found["base"])
    # Larger logits of random weights only make it surer of what is wrong, on every resample.
    assert 0 < difference["low"] < difference["point"] < difference["high"]


def test_perplexity_is_what_the_model_itself_says(evidence_of, spec, prepared, other_model) -> None:
    """Each example alone and unpadded, by the loss that transformers computes."""
    answerer = Answerer(uri_of(other_model), "models")
    nll = tokens = 0.0
    for example in read_json_lines(Path(prepared["uri"].removeprefix("file://")) / "heldout.jsonl")[
        :10
    ]:
        messages = [
            {"role": "user", "content": example["prompt"]},
            {"role": "assistant", "content": example["completion"]},
        ]
        chat = answerer.tokenizer.apply_chat_template
        prompt = chat(messages[:1], add_generation_prompt=True, return_dict=True)["input_ids"]
        whole = chat(messages, return_dict=True)["input_ids"]
        labels = torch.tensor([[-100] * len(prompt) + whole[len(prompt) :]])
        loss = answerer.model(input_ids=torch.tensor([whole]), labels=labels).loss
        nll += loss.item() * (len(whole) - len(prompt))
        tokens += len(whole) - len(prompt)
    found = evidence_of(spec)["models"]["candidate"]["metrics"]["perplexity"]["point"]
    assert found == pytest.approx(torch.tensor(nll / tokens).exp().item(), rel=1e-4)


def test_a_slice_has_the_figures_of_a_dataset_of_its_own(
    evidence_of, spec, examples, tmp_path
) -> None:
    spec |= {"examples": 20, "slices": ["team"]}
    spec["dataset"] = dataset_of(tmp_path / "all", examples[:20])
    evidence = evidence_of(spec)
    parts = {(part["by"], part["value"]): part for part in evidence["slices"]}
    assert {by for by, _ in parts} == {"length", "team"}
    part = parts["team", "b"]
    assert part["examples"] == 10
    spec |= {"examples": 10, "slices": ["team"]}
    spec["dataset"] = dataset_of(tmp_path / "b", examples[1:20:2])
    alone = evidence_of(spec)
    for role in ("base", "candidate"):
        found, expected = (e["models"][role]["metrics"] for e in (part, alone))
        assert set(found) == QUALITY
        for name in QUALITY:
            for key in ("point", "low", "high"):
                assert found[name][key] == pytest.approx(expected[name][key])
    found, expected = (e["differences"]["base"] for e in (part, alone))
    assert set(found) == QUALITY
    assert found["rougeL"]["quantiles"] == pytest.approx(expected["rougeL"]["quantiles"])
    assert found["exactMatch"]["mcnemar"] == expected["exactMatch"]["mcnemar"]


def test_attacks_are_asked_counted_and_kept(run_job, spec, examples, tmp_path) -> None:
    spec["dataset"] = dataset_of(tmp_path / "data", with_text(examples))
    spec |= {"attacks": {"template": "Summarize: {{text}}", "input": ["text"]}}
    spec |= {"cache": uri_of(tmp_path / "cache"), "latencyRequests": 1}
    ended = run_job(spec)
    assert ended.figures["candidate/attackSuccessRate"] == 0
    evidence = json.loads((tmp_path / "out/evidence.json").read_text())
    attacks = evidence["attacks"]
    assert attacks["suite"] == SUITE
    assert attacks["digest"] == digest_of_suite(suite())
    sizes = [family["base"]["attacks"] for family in attacks["families"].values()]
    assert sum(sizes) == len(suite())
    rate = evidence["models"]["candidate"]["metrics"]["attackSuccessRate"]
    # None of many succeeded: that is not never.
    assert 0 < rate["high"] < 0.05
    assert "mcnemar" not in evidence["differences"]["base"]["attackSuccessRate"]
    table = read_json_lines(tmp_path / "out/attacks.jsonl")
    assert ended.outcome["outputs"]["attacks"]["uri"] == uri_of(tmp_path / "out/attacks.jsonl")
    assert [row["id"] for row in table] == [attack.id for attack in suite()]
    assert table[0]["candidate"]["answer"]
    kept = sorted(path.name.partition("-")[0] for path in (tmp_path / "cache").iterdir())
    assert kept == ["answers", "answers", "attacks", "attacks"]


def test_no_attacks_leave_no_trace(evidence_of, spec, tmp_path) -> None:
    evidence = evidence_of(spec)
    assert "attacks" not in evidence
    assert "attackSuccessRate" not in evidence["models"]["candidate"]["metrics"]
    assert not (tmp_path / "out/attacks.jsonl").exists()


def without_speed(evidence: dict[str, Any]) -> str:
    """The evidence as bytes, less what is measured anew: speeds, and where the files were."""
    for part in (*evidence["models"].values(), {"metrics": evidence["differences"]["base"]}):
        part.pop("uri", None)
        for name in SPEED:
            del part["metrics"][name]
    del evidence["dataset"]["digest"]
    return json.dumps(evidence)


def test_two_evaluations_agree_to_the_last_digit(evidence_of, spec, examples, tmp_path) -> None:
    """The other one in a process of its own, without a cache, and with its examples in another order."""
    spec |= {"examples": 40, "slices": ["team"], "dataset": dataset_of(tmp_path / "a", examples)}
    torch.use_deterministic_algorithms(False)
    first = without_speed(evidence_of(spec))
    # A CPU's kernels are all of that kind: here nothing else could tell.
    assert torch.are_deterministic_algorithms_enabled()
    spec["dataset"] = dataset_of(tmp_path / "b", examples[::-1])
    environment = {**os.environ, "TUNELINE_JOB": json.dumps(spec)}
    environment["TUNELINE_TERMINATION_PATH"] = str(tmp_path / "outcome.json")
    command = [sys.executable, "-m", "tuneline_jobs", "evaluate"]
    subprocess.run(command, env=environment, cwd=Path(__file__).parents[2], check=True)
    assert without_speed(json.loads((tmp_path / "out/evidence.json").read_text())) == first


def test_batches_depend_on_the_questions_and_not_on_their_order() -> None:
    lengths = [n * 7 % 10 for n in range(40)]
    questions = [Encoded(str(n), [0] * length, []) for n, length in enumerate(lengths)]
    made = list(batches(questions, 4, "cpu"))
    assert made == list(batches(questions[::-1], 4, "cpu"))
    assert [len(batch) for batch in made] == [16, 16, 8]
    assert [len(q.prompt) for batch in made for q in batch] == sorted(lengths)


@pytest.mark.parametrize(
    ("prompt", "completion", "sizes"),
    [
        (10, 2, [128, 72]),
        (900, 124, [16] * 12 + [8]),
        (900, 2, [17] * 11 + [13]),
        (99_999, 2, [1] * 200),
    ],
)
def test_a_gpu_gets_as_many_questions_at_once_as_their_tokens_allow(
    prompt: int, completion: int, sizes: list[int]
) -> None:
    questions = [Encoded(str(n), [0] * prompt, [0] * completion) for n in range(200)]
    assert [len(batch) for batch in batches(questions, 24, "cuda")] == sizes


def test_a_model_has_the_same_figures_whichever_other_models_are_evaluated(
    evidence_of, spec
) -> None:
    among = evidence_of(spec)["models"]["candidate"]["metrics"]
    alone = evidence_of(spec | {"models": spec["models"][1:]})["models"]["candidate"]["metrics"]
    assert quality(among) == quality(alone)


def test_a_model_in_two_roles_differs_by_nothing(evidence_of, spec, other_model) -> None:
    spec["models"][0] = model("base", other_model)
    differences = evidence_of(spec)["differences"]["base"]
    assert set(points(quality(differences)).values()) == {0}
    # No resample can tell a model from itself; only a share of right answers is never that certain.
    del differences["exactMatch"]
    assert {figure["standardError"] for figure in quality(differences).values()} == {0}


def test_the_champion_is_a_reference_of_its_own(evidence_of, spec, tiny_model) -> None:
    spec["models"].append(model("champion", tiny_model))
    evidence = evidence_of(spec)
    assert set(evidence["models"]) == {"base", "candidate", "champion"}
    assert evidence["differences"]["champion"] == evidence["differences"]["base"]


def test_what_another_kind_of_processor_answered_is_asked_again(
    evidence_of, spec, tmp_path, monkeypatch
) -> None:
    spec["cache"] = uri_of(tmp_path / "cache")
    evidence_of(spec)
    monkeypatch.setattr(cache, "computed_on", lambda: "another GPU")
    evidence_of(spec)
    assert len(list((tmp_path / "cache").iterdir())) == 4


def test_what_a_model_answered_before_is_not_asked_again(
    evidence_of, spec, tmp_path, monkeypatch
) -> None:
    spec["cache"] = uri_of(tmp_path / "cache")
    first = evidence_of(spec)
    assert len(list((tmp_path / "cache").iterdir())) == 2

    def refuse(*_: Any) -> None:
        raise AssertionError("asked again")

    monkeypatch.setattr(Answerer, "answer_all", refuse)
    again = evidence_of(spec)
    for role in ("base", "candidate"):
        assert quality(again["models"][role]["metrics"]) == quality(
            first["models"][role]["metrics"]
        )
    with pytest.raises(AssertionError, match="asked again"):
        evidence_of(spec | {"maxNewTokens": 7})


def test_a_model_is_as_large_as_its_files(evidence_of, spec, tiny_model) -> None:
    evidence = evidence_of(spec | {"costPerHour": 2})
    base = evidence["models"]["base"]["metrics"]
    size = sum(path.stat().st_size for path in tiny_model.iterdir())
    assert base["modelBytes"]["low"] == base["modelBytes"]["high"] == size
    assert evidence["differences"]["base"]["costPer1000Requests"]["quantiles"]


def test_logs_figures_progress_and_artifacts(run_job, spec, mlflow_server) -> None:
    figures = run_job(spec | {"runId": mlflow_server.run_id}).figures
    assert mlflow_server.curve("candidate/rougeL") == [(0, figures["candidate/rougeL"])]
    assert mlflow_server.curve("progress/step")[-1] == (26, 26)
    assert mlflow_server.curve("progress/total")[-1] == (26, 26)
    kept = {path.name for path in mlflow_server.artifacts.iterdir()}
    assert kept == {"evidence.json", "per-example.jsonl"}


def test_weights_that_are_not_the_meant_ones_are_bad_data(run_job, spec) -> None:
    spec["models"][1]["digest"] = "sha256:" + "0" * 64
    ended = run_job(spec)
    assert ended.exit_code == 65
    assert "models[1].digest" in ended.failure["message"]


@pytest.mark.parametrize(
    ("roles", "message"), [(["base"], "there is no candidate"), (["candidate"] * 2, "already")]
)
def test_there_must_be_one_candidate(run_job, spec, tiny_model, roles, message) -> None:
    ended = run_job(spec | {"models": [model(role, tiny_model) for role in roles]})
    assert ended.exit_code == 64
    assert message in ended.failure["message"]
