"""The evidence that a gate decides on (`domain/gate/evidence.ts`), and the tables that a person reads."""

from __future__ import annotations

from typing import Any

from typing_extensions import NotRequired, TypedDict

from ..data.prepared_dataset import Example
from ..runtime.job_specs import EvaluateSpec
from .bootstrap import LEVELS
from .evaluated_models import CANDIDATE
from .metrics import signatures
from .samples import Figures, ScoredModel, differences, quality_sample, whole_sample
from .slices import Slice, slices_of

Row = dict[str, Any]


class DatasetFacts(TypedDict):
    digest: str
    examples: int


class ModelEvidence(TypedDict):
    uri: str
    digest: str
    metrics: Figures


class SliceModel(TypedDict):
    metrics: Figures


class SliceEvidence(TypedDict):
    """The examples whose `by` is `value`. Models and differences are by role, as in Evidence."""

    by: str
    value: str
    examples: int
    models: dict[str, SliceModel]
    differences: dict[str, Figures]


class Evidence(TypedDict):
    """`models` are by role, and `differences` are the candidate less each other role.

    Suites add `directions` (whether a "higher" or a "lower" figure is better) and `attacks`.
    """

    schema: int
    dataset: DatasetFacts
    confidence: float
    bootstrapSamples: int
    seed: int
    signatures: dict[str, str]
    levels: list[float]
    models: dict[str, ModelEvidence]
    differences: dict[str, Figures]
    slices: list[SliceEvidence]
    directions: NotRequired[dict[str, str]]
    attacks: NotRequired[dict[str, Any]]


def evidence_of(
    spec: EvaluateSpec, examples: list[Example], scored: dict[str, ScoredModel]
) -> Evidence:
    confidence = spec.confidence
    samples = {role: whole_sample(spec, found) for role, found in scored.items()}
    # The candidate's tokens: a prompt is about as long in those of any other model.
    lengths = [answer["promptTokens"] for answer in scored[CANDIDATE].observed.answers]
    parts = slices_of(examples, lengths, spec.slices or [])
    return {
        "schema": 1,
        "dataset": {"digest": spec.dataset.digest, "examples": len(examples)},
        "confidence": confidence,
        "bootstrapSamples": spec.bootstrap_samples,
        "seed": spec.seed,
        "signatures": signatures([example["completion"] for example in examples]),
        "levels": list(LEVELS),
        "models": {
            role: {
                "uri": scored[role].model.uri,
                "digest": scored[role].model.digest,
                "metrics": sample.figures(confidence),
            }
            for role, sample in samples.items()
        },
        "differences": differences(samples, confidence),
        "slices": [slice_of(spec, part, scored) for part in parts],
    }


def slice_of(spec: EvaluateSpec, part: Slice, scored: dict[str, ScoredModel]) -> SliceEvidence:
    """The quality of every model on one part of the examples."""
    confidence = spec.confidence
    samples = {role: quality_sample(spec, found, part.members) for role, found in scored.items()}
    figures = {role: sample.figures(confidence) for role, sample in samples.items()}
    for found in figures.values():
        # Rules over slices are about differences; these would only weigh, a hundred times over.
        found.update({name: {**figure, "quantiles": []} for name, figure in found.items()})
    return {
        "by": part.by,
        "value": part.value,
        "examples": len(part.members),
        "models": {role: {"metrics": found} for role, found in figures.items()},
        "differences": differences(samples, confidence),
    }


def example_table(examples: list[Example], scored: dict[str, ScoredModel]) -> list[Row]:
    """For each example what every model said, and how that scored."""
    table = []
    for place, example in enumerate(examples):
        row: Row = {
            "id": example["id"],
            "prompt": example["prompt"],
            "reference": example["completion"],
        }
        for role, found in scored.items():
            answer = found.observed.answers[place]
            said = {"answer": answer["text"], **found.scores[place]}
            row[role] = {**said, "nll": answer["nll"], "tokens": answer["tokens"]}
            for outcomes in found.outcomes:
                row[role] |= outcomes.shown[place] if outcomes.shown else {}
        table.append(row)
    return table
