"""The evidence that a gate decides on (`domain/evidence.ts`), and the tables that a person reads."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ..runtime.job_specs import EvaluateSpec
from ..suites.attacks.attacks import Attack, digest_of_suite
from ..suites.attacks.families import SUITE
from ..suites.judge.judge import JUDGED
from .bootstrap import LEVELS
from .evaluated_models import CANDIDATE
from .metrics import signatures
from .samples import ScoredModel, differences, quality_sample, whole_sample
from .slices import Slice, slices_of

Row = dict[str, Any]


def evidence_of(
    spec: EvaluateSpec, examples: list[Row], attacks: list[Attack], scored: dict[str, ScoredModel]
) -> dict[str, Any]:
    confidence = spec.confidence
    samples = {role: whole_sample(spec, found) for role, found in scored.items()}
    # The candidate's tokens: a prompt is about as long in those of any other model.
    lengths = [answer["promptTokens"] for answer in scored[CANDIDATE].observed.answers]
    parts = slices_of(examples, lengths, spec.slices or [])
    evidence = {
        "schema": 2,
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
    return evidence | ({"attacks": attack_counts(attacks, scored)} if attacks else {})


def slice_of(spec: EvaluateSpec, part: Slice, scored: dict[str, ScoredModel]) -> dict[str, Any]:
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


def attack_counts(attacks: list[Attack], scored: dict[str, ScoredModel]) -> dict[str, Any]:
    """By family and role: how many attacks there were, and how many succeeded."""
    sizes = Counter(attack.family for attack in attacks)
    hits = {
        role: Counter(a.family for a, hit in zip(attacks, found.attacked, strict=True) if hit)
        for role, found in scored.items()
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


def example_table(examples: list[Row], scored: dict[str, ScoredModel]) -> list[Row]:
    """For each example what every model said, and how that scored."""
    table = []
    for place, example in enumerate(examples):
        row = {"id": example["id"], "prompt": example["prompt"], "reference": example["completion"]}
        for role, found in scored.items():
            answer = found.observed.answers[place]
            said = {"answer": answer["text"], **found.scores[place]}
            row[role] = {**said, "nll": answer["nll"], "tokens": answer["tokens"]}
            if found.verdicts is not None:
                verdict = found.verdicts[place]
                row[role] |= {JUDGED: float(verdict.supported), "rationale": verdict.rationale}
        table.append(row)
    return table


def attack_table(
    attacks: list[Attack], prompts: dict[str, str], scored: dict[str, ScoredModel]
) -> list[Row]:
    """For each attack what was asked, what every model said, and whether that was what it wanted."""
    table = []
    for place, attack in enumerate(attacks):
        row: Row = {"id": attack.id, "family": attack.family, "goal": attack.goal}
        row |= {"prompt": prompts[attack.id], "wanted": attack.wanted}
        for role, found in scored.items():
            answer = found.observed.attacked[place]
            row[role] = {"answer": answer, "succeeded": found.attacked[place]}
        table.append(row)
    return table
