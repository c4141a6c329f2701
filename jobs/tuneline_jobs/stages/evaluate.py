"""Measure a candidate, its base and the champion on the same held-out examples.

    TUNELINE_JOB="$(cat evaluate.json)" TUNELINE_TERMINATION_PATH=outcome.json \\
        python -m tuneline_jobs evaluate

Every figure comes with a confidence interval, and so does every difference from the candidate. The
same evaluation made twice gives the same quality figures; speed is measured anew each time.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..data.prepared_dataset import HELD_OUT, read_examples
from ..evaluation.evaluated_models import check_models, distinct
from ..evaluation.evidence import Evidence, evidence_of, example_table
from ..evaluation.observation import observe_all
from ..evaluation.samples import score_model
from ..runtime.job_specs import EvaluateSpec
from ..runtime.outcome import succeeded
from ..runtime.storage import output, output_folder, write_json_lines, write_text
from ..runtime.tracking import Tracker, stage_tracker
from ..suites.suite import SUITES, Suites, load_suites

HEADLINES = ("bleu", "rougeL", "perplexity", "latencyP95Ms")

Row = dict[str, Any]


def run(spec: EvaluateSpec, known_suites: Suites = SUITES) -> dict[str, object]:
    """Write evidence.json, per-example.jsonl and the tables of each suite that the spec names."""
    tracker = stage_tracker(spec)
    models = check_models(spec)
    examples = read_examples(spec.dataset, HELD_OUT)
    examples = sorted(examples, key=lambda example: str(example["id"]))[: spec.examples]
    suites = load_suites(spec, examples, known_suites)
    for suite in suites:
        suite.ask_first(models)
    observed = observe_all(spec, models, examples, suites, tracker)
    for suite in suites:
        for model in distinct(models):
            suite.read(model, observed[model.digest].answers)
    scored = {
        role: score_model(
            model, observed[model.digest], examples, [suite.outcomes(model) for suite in suites]
        )
        for role, model in models.items()
    }
    evidence = evidence_of(spec, examples, scored)
    outputs = [("evidence", "evidence.json"), ("examples", "per-example.jsonl")]
    tables = {"per-example.jsonl": example_table(examples, scored)}
    for suite in suites:
        suite.add(evidence, models)
        tables |= suite.tables(models)
        outputs += suite.outputs
    folder = output_folder(spec.output)
    # One line: thousands of quantiles would fill as many.
    write_text(folder / "evidence.json", json.dumps(evidence, ensure_ascii=False, allow_nan=False))
    for name, table in tables.items():
        write_json_lines(folder / name, table)
    files = [name for suite in suites for name in suite.keep_files(folder, models)]
    headlines = {*HEADLINES, *(name for suite in suites for name in suite.headlines)}
    figures = report(tracker, folder, evidence, [*tables, *files], headlines)
    return succeeded({key: output(folder / name) for key, name in outputs}, figures)


def report(
    tracker: Tracker, folder: Path, evidence: Evidence, files: list[str], headlines: set[str]
) -> dict[str, float]:
    """Log every metric of every model as `role/metric`; returns the headline figures."""
    points = {
        f"{role}/{name}": figure["point"]
        for role, model in evidence["models"].items()
        for name, figure in model["metrics"].items()
    }
    tracker.log_metrics(points)
    dataset = evidence["dataset"]
    tracker.log_parameters({"dataset": dataset["digest"], "examples": dataset["examples"]})
    for name in ("evidence.json", *files):
        tracker.log_artifact(folder / name)
    tracker.close()
    return {name: value for name, value in points.items() if name.partition("/")[2] in headlines}
