"""The judge as a suite of an evaluation: whether the source supports each answer."""

from __future__ import annotations

from ...data.prepared_dataset import Example
from ...evaluation.answer import Answer
from ...evaluation.evaluated_models import EvaluatedModel
from ...evaluation.evidence import Evidence
from ...evaluation.samples import Outcomes
from ...runtime.job_specs import EvaluateSpec, JudgeSettings
from ..suite import Models, Suite
from .judge import JUDGED, Judge, Question, Verdict


class JudgeSuite(Suite):
    headlines = (JUDGED,)

    def __init__(
        self, settings: JudgeSettings, spec: EvaluateSpec, examples: list[Example]
    ) -> None:
        self.judge = Judge(settings, spec.seed, spec.cache)
        self.sources = [example["prompt"] for example in examples]
        self.verdicts: dict[str, list[Verdict]] = {}

    def ask_first(self, models: Models) -> None:
        """Check the judge: a broken one must not waste GPU hours."""
        self.judge.check()

    def read(self, model: EvaluatedModel, answers: list[Answer]) -> None:
        texts = [answer["text"] for answer in answers]
        questions = [Question(*pair) for pair in zip(self.sources, texts, strict=True)]
        self.verdicts[model.digest] = self.judge.verdicts(questions)

    def outcomes(self, model: EvaluatedModel) -> Outcomes:
        return outcomes_of(self.verdicts[model.digest])

    def add(self, evidence: Evidence, models: Models) -> None:
        evidence["signatures"][JUDGED] = self.judge.signature()


def outcomes_of(verdicts: list[Verdict]) -> Outcomes:
    return Outcomes(
        by_example={JUDGED: [verdict.supported for verdict in verdicts]},
        shown=[{JUDGED: float(v.supported), "rationale": v.rationale} for v in verdicts],
    )
