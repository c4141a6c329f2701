"""A suite that the evaluate stage has never heard of, given to it by its table alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tuneline_jobs.evaluation.cache import Progress
from tuneline_jobs.evaluation.evaluated_models import EvaluatedModel
from tuneline_jobs.evaluation.generation import Answerer
from tuneline_jobs.evaluation.samples import Outcomes
from tuneline_jobs.runtime.job_spec import typed
from tuneline_jobs.runtime.outcome import BadData, BadSpec
from tuneline_jobs.runtime.storage import read_json_lines, uri_of
from tuneline_jobs.stages import evaluate, explore
from tuneline_jobs.suites.suite import SUITES, KnownSuite, Models, Suite

from ..specs import evaluate_spec, explore_spec, model

Row = dict[str, Any]


class WordSuite(Suite):
    """Asks two questions of each model, and counts which answers to the examples have a word."""

    headlines = ("hasWord",)
    outputs = (("words", "words.jsonl"),)

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.said: dict[str, list[str]] = {}
        self.found: dict[str, list[bool]] = {}

    def ask_first(self, models: Models) -> None:
        self.calls.append(f"first {len(models)}")

    def requests(self) -> int:
        return 2

    def ask(self, model: EvaluatedModel, answerer: Answerer, progressed: Progress) -> None:
        self.calls.append("ask")
        prompts = {"a": "Say a word", "b": "Say another"}
        self.said[model.digest] = answerer.answer_prompts(prompts, 2, progressed)

    def read(self, model: EvaluatedModel, answers: list[Row]) -> None:
        self.calls.append("read")
        self.found[model.digest] = [bool(answer["text"]) for answer in answers]

    def outcomes(self, model: EvaluatedModel) -> Outcomes:
        found = self.found[model.digest]
        return Outcomes(by_example={"hasWord": found}, shown=[{"hasWord": has} for has in found])

    def add(self, evidence: Row, models: Models) -> None:
        evidence["words"] = len(models)

    def tables(self, models: Models) -> dict[str, list[Row]]:
        return {"words.jsonl": [{role: self.said[m.digest]} for role, m in models.items()]}

    def keep_files(self, folder: Path, models: Models) -> list[str]:
        (folder / "words.txt").write_text(f"{len(models)} models")
        return ["words.txt"]


def test_a_suite_of_the_table_is_asked_and_stands_in_the_evidence(
    tiny_model, prepared, tmp_path, mlflow_server
) -> None:
    models = [model("base", tiny_model), model("candidate", tiny_model)]
    spec = evaluate_spec(tmp_path, prepared, models)
    spec |= {"attacks": {"template": "{{text}}", "input": ["text"]}}
    spec |= {"runId": mlflow_server.run_id}
    suite = WordSuite()
    outcome: Any = evaluate.run(typed(spec), SUITES | {"attacks": KnownSuite(lambda *_: suite)})
    # Both roles are one model, which is asked once.
    assert suite.calls == ["first 2", "ask", "read"]
    evidence = json.loads((tmp_path / "out/evidence.json").read_text())
    figure = evidence["models"]["candidate"]["metrics"]["hasWord"]
    assert outcome["figures"]["candidate/hasWord"] == figure["point"]
    assert evidence["words"] == 2
    assert "hasWord" in evidence["slices"][0]["models"]["base"]["metrics"]
    table = read_json_lines(tmp_path / "out/per-example.jsonl")
    assert [row["base"]["hasWord"] for row in table] == suite.found[models[0]["digest"]]
    assert outcome["outputs"]["words"]["uri"] == uri_of(tmp_path / "out/words.jsonl")
    kept = {path.name for path in mlflow_server.artifacts.iterdir()}
    assert kept == {"evidence.json", "per-example.jsonl", "words.jsonl", "words.txt"}
    assert mlflow_server.curve("progress/step")[-1] == (8 + 1 + 2, 8 + 1 + 2)


def test_explore_checks_a_suite_that_the_spec_names_before_it_reads_the_data(
    tiny_model, tmp_path
) -> None:
    def refuse(_: Any) -> None:
        raise BadSpec("garak.probes: there is no such probe.")

    def load(*_: Any) -> Suite:
        raise AssertionError("explore loads no suite")

    suites = {"garak": KnownSuite(load, refuse)}
    spec = explore_spec(tmp_path, tmp_path / "missing.json", tiny_model)
    with pytest.raises(BadSpec, match="no such probe"):
        explore.run(typed(spec | {"garak": {"probes": ["dan.None"]}}), suites)
    with pytest.raises(BadData, match=r"missing\.json"):
        explore.run(typed(spec), suites)
