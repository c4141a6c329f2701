"""What is known of a model over all examples or some, and how one model differs from another."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..data.prepared_dataset import Example
from ..runtime.job_specs import EvaluateSpec
from .answer_scores import score_answers
from .bootstrap import (
    Figure,
    Measured,
    difference,
    draw,
    exact,
    figure,
    paired_proportions,
    proportion,
)
from .evaluated_models import CANDIDATE, EvaluatedModel
from .metrics import Metric, quality_metrics, speed_metrics, within
from .observation import Observed

Row = dict[str, Any]
Figures = dict[str, Figure]


@dataclass(frozen=True)
class Outcomes:
    """What suites found of one model, true or false in each case.

    `by_example` has a value for each held-out example, so that slices have it too; more of them is
    better. `hits` are about cases of the suite's own; more of them is worse. `shown` are fields for
    the table of examples, for each example.
    """

    by_example: dict[str, list[bool]] = field(default_factory=dict)
    hits: dict[str, list[bool]] = field(default_factory=dict)
    shown: list[Row] = field(default_factory=list)


@dataclass(frozen=True)
class ScoredModel:
    """A model, what it did, the scores of its answers, and what each suite found."""

    model: EvaluatedModel
    observed: Observed
    scores: list[dict[str, float]]
    quality: dict[str, Metric]
    outcomes: list[Outcomes]


@dataclass(frozen=True)
class Sample:
    """Metrics of one model: resampled, true or false in each case, or known once for all.

    More `outcomes` that are true are better, and more `hits` are worse.
    """

    measured: dict[str, Measured] = field(default_factory=dict)
    outcomes: dict[str, list[bool]] = field(default_factory=dict)
    hits: dict[str, list[bool]] = field(default_factory=dict)
    known: dict[str, float] = field(default_factory=dict)

    def figures(self, confidence: float) -> Figures:
        found = {name: figure(m, confidence) for name, m in self.measured.items()}
        for name, outcomes in (self.outcomes | self.hits).items():
            found[name] = proportion(sum(outcomes), len(outcomes), confidence)
        return found | {name: exact(value) for name, value in self.known.items()}

    def less(self, reference: Sample, confidence: float) -> Figures:
        """This less the reference, of the same cases and resamples, in what is known of both."""
        found = {
            name: difference(m, reference.measured[name], confidence)
            for name, m in self.measured.items()
        }
        for name, outcomes in self.outcomes.items():
            found[name] = paired_proportions(outcomes, reference.outcomes[name], confidence)
        for name, hits in self.hits.items():
            found[name] = paired_proportions(hits, reference.hits[name], confidence)
            # McNemar's test asks which of the two has more of them, which is no gain here.
            del found[name]["mcnemar"]
        return found | {
            name: exact(value - reference.known[name])
            for name, value in self.known.items()
            if name in reference.known
        }


def score_model(
    model: EvaluatedModel, observed: Observed, examples: list[Example], outcomes: list[Outcomes]
) -> ScoredModel:
    references = [example["completion"] for example in examples]
    sources = [example["prompt"] for example in examples]
    scores = score_answers([answer["text"] for answer in observed.answers], references, sources)
    quality = quality_metrics(observed.answers, references, scores)
    return ScoredModel(model, observed, scores, quality, outcomes)


def whole_sample(spec: EvaluateSpec, scored: ScoredModel) -> Sample:
    """Everything that was measured of a model."""
    quality = quality_sample(spec, scored, list(range(len(scored.scores))))
    timings, size = scored.observed.timings, scored.model.size_bytes
    by_request = draw(len(timings), spec.bootstrap_samples, spec.seed)
    speed = speed_metrics(timings, spec.cost_per_hour)
    return Sample(
        quality.measured | {name: Measured(m, by_request) for name, m in speed.items()},
        quality.outcomes,
        {name: hits for found in scored.outcomes for name, hits in found.hits.items()},
        {} if size is None else {"modelBytes": size},
    )


def quality_sample(spec: EvaluateSpec, scored: ScoredModel, members: list[int]) -> Sample:
    """The quality of a model's answers to these examples, resampled among them alone."""
    places = np.array(members)
    resamples = draw(len(members), spec.bootstrap_samples, spec.seed)
    outcomes = {"exactMatch": [scored.scores[member]["exactMatch"] == 1 for member in members]}
    for found in scored.outcomes:
        for name, values in found.by_example.items():
            outcomes[name] = [values[member] for member in members]
    return Sample(
        {name: Measured(within(m, places), resamples) for name, m in scored.quality.items()},
        outcomes,
    )


def differences(samples: dict[str, Sample], confidence: float) -> dict[str, Figures]:
    """Candidate less each of the other models."""
    candidate = samples[CANDIDATE]
    return {
        role: candidate.less(sample, confidence)
        for role, sample in samples.items()
        if role != CANDIDATE
    }
