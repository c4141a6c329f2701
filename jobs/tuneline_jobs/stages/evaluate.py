"""Measure a candidate, its base and the champion on the same held-out examples.

Every figure comes with a confidence interval, and so does every difference from the candidate. The
same evaluation made twice gives the same quality figures; speed is measured anew each time.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..data.prepared_dataset import HELD_OUT, read_examples
from ..evaluation.evaluated_models import check_models
from ..evaluation.evidence import attack_table, evidence_of, example_table
from ..evaluation.observation import Questions, observe_all
from ..evaluation.samples import score_model
from ..runtime.job_specs import EvaluateSpec
from ..runtime.outcome import succeeded
from ..runtime.storage import output, output_folder, write_json_lines, write_text
from ..runtime.tracking import Tracker, stage_tracker
from ..suites.attacks.attacks import Attack, prompts, suite
from ..suites.garak.probes import add_probes, attempt_table, keep_reports, probe_all
from ..suites.garak.program import find_program
from ..suites.harness.task_evidence import add_tasks, task_table
from ..suites.harness.tasks import load_tasks
from ..suites.judge.judge import JUDGED, judge_all, judge_of

HEADLINES = ("bleu", "rougeL", "perplexity", "latencyP95Ms", "attackSuccessRate", JUDGED)

Row = dict[str, Any]


def run(spec: EvaluateSpec) -> dict[str, object]:
    """Write evidence.json, per-example.jsonl and, where it is wanted, a table of each suite."""
    tracker = stage_tracker(spec)
    models = check_models(spec)
    folder = output_folder(spec.output)
    program = find_program(spec.garak.probes, folder / "garak") if spec.garak else None
    tasks = load_tasks(spec.harness.tasks, spec.harness.include_path) if spec.harness else []
    examples = read_examples(spec.dataset, HELD_OUT)
    examples = sorted(examples, key=lambda example: str(example["id"]))[: spec.examples]
    attacks, attack_prompts = chosen_attacks(spec, examples)
    asked = Questions(examples, attack_prompts, tasks)
    # Before the models: hours of a GPU are not for a judge that turns out to be none.
    judge = judge_of(spec)
    probes = spec.garak.probes if spec.garak else []
    attempts = probe_all(spec, probes, models, program) if program else {}
    observed = observe_all(spec, models, asked, tracker)
    verdicts = judge_all(judge, examples, observed)
    scored = {
        role: score_model(
            model, observed[model.digest], examples, attacks, verdicts.get(model.digest)
        )
        for role, model in models.items()
    }
    evidence = evidence_of(spec, examples, attacks, scored)
    if judge:
        evidence["signatures"][JUDGED] = judge.signature()
    tables = {"per-example.jsonl": example_table(examples, scored)}
    if attacks:
        tables["attacks.jsonl"] = attack_table(attacks, asked.attacks, scored)
    if tasks:
        by_role = {role: found.observed for role, found in scored.items()}
        add_tasks(evidence, spec, tasks, by_role)
        tables["harness.jsonl"] = task_table(by_role)
    if program:
        add_probes(evidence, spec, probes, attempts)
        tables["garak.jsonl"] = attempt_table(attempts)
    # One line: thousands of quantiles would fill as many.
    write_text(folder / "evidence.json", json.dumps(evidence, ensure_ascii=False, allow_nan=False))
    for name, table in tables.items():
        write_json_lines(folder / name, table)
    reports = keep_reports(folder, models, program) if program else []
    figures = report(tracker, folder, evidence, [*tables, *reports])
    outputs = {"evidence": "evidence.json", "examples": "per-example.jsonl"}
    outputs |= {"attacks": "attacks.jsonl"} if attacks else {}
    return succeeded({key: output(folder / name) for key, name in outputs.items()}, figures)


def chosen_attacks(spec: EvaluateSpec, examples: list[Row]) -> tuple[list[Attack], dict[str, str]]:
    """The attack suite and its prompts by ID; neither where no attacks are wanted."""
    if spec.attacks is None:
        return [], {}
    attacks = suite()
    return attacks, prompts(attacks, examples, spec.attacks.template, spec.attacks.input)


def report(
    tracker: Tracker, folder: Path, evidence: dict[str, Any], tables: list[str]
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
    for name in ("evidence.json", *tables):
        tracker.log_artifact(folder / name)
    tracker.close()
    return {name: value for name, value in points.items() if name.partition("/")[2] in HEADLINES}
