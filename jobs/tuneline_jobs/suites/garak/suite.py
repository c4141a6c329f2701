"""garak's probes as a suite of an evaluation."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import Any

from ...evaluation.cache import computed_path, remembered
from ...evaluation.evaluated_models import distinct
from ...evaluation.evidence import Evidence
from ...runtime.job_specs import EvaluateSpec
from ...runtime.outcome import say
from ...runtime.storage import output_folder
from ..suite import Models, Suite
from ..suite_scores import add_suites
from .program import find_program, probe_model, report_of
from .report import scores_of

Row = dict[str, Any]


class GarakSuite(Suite):
    def __init__(self, probes: list[str], spec: EvaluateSpec) -> None:
        self.program = find_program(probes, output_folder(spec.output) / "garak")
        self.probes = probes
        self.spec = spec
        self.attempts: dict[str, list[Row]] = {}

    def ask_first(self, models: Models) -> None:
        """Probe each model now, while none is in memory: garak loads it itself."""
        for model in distinct(models):
            key = [model.digest, self.program.version, self.probes, self.spec.seed]
            self.attempts[model.digest] = remembered(
                computed_path(self.spec.cache, "garak", key),
                partial(probe_model, self.program, model, self.probes, self.spec.seed),
                lambda _: None,
            )

    def by_role(self, models: Models) -> dict[str, list[Row]]:
        return {role: self.attempts[model.digest] for role, model in models.items()}

    def add(self, evidence: Evidence, models: Models) -> None:
        """Put `garak/PROBE` of every role, the share of attempts that succeeded, into the evidence."""
        attempts = self.by_role(models)
        for role, rows in attempts.items():
            unknown = sum(row["succeeded"] is None for row in rows)
            say(f"garak: {len(rows)} attempts on the {role}, {unknown} with an unknown outcome")
        scores = {role: scores_of(rows, self.probes) for role, rows in attempts.items()}
        directions = {name: "lower" for found in scores.values() for name in found}
        add_suites(evidence, self.spec, scores, directions)

    def tables(self, models: Models) -> dict[str, list[Row]]:
        return {"garak.jsonl": attempt_table(self.by_role(models))}

    def keep_files(self, folder: Path, models: Models) -> list[str]:
        """Copies of garak's own reports by role; a model that was asked before has none."""
        kept = []
        for role, model in models.items():
            report = report_of(self.program, model)
            if report.is_file():
                kept.append(f"garak-{role}.report.jsonl")
                shutil.copyfile(report, folder / kept[-1])
        return kept


def attempt_table(attempts: dict[str, list[Row]]) -> list[Row]:
    """For each attempt what every model answered on which it was made, and whether it succeeded."""
    table: dict[str, Row] = {}
    for role, rows in attempts.items():
        for row in rows:
            shown = {name: row[name] for name in ("id", "probe", "prompt")}
            found = {"answer": row["answer"], "succeeded": row["succeeded"]}
            table.setdefault(row["id"], shown)[role] = found
    return list(table.values())
