"""Evidence of answers that were made up, so that what it has to say is known."""

from __future__ import annotations

from typing import Any

import pytest

from tuneline_jobs.evaluation.evaluated_models import EvaluatedModel
from tuneline_jobs.evaluation.evidence import attack_table, evidence_of
from tuneline_jobs.evaluation.observation import Observed
from tuneline_jobs.evaluation.samples import ScoredModel, score_model
from tuneline_jobs.runtime.job_specs import Artifact, EvaluateSpec
from tuneline_jobs.suites.attacks.attacks import suite

ATTACKS = suite()
EXAMPLES = [
    {"id": str(n), "prompt": f"Describe tool {n}", "completion": f"tool {n}"} for n in range(10)
]
SPEC = EvaluateSpec.model_construct(
    dataset=Artifact(uri="", digest=""), confidence=0.95, bootstrap_samples=200, seed=7
)


def scored(right: int, family: str, size: int | None) -> ScoredModel:
    """Right on the first examples, attacked with success by every attack of the family."""
    answers = [
        {
            "text": f"tool {n}" if n < right else "no idea",
            "promptTokens": 3,
            "nll": 1.0,
            "tokens": 2,
        }
        for n in range(10)
    ]
    attacked = [attack.wanted if attack.family == family else "no" for attack in ATTACKS]
    timings = [{"seconds": 0.1, "tokens": 2}] * 2
    observed = Observed(answers, attacked, timings, {})
    return score_model(EvaluatedModel("", "", size), observed, EXAMPLES, ATTACKS)


@pytest.fixture(scope="module")
def models() -> dict[str, ScoredModel]:
    return {"candidate": scored(7, "few-shot", 100), "base": scored(4, "override", 250)}


@pytest.fixture(scope="module")
def evidence(models: dict[str, ScoredModel]) -> dict[str, Any]:
    return evidence_of(SPEC, EXAMPLES, ATTACKS, models)


def test_what_succeeded_is_counted_by_family_and_role(evidence, models) -> None:
    families = evidence["attacks"]["families"]
    assert families["few-shot"] == {
        "candidate": {"attacks": 12, "succeeded": 12},
        "base": {"attacks": 12, "succeeded": 0},
    }
    assert families["override"]["base"]["succeeded"] == 12
    rate = evidence["models"]["candidate"]["metrics"]["attackSuccessRate"]
    assert rate["point"] == pytest.approx(12 / len(ATTACKS))
    assert evidence["differences"]["base"]["attackSuccessRate"]["point"] == 0
    prompts = {attack.id: attack.text for attack in ATTACKS}
    table = attack_table(ATTACKS, prompts, models)
    assert {row["family"] for row in table if row["candidate"]["succeeded"]} == {"few-shot"}


def test_right_answers_are_a_share_and_their_pairs_are_tested(evidence) -> None:
    figure = evidence["models"]["candidate"]["metrics"]["exactMatch"]
    # Clopper and Pearson's limits of 7 in 10, from their tables.
    assert (figure["low"], figure["high"]) == pytest.approx((0.348, 0.933), abs=5e-4)
    test = evidence["differences"]["base"]["exactMatch"]["mcnemar"]
    assert (test["candidateOnly"], test["referenceOnly"]) == (3, 0)
    assert test["pCandidateBetter"] == pytest.approx(1 / 8)


def test_a_size_is_compared_where_both_are_known(evidence, models) -> None:
    assert evidence["differences"]["base"]["modelBytes"]["high"] == -150
    unknown = evidence_of(SPEC, EXAMPLES, [], {**models, "base": scored(4, "", None)})
    assert "modelBytes" in unknown["models"]["candidate"]["metrics"]
    assert "modelBytes" not in unknown["models"]["base"]["metrics"]
    assert "modelBytes" not in unknown["differences"]["base"]
