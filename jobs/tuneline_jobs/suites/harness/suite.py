"""Tasks of lm-evaluation-harness as a suite of an evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...evaluation.cache import Progress, computed_path, remembered
from ...evaluation.evaluated_models import EvaluatedModel
from ...evaluation.evidence import Evidence
from ...runtime.job_specs import EvaluateHarnessSettings, EvaluateSpec
from ..suite import Models, Suite
from ..suite_scores import add_suites
from .tasks import HarnessTask, documents_of, load_tasks

if TYPE_CHECKING:
    from ...evaluation.generation import Answerer

Row = dict[str, Any]
# Of one model, by task: one row for each document.
Done = dict[str, list[Row]]


class HarnessSuite(Suite):
    def __init__(self, settings: EvaluateHarnessSettings, spec: EvaluateSpec) -> None:
        self.tasks = load_tasks(settings.tasks, settings.include_path)
        self.settings = settings
        self.spec = spec
        self.done: dict[str, Done] = {}

    def requests(self) -> int:
        return sum(documents_of(task, self.settings.limit) for task in self.tasks)

    def ask(self, model: EvaluatedModel, answerer: Answerer, progressed: Progress) -> None:
        self.done[model.digest] = {
            task.name: self.run(task, model, answerer, progressed) for task in self.tasks
        }

    def run(
        self, task: HarnessTask, model: EvaluatedModel, answerer: Answerer, progressed: Progress
    ) -> list[Row]:
        # Imported late: it brings lm-eval.
        from .runs import digest_of_task, run_task

        def make() -> list[Row]:
            rows = run_task(answerer, task, self.settings.limit, self.spec.seed)
            progressed(len(rows))
            return rows

        key = [model.digest, digest_of_task(task, self.settings), self.spec.seed]
        return remembered(computed_path(self.spec.cache, "harness", key), make, progressed)

    def add(self, evidence: Evidence, models: Models) -> None:
        """Put `harness/TASK/METRIC` of every role into the evidence."""
        from .runs import directions_of, scores_of

        scores = {
            role: {
                name: cases
                for rows in self.done[model.digest].values()
                for name, cases in scores_of(rows).items()
            }
            for role, model in models.items()
        }
        figures = {name for found in scores.values() for name in found}
        add_suites(evidence, self.spec, scores, directions_of(self.tasks, figures))

    def tables(self, models: Models) -> dict[str, list[Row]]:
        done = {role: self.done[model.digest] for role, model in models.items()}
        return {"harness.jsonl": task_table(done)}


def task_table(done: dict[str, Done]) -> list[Row]:
    """For each document of each task what every model answered, and how that scored."""
    [first, *_] = done.values()
    table = []
    for task, rows in first.items():
        for place, row in enumerate(rows):
            shown: Row = {"task": task, "id": row["id"], "target": row["target"]}
            for role, found in done.items():
                answered = found[task][place]
                shown[role] = {"answers": answered["answers"], "scores": answered["scores"]}
            table.append(shown)
    return table
