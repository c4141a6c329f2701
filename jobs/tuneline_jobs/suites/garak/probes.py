"""What garak's probes say of the models that an evaluation compares."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import Any

from ...evaluation.evaluated_models import EvaluatedModel
from ...evaluation.observation import computed_path, remembered
from ...runtime.job_specs import EvaluateSpec
from ...runtime.outcome import say
from ..suite_scores import add_suites
from .program import Program, probe_model, report_of
from .report import scores_of

Row = dict[str, Any]


def probe_all(
    spec: EvaluateSpec, probes: list[str], models: dict[str, EvaluatedModel], program: Program
) -> dict[str, list[Row]]:
    """Every attempt by role. To be called while no model is in memory: garak loads each itself."""
    key = [program.version, probes, spec.seed]
    # One that plays two roles is asked once.
    attempts = {
        digest: remembered(
            computed_path(spec.cache, "garak", [digest, *key]),
            partial(probe_model, program, model, probes, spec.seed),
            lambda _: None,
        )
        for digest, model in {model.digest: model for model in models.values()}.items()
    }
    return {role: attempts[model.digest] for role, model in models.items()}


def add_probes(
    evidence: dict[str, Any],
    spec: EvaluateSpec,
    probes: list[str],
    attempts: dict[str, list[Row]],
) -> None:
    """Put `garak/PROBE` of every role, the share of attempts that succeeded, into the evidence."""
    for role, rows in attempts.items():
        unknown = sum(row["succeeded"] is None for row in rows)
        say(f"garak: {len(rows)} attempts on the {role}, {unknown} of them with an unknown outcome")
    scores = {role: scores_of(rows, probes) for role, rows in attempts.items()}
    add_suites(
        evidence, spec, scores, {name: "lower" for found in scores.values() for name in found}
    )


def attempt_table(attempts: dict[str, list[Row]]) -> list[Row]:
    """For each attempt what every model answered on which it was made, and whether it succeeded."""
    table: dict[str, Row] = {}
    for role, rows in attempts.items():
        for row in rows:
            shown = {name: row[name] for name in ("id", "probe", "prompt")}
            found = {"answer": row["answer"], "succeeded": row["succeeded"]}
            table.setdefault(row["id"], shown)[role] = found
    return list(table.values())


def keep_reports(folder: Path, models: dict[str, EvaluatedModel], program: Program) -> list[str]:
    """Copies of garak's own reports by role, beside the evidence; of a model asked before there is none."""
    kept = []
    for role, model in models.items():
        report = report_of(program, model)
        if report.is_file():
            kept.append(f"garak-{role}.report.jsonl")
            shutil.copyfile(report, folder / kept[-1])
    return kept
