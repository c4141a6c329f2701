"""Scores that a suite gives a model case by case, and what they say of it: figures like all others."""

from __future__ import annotations

from ..evaluation.bootstrap import (
    Figure,
    Measured,
    difference,
    draw,
    figure,
    paired_proportions,
    proportion,
)
from ..evaluation.evidence import Evidence
from ..evaluation.metrics import mean
from ..runtime.job_specs import EvaluateSpec

# By the name of a figure, `SUITE/…`: what each case scored, under a name that it has for every model.
Cases = dict[str, float]
Scores = dict[str, Cases]
# Whether a "higher" or a "lower" mean is better. Of a figure that is not in it nobody knows.
Directions = dict[str, str]

CANDIDATE = "candidate"


def add_suites(
    evidence: Evidence, spec: EvaluateSpec, scores: dict[str, Scores], known: Directions
) -> None:
    """Put the figures of every role, and how the candidate differs, into the evidence of a gate.

    Differences are paired, so there are none where two models did not have the same cases.
    """
    for role, found in scores.items():
        figures = {name: figure_of(spec, cases) for name, cases in found.items()}
        evidence["models"][role]["metrics"].update(figures)
        if role != CANDIDATE:
            less = differences(spec, scores[CANDIDATE], found, known)
            evidence["differences"][role].update(less)
    evidence["directions"] = evidence.get("directions", {}) | dict(sorted(known.items()))


def figure_of(spec: EvaluateSpec, cases: Cases) -> Figure:
    values = list(cases.values())
    if right_or_wrong(values):
        return proportion(round(sum(values)), len(values), spec.confidence)
    return figure(measured(spec, values), spec.confidence)


def differences(
    spec: EvaluateSpec, candidate: Scores, reference: Scores, known: Directions
) -> dict[str, Figure]:
    paired = [
        name for name in candidate if candidate[name].keys() == reference.get(name, {}).keys()
    ]
    found = {name: difference_of(spec, candidate[name], reference[name]) for name in paired}
    for name in paired:
        # The test asks which of the two has more of them, which is a gain only where more is better.
        if known.get(name) != "higher":
            found[name].pop("mcnemar", None)
    return found


def difference_of(spec: EvaluateSpec, candidate: Cases, reference: Cases) -> Figure:
    pairs = [(candidate[case], reference[case]) for case in candidate]
    ours, theirs = ([float(value) for value in column] for column in zip(*pairs, strict=True))
    if right_or_wrong(ours + theirs):
        return paired_proportions([v == 1 for v in ours], [v == 1 for v in theirs], spec.confidence)
    return difference(measured(spec, ours), measured(spec, theirs), spec.confidence)


def measured(spec: EvaluateSpec, values: list[float]) -> Measured:
    return Measured(mean(values), draw(len(values), spec.bootstrap_samples, spec.seed))


def right_or_wrong(values: list[float]) -> bool:
    """Shares have exact limits; resampling would take one that is 0 or 1 for certain."""
    return set(values) <= {0.0, 1.0}
