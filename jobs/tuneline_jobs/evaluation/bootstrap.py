"""How much a figure would move with other examples, and how surely it lies beyond a bound.

Every figure is a dictionary of one shape, JSON as it is: `point`, `low` and `high` (two-sided, at the
confidence asked), `standardError` (0 only for what is known exactly) and `quantiles`, the confidence
limits at LEVELS, which the gate reads p-values from. Means, ratios and corpus scores are resampled:
expanded percentile intervals (Hesterberg, "What Teachers Should Know About the Bootstrap", 2015), and for
the difference of two systems both on the same resamples (Koehn, "Statistical Significance Tests for
Machine Translation Evaluation", 2004). What is right or wrong for each example needs no resampling:
`proportion` for one system, `paired_proportions` for two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import special
from typing_extensions import NotRequired, TypedDict

from .metrics import Floats, Indices, Metric

# A gate of m rules is held at (1 - confidence) / 2 divided by as much as m: both ends are dense there.
_LOWER = (
    *(1e-5, 2e-5, 5e-5, 1e-4, 2e-4),
    *(0.05 / parts for parts in (200, 100, 64, 50, 40, 32, 24, 20, 16, 14, 12, 10, 8, 6, 5, 4, 3)),
    *(0.025, 0.05, 0.1, 0.25),
)
LEVELS: tuple[float, ...] = (*_LOWER, 0.5, *(1 - level for level in reversed(_LOWER)))

# With fewer resamples beyond a level than this, their order says little of how long the tail is.
RESAMPLES_BEYOND = 10


class McNemar(TypedDict):
    """How many pairs only the candidate, or only the reference, has right, and the exact p-values."""

    candidateOnly: int
    referenceOnly: int
    pCandidateBetter: float
    pTwoSided: float


class Figure(TypedDict):
    """A number with its interval. `quantiles` are at LEVELS, and empty for one example or a slice."""

    point: float
    low: float
    high: float
    standardError: float
    quantiles: list[float]
    mcnemar: NotRequired[McNemar]


class Measured:
    """A metric of one model: over all examples, and over each of the resamples."""

    def __init__(self, metric: Metric, resamples: Indices) -> None:
        self.examples = resamples.shape[1]
        everything = np.arange(self.examples)[None]
        self.point = float(metric(everything)[0])
        self.samples = metric(resamples)


def draw(examples: int, resamples: int, seed: int) -> Indices:
    """Indices of examples drawn with replacement: (resamples, examples)."""
    return np.random.default_rng(seed).integers(0, examples, (resamples, examples))


def figure(measured: Measured, confidence: float) -> Figure:
    """A resampled figure. One example tells nothing of the spread: then there are no quantiles."""
    return _resampled(measured.point, measured.samples, measured.examples, confidence)


def difference(candidate: Measured, reference: Measured, confidence: float) -> Figure:
    """Candidate less reference; both must have been measured on the same resamples."""
    return _resampled(
        candidate.point - reference.point,
        candidate.samples - reference.samples,
        candidate.examples,
        confidence,
    )


def exact(value: float) -> Figure:
    """What no other sample would change, such as the size of a model."""
    return _figure(value, value, value, 0.0, [value] * len(LEVELS))


def proportion(successes: int, trials: int, confidence: float) -> Figure:
    """A share of independent trials, at least one: exact limits (Clopper and Pearson, "The Use of
    Confidence or Fiducial Limits", 1934)."""
    if trials < 1:
        raise ValueError(f"trials: expected at least 1, got {trials}.")

    def limits(levels: Floats) -> Floats:
        # An upper limit counts one success more and one failure less.
        beyond = (levels > 0.5).astype(int)
        one, other = successes + beyond, trials - successes + 1 - beyond
        inside: Floats = special.betaincinv(np.maximum(one, 1), np.maximum(other, 1), levels)
        return np.select([one == 0, other == 0], [0.0, 1.0], inside)

    # One of each kind is added, so that the error is never 0 (Agresti and Coull, "Approximate is
    # Better than Exact for Interval Estimation of Binomial Proportions", 1998).
    share = (successes + 1) / (trials + 2)
    error = float(np.sqrt(share * (1 - share) / (trials + 2)))
    return _from_limits(limits, successes / trials, confidence, error)


def paired_proportions(
    candidate: Sequence[bool], reference: Sequence[bool], confidence: float
) -> Figure:
    """The difference of two shares of the same examples, with `mcnemar`: limits that keep their coverage
    where few pairs or none disagree, which resampling does not (Tango, "Equivalence Test and Confidence
    Interval for the Difference in Proportions for the Paired-Sample Design", 1998)."""
    test = mcnemar(candidate, reference)
    better, worse, pairs = test["candidateOnly"], test["referenceOnly"], len(candidate)

    def limits(levels: Floats) -> Floats:
        # The score falls as the difference grows: the limit is where it crosses the level's own.
        wanted = -special.ndtri(levels)
        low, high = np.full(len(levels), -1.0), np.full(len(levels), 1.0)
        for _ in range(60):
            middle = (low + high) / 2
            above = _tango_score(better, worse, pairs, middle) > wanted
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        return np.asarray((low + high) / 2)

    # Half a pair is added to each of the four kinds, so that the error is never 0 (Agresti and Min,
    # "Simple Improved Confidence Intervals for Comparing Matched Proportions", 2005).
    total = pairs + 2
    error = float(np.sqrt(better + worse + 1 - (better - worse) ** 2 / total) / total)
    found = _from_limits(limits, (better - worse) / pairs, confidence, error)
    return {**found, "mcnemar": test}


def mcnemar(candidate: Sequence[bool], reference: Sequence[bool]) -> McNemar:
    """The exact test over the pairs that disagree: under "no difference" each of them is a fair coin
    (McNemar, "Note on the Sampling Error of the Difference Between Correlated Proportions", 1947)."""
    pairs = list(zip(candidate, reference, strict=True))
    better = sum(bool(c) and not r for c, r in pairs)
    worse = sum(bool(r) and not c for c, r in pairs)
    p_better = float(special.bdtr(worse, better + worse, 0.5))
    p_worse = float(special.bdtr(better, better + worse, 0.5))
    return {
        "candidateOnly": better,
        "referenceOnly": worse,
        "pCandidateBetter": p_better,
        "pTwoSided": min(1.0, 2 * min(p_better, p_worse)),
    }


def _resampled(point: float, samples: Floats, examples: int, confidence: float) -> Figure:
    error = float(np.std(samples))
    if examples < 2:
        return _figure(point, point, point, error, [])

    def limits(levels: Floats) -> Floats:
        # Hesterberg's levels: at these, a percentile of a mean reaches as far as Student's t would.
        scores = np.sqrt(examples / (examples - 1)) * special.stdtrit(examples - 1, levels)
        widened = special.ndtr(scores)
        found, tail = np.quantile(samples, widened), point + scores * error
        scarce = np.minimum(widened, 1 - widened) * len(samples) < RESAMPLES_BEYOND
        further = np.where(levels < 0.5, np.minimum(found, tail), np.maximum(found, tail))
        return np.asarray(np.where(scarce, further, found))

    return _from_limits(limits, point, confidence, error)


def _from_limits(limits: Any, point: float, confidence: float, error: float) -> Figure:
    tail = (1 - confidence) / 2
    low, high = (float(limit) for limit in limits(np.array([tail, 1 - tail])))
    # Six digits: evidence travels through histories, and no decision hangs on the seventh.
    quantiles = [float(f"{limit:.6g}") for limit in limits(np.array(LEVELS))]
    return _figure(point, low, high, error, quantiles)


def _figure(point: float, low: float, high: float, error: float, quantiles: list[float]) -> Figure:
    return {
        "point": point,
        "low": low,
        "high": high,
        "standardError": error,
        "quantiles": quantiles,
    }


def _tango_score(better: int, worse: int, pairs: int, supposed: Floats) -> Floats:
    """The score statistic of "the difference is `supposed`" (Tango 1998)."""
    linear = (2 * pairs - better + worse) * supposed - better - worse
    root = np.sqrt(np.maximum(linear**2 + 8 * pairs * worse * supposed * (1 - supposed), 0))
    only_reference = (root - linear) / (4 * pairs)  # its likeliest share, the difference given
    variance = pairs * (2 * only_reference + supposed * (1 - supposed))
    return (better - worse - pairs * supposed) / np.sqrt(np.maximum(variance, 1e-300))
