"""Evidence of evaluations of which the truth is known, for `npm run bench:gate`.

Two models whose scores have one distribution, or the candidate worse by a known loss. A trial draws
examples with replacement from real pairs of scores (scores.json) and swaps each pair by the toss of
a coin: whatever the scores are like, neither model is better. Prints one line of evidence a trial.

The pairs: ROUGE-L and nats of the true synopsis of SmolLM2-135M-Instruct and of the same model after the
example's tune, on 640 held-out rows of examples/data, as `evaluate` measured them.

Run: echo '{"examples": 48, "trials": 10, "loss": 0, "seed": 1}' | python -m bench.gate_trials
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from tuneline_jobs.evaluation.bootstrap import (
    LEVELS,
    Measured,
    difference,
    draw,
    paired_proportions,
)
from tuneline_jobs.evaluation.metrics import Floats, Indices, Metric

CONFIDENCE = 0.95
RESAMPLES = 2000
# Answers are hardly ever the very words of the reference: one as close as this stands for a match.
MATCH = 0.3

Scores = dict[str, Floats]


def run(asked: dict[str, Any]) -> None:
    pool = json.loads((Path(__file__).parent / "scores.json").read_text())
    pairs = {name: np.array(pool[name]) for name in ("rougeL", "nll")}
    tokens = np.array(pool["tokens"])
    rng = np.random.default_rng(asked["seed"])
    for trial in range(asked["trials"]):
        drawn = rng.integers(0, len(tokens), asked["examples"])
        tossed = rng.integers(0, 2, asked["examples"])
        candidate, reference = (
            {name: scores[which, drawn] for name, scores in pairs.items()}
            | {"tokens": tokens[drawn]}
            for which in (tossed, 1 - tossed)
        )
        half = rng.permutation(asked["examples"]) % 2
        print(json.dumps(evidence_of(candidate, reference, half, asked["loss"], trial)))


def evidence_of(
    candidate: Scores, reference: Scores, half: Indices, loss: float, seed: int
) -> dict[str, Any]:
    """Each ROUGE-L of the candidate is lowered by `loss`, so its mean is; all else stays."""
    examples = len(half)
    matched = [(model["rougeL"] >= MATCH).tolist() for model in (candidate, reference)]
    models = (candidate | {"rougeL": candidate["rougeL"] - loss}, reference)
    everything = np.arange(examples)
    differences = {
        "rougeL": compared([mean(model, everything) for model in models], examples, seed),
        "perplexity": compared([perplexity(model) for model in models], examples, seed),
        "exactMatch": paired_proportions(matched[0], matched[1], CONFIDENCE),
    }
    slices = []
    for value in (0, 1):
        (rows,) = np.nonzero(half == value)
        found = compared([mean(model, rows) for model in models], len(rows), seed)
        slices.append(
            {
                "by": "half",
                "value": str(value),
                "examples": len(rows),
                "models": {},
                "differences": {"base": {"rougeL": found}},
            }
        )
    return {
        "schema": 1,
        "dataset": {"digest": "", "examples": examples},
        "confidence": CONFIDENCE,
        "bootstrapSamples": RESAMPLES,
        "seed": seed,
        "signatures": {},
        "levels": LEVELS,
        "models": {},
        "differences": {"base": differences},
        "slices": slices,
    }


def compared(metrics: list[Metric], examples: int, seed: int) -> dict[str, Any]:
    resamples = draw(examples, RESAMPLES, seed)
    candidate, reference = (Measured(metric, resamples) for metric in metrics)
    return difference(candidate, reference, CONFIDENCE)


def mean(model: Scores, rows: Indices) -> Metric:
    scores = model["rougeL"][rows]
    return lambda drawn: np.asarray(scores[drawn].mean(axis=1))


def perplexity(model: Scores) -> Metric:
    nll, tokens = model["nll"], model["tokens"]
    return lambda drawn: np.asarray(np.exp(nll[drawn].sum(axis=1) / tokens[drawn].sum(axis=1)))


if __name__ == "__main__":
    run(json.load(sys.stdin))
