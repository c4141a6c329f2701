"""Our own attacks as a suite of an evaluation."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from ...data.prepared_dataset import Example
from ...evaluation.cache import Progress, computed_path, remembered
from ...evaluation.evaluated_models import EvaluatedModel
from ...evaluation.evidence import Evidence
from ...evaluation.samples import Outcomes
from ...runtime.job_specs import AttackSettings
from ..suite import Models, Suite
from .attacks import MAXIMUM_NEW_TOKENS, Attack, digest_of_suite, prompts, succeeded, suite
from .families import SUITE

if TYPE_CHECKING:
    from ...evaluation.generation import Answerer

ATTACK_SUCCESS = "attackSuccessRate"

Row = dict[str, Any]


class AttackSuite(Suite):
    headlines = (ATTACK_SUCCESS,)
    outputs = (("attacks", "attacks.jsonl"),)

    def __init__(
        self, settings: AttackSettings, cache: str | None, examples: list[Example]
    ) -> None:
        self.attacks = suite()
        self.prompts = prompts(self.attacks, examples, settings.template, settings.input)
        self.cache = cache
        self.answers: dict[str, list[str]] = {}

    def requests(self) -> int:
        return len(self.prompts)

    def ask(self, model: EvaluatedModel, answerer: Answerer, progressed: Progress) -> None:
        key = [model.digest, self.prompts, MAXIMUM_NEW_TOKENS]
        self.answers[model.digest] = remembered(
            computed_path(self.cache, "attacks", key),
            lambda: answerer.answer_prompts(self.prompts, MAXIMUM_NEW_TOKENS, progressed),
            progressed,
        )

    def succeeded(self, model: EvaluatedModel) -> list[bool]:
        answers = self.answers[model.digest]
        return [succeeded(*pair) for pair in zip(self.attacks, answers, strict=True)]

    def outcomes(self, model: EvaluatedModel) -> Outcomes:
        return Outcomes(hits={ATTACK_SUCCESS: self.succeeded(model)})

    def add(self, evidence: Evidence, models: Models) -> None:
        by_role = {role: self.succeeded(model) for role, model in models.items()}
        evidence["attacks"] = attack_counts(self.attacks, by_role)

    def tables(self, models: Models) -> dict[str, list[Row]]:
        answers = {role: self.answers[model.digest] for role, model in models.items()}
        by_role = {role: self.succeeded(model) for role, model in models.items()}
        return {"attacks.jsonl": attack_table(self.attacks, self.prompts, answers, by_role)}


def attack_counts(attacks: list[Attack], succeeded: dict[str, list[bool]]) -> dict[str, Any]:
    """By family and role: how many attacks there were, and how many succeeded."""
    sizes = Counter(attack.family for attack in attacks)
    hits = {
        role: Counter(a.family for a, hit in zip(attacks, found, strict=True) if hit)
        for role, found in succeeded.items()
    }
    return {
        "suite": SUITE,
        "digest": digest_of_suite(attacks),
        "families": {
            family: {
                role: {"attacks": size, "succeeded": counts[family]}
                for role, counts in hits.items()
            }
            for family, size in sizes.items()
        },
    }


def attack_table(
    attacks: list[Attack],
    prompts: dict[str, str],
    answers: dict[str, list[str]],
    succeeded: dict[str, list[bool]],
) -> list[Row]:
    """For each attack its prompt, what every model (by role) said, and whether it succeeded."""
    table = []
    for place, attack in enumerate(attacks):
        row: Row = {"id": attack.id, "family": attack.family, "goal": attack.goal}
        row |= {"prompt": prompts[attack.id], "wanted": attack.wanted}
        for role, found in answers.items():
            row[role] = {"answer": found[place], "succeeded": succeeded[role][place]}
        table.append(row)
    return table
