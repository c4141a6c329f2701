"""Confidence intervals by resampling: how much a figure would move with other examples.

Percentile intervals (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13);
for the difference of two systems both are measured on the same resamples (Koehn, "Statistical
Significance Tests for Machine Translation Evaluation", 2004).
"""

from __future__ import annotations

import numpy as np

from .metrics import Floats, Indices, Metric

Interval = dict[str, float]


class Measured:
    """A metric of one model: over all examples, and over each of the resamples."""

    def __init__(self, metric: Metric, resamples: Indices) -> None:
        everything = np.arange(resamples.shape[1])[None]
        self.point = float(metric(everything)[0])
        self.samples = metric(resamples)


def draw(examples: int, resamples: int, seed: int) -> Indices:
    """Indices of examples drawn with replacement: (resamples, examples)."""
    return np.random.default_rng(seed).integers(0, examples, (resamples, examples))


def interval(point: float, samples: Floats, confidence: float) -> Interval:
    tail = (1 - confidence) / 2
    low, high = np.quantile(samples, [tail, 1 - tail])
    return {"point": point, "low": float(low), "high": float(high)}


def difference(candidate: Measured, reference: Measured, confidence: float) -> Interval:
    """Candidate less reference; both must have been measured on the same resamples."""
    return interval(
        candidate.point - reference.point, candidate.samples - reference.samples, confidence
    )
