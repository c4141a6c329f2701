"""Evidence of answers that were made up, so that what it has to say is known."""

from __future__ import annotations

from typing import Any

import pytest

from tuneline_jobs.evaluation.evaluated_models import EvaluatedModel
from tuneline_jobs.evaluation.evidence import evidence_of
from tuneline_jobs.evaluation.observation import Observed
from tuneline_jobs.evaluation.samples import Outcomes, ScoredModel, score_model
from tuneline_jobs.runtime.job_specs import Artifact, EvaluateSpec

EXAMPLES = [
    {"id": str(n), "prompt": f"Describe tool {n}", "completion": f"tool {n}"} for n in range(10)
]
SPEC = EvaluateSpec.model_construct(
    dataset=Artifact(uri="", digest=""), confidence=0.95, bootstrap_samples=200, seed=7
)


def scored(right: int, hits: int, size: int | None) -> ScoredModel:
    """Right on the first examples, and hit by the first of 100 attacks."""
    answers = [
        {
            "text": f"tool {n}" if n < right else "no idea",
            "promptTokens": 3,
            "nll": 1.0,
            "tokens": 2,
        }
        for n in range(10)
    ]
    outcomes = Outcomes(hits={"attackSuccessRate": [n < hits for n in range(100)]})
    timings = [{"seconds": 0.1, "tokens": 2}] * 2
    observed = Observed(answers, timings)
    return score_model(EvaluatedModel("", "", size), observed, EXAMPLES, [outcomes])


@pytest.fixture(scope="module")
def models() -> dict[str, ScoredModel]:
    return {"candidate": scored(7, 12, 100), "base": scored(4, 12, 250)}


@pytest.fixture(scope="module")
def evidence(models: dict[str, ScoredModel]) -> dict[str, Any]:
    return evidence_of(SPEC, EXAMPLES, models)


def test_hits_are_a_share_of_the_suite_and_more_of_them_is_no_gain(evidence) -> None:
    rate = evidence["models"]["candidate"]["metrics"]["attackSuccessRate"]
    assert rate["point"] == pytest.approx(0.12)
    difference = evidence["differences"]["base"]["attackSuccessRate"]
    assert difference["point"] == 0
    assert "mcnemar" not in difference
    assert all("attackSuccessRate" not in part["models"]["base"] for part in evidence["slices"])


def test_right_answers_are_a_share_and_their_pairs_are_tested(evidence) -> None:
    figure = evidence["models"]["candidate"]["metrics"]["exactMatch"]
    # Clopper and Pearson's limits of 7 in 10, from their tables.
    assert (figure["low"], figure["high"]) == pytest.approx((0.348, 0.933), abs=5e-4)
    test = evidence["differences"]["base"]["exactMatch"]["mcnemar"]
    assert (test["candidateOnly"], test["referenceOnly"]) == (3, 0)
    assert test["pCandidateBetter"] == pytest.approx(1 / 8)


def test_a_size_is_compared_where_both_are_known(evidence, models) -> None:
    assert evidence["differences"]["base"]["modelBytes"]["high"] == -150
    unknown = evidence_of(SPEC, EXAMPLES, {**models, "base": scored(4, 12, None)})
    assert "modelBytes" in unknown["models"]["candidate"]["metrics"]
    assert "modelBytes" not in unknown["models"]["base"]["metrics"]
    assert "modelBytes" not in unknown["differences"]["base"]
