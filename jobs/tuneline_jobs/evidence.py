"""From what was observed of the models to the evidence that a gate judges: `domain/evidence.ts`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .answer_scores import score_answers
from .bootstrap import (
    LEVELS,
    Figure,
    Measured,
    difference,
    draw,
    exact,
    figure,
    paired_proportions,
    proportion,
)
from .judged_models import CANDIDATE, JudgedModel
from .metrics import Metric, quality_metrics, signatures, speed_metrics, within
from .observation import Observed
from .slices import Slice, slices_of

Row = dict[str, Any]
Figures = dict[str, Figure]


@dataclass(frozen=True)
class Sample:
    """What is known of one model: resampled, right or wrong for each example, or once for all."""

    measured: dict[str, Measured] = field(default_factory=dict)
    outcomes: dict[str, list[bool]] = field(default_factory=dict)
    known: dict[str, float] = field(default_factory=dict)

    def figures(self, confidence: float) -> Figures:
        found = {name: figure(m, confidence) for name, m in self.measured.items()}
        for name, outcomes in self.outcomes.items():
            found[name] = proportion(sum(outcomes), len(outcomes), confidence)
        return found | {name: exact(value) for name, value in self.known.items()}

    def less(self, reference: Sample, confidence: float) -> Figures:
        """The differences in what both have; both must be of the same examples and resamples."""
        found = {
            name: difference(m, reference.measured[name], confidence)
            for name, m in self.measured.items()
            if name in reference.measured
        }
        for name, outcomes in self.outcomes.items():
            if name in reference.outcomes:
                found[name] = paired_proportions(outcomes, reference.outcomes[name], confidence)
        for name, value in self.known.items():
            if name in reference.known:
                found[name] = exact(value - reference.known[name])
        return found


@dataclass(frozen=True)
class Judged:
    """A model's answers with the scores of each, and the metrics over any of them."""

    answers: list[Row]
    scores: list[dict[str, float]]
    metrics: dict[str, Metric]


def judge(
    spec: dict[str, Any],
    models: dict[str, JudgedModel],
    examples: list[Row],
    observed: dict[str, Observed],
) -> tuple[dict[str, Any], list[Row]]:
    """The evidence, and for each example what every model said and how that scored."""
    references = [example["completion"] for example in examples]
    judged = {
        role: judge_answers(observed[model.digest].answers, references, examples)
        for role, model in models.items()
    }
    wholes = {
        role: whole_sample(spec, model, judged[role], observed[model.digest])
        for role, model in models.items()
    }
    # The candidate's tokens, which are the base's too: what it was tuned from had the same tokenizer.
    lengths = [answer["promptTokens"] for answer in judged[CANDIDATE].answers]
    parts = slices_of(examples, lengths, spec.get("slices", []))
    confidence = spec["confidence"]
    evidence = {
        "schema": 2,
        "dataset": {"digest": spec["dataset"]["digest"], "examples": len(examples)},
        "confidence": confidence,
        "bootstrapSamples": spec["bootstrapSamples"],
        "seed": spec["seed"],
        "signatures": signatures(references),
        "levels": list(LEVELS),
        "models": {
            role: {
                "uri": model.uri,
                "digest": model.digest,
                "metrics": wholes[role].figures(confidence),
            }
            for role, model in models.items()
        },
        "differences": differences(wholes, confidence),
        "slices": [sliced(spec, part, judged) for part in parts],
    }
    return evidence, table_of(examples, judged)


def judge_answers(answers: list[Row], references: list[str], examples: list[Row]) -> Judged:
    sources = [example["prompt"] for example in examples]
    scores = score_answers([answer["text"] for answer in answers], references, sources)
    return Judged(answers, scores, quality_metrics(answers, references, scores))


def whole_sample(
    spec: dict[str, Any], model: JudgedModel, judged: Judged, observed: Observed
) -> Sample:
    """Everything that is known of a model over the whole held-out set."""
    quality = quality_sample(spec, judged, list(range(len(judged.answers))))
    by_request = draw(len(observed.timings), spec["bootstrapSamples"], spec["seed"])
    speed = speed_metrics(observed.timings, spec.get("costPerHour"))
    return Sample(
        quality.measured | {name: Measured(m, by_request) for name, m in speed.items()},
        quality.outcomes,
        {} if model.size_bytes is None else {"modelBytes": model.size_bytes},
    )


def quality_sample(spec: dict[str, Any], judged: Judged, members: list[int]) -> Sample:
    """The quality of a model's answers to these examples, resampled among them alone."""
    places = np.array(members)
    resamples = draw(len(members), spec["bootstrapSamples"], spec["seed"])
    return Sample(
        {name: Measured(within(m, places), resamples) for name, m in judged.metrics.items()},
        {"exactMatch": [judged.scores[member]["exactMatch"] == 1 for member in members]},
    )


def sliced(spec: dict[str, Any], part: Slice, judged: dict[str, Judged]) -> dict[str, Any]:
    """The quality of every model on one part of the examples."""
    samples = {role: quality_sample(spec, model, part.members) for role, model in judged.items()}
    confidence = spec["confidence"]
    return {
        "by": part.by,
        "value": part.value,
        "examples": len(part.members),
        # Rules over slices are about differences: quantiles of the rest would only weigh.
        "models": {
            role: {
                "metrics": {
                    name: {**found, "quantiles": []}
                    for name, found in sample.figures(confidence).items()
                }
            }
            for role, sample in samples.items()
        },
        "differences": differences(samples, confidence),
    }


def differences(samples: dict[str, Sample], confidence: float) -> dict[str, Figures]:
    candidate = samples[CANDIDATE]
    return {
        role: candidate.less(sample, confidence)
        for role, sample in samples.items()
        if role != CANDIDATE
    }


def table_of(examples: list[Row], judged: dict[str, Judged]) -> list[Row]:
    table = []
    for place, example in enumerate(examples):
        row = {key: example[key] for key in ("id", "prompt")}
        row["reference"] = example["completion"]
        for role, model in judged.items():
            answer = model.answers[place]
            said = {"answer": answer["text"], **model.scores[place]}
            row[role] = {**said, "nll": answer["nll"], "tokens": answer["tokens"]}
        table.append(row)
    return table
