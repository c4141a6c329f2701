"""What the tasks of lm-evaluation-harness say, for the gate and for a person who looks into it."""

from __future__ import annotations

from typing import Any

from ...evaluation.observation import Observed
from ...runtime.job_specs import EvaluateSpec
from ..suite_scores import add_suites
from .tasks import HarnessTask

Row = dict[str, Any]


def add_tasks(
    evidence: dict[str, Any],
    spec: EvaluateSpec,
    tasks: list[HarnessTask],
    observed: dict[str, Observed],
) -> None:
    """Put `harness/TASK/METRIC` of every role into the evidence."""
    # Only where there are tasks: it brings lm-eval.
    from .runs import directions_of, scores_of

    scores = {
        role: {
            name: cases for rows in found.tasks.values() for name, cases in scores_of(rows).items()
        }
        for role, found in observed.items()
    }
    figures = {name for found in scores.values() for name in found}
    add_suites(evidence, spec, scores, directions_of(tasks, figures))


def task_table(observed: dict[str, Observed]) -> list[Row]:
    """For each document of each task what every model answered, and how that scored."""
    [first, *_] = observed.values()
    table = []
    for task, rows in first.tasks.items():
        for place, row in enumerate(rows):
            shown: Row = {"task": task, "id": row["id"], "target": row["target"]}
            for role, found in observed.items():
                answered = found.tasks[task][place]
                shown[role] = {"answers": answered["answers"], "scores": answered["scores"]}
            table.append(shown)
    return table
