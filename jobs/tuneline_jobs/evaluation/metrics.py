"""The metrics of an evaluation, each in a form that can be computed over any resample of examples.

BLEU (Papineni et al., 2002) and chrF (Popović, 2015) are sacrebleu's (Post, "A Call for Clarity in
Reporting BLEU Scores", 2018), over the whole corpus; the scores of single answers are averaged.
Raise METRICS_VERSION when cached generations must be scored again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .answer import Answer, Timing

METRICS_VERSION = 2

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
# From resamples, (resamples, drawn examples), to one value for each of them, (resamples,).
Metric = Callable[[Indices], Floats]


def within(metric: Metric, members: Indices) -> Metric:
    """The metric over some of the examples; resamples then hold places among the members."""
    return lambda indices: metric(members[indices])


def sums(statistics: Floats, indices: Indices) -> Floats:
    """Sums of (examples, k) statistics over the rows of each resample: (resamples, k)."""
    resamples, examples = len(indices), len(statistics)
    places = indices + np.arange(resamples)[:, None] * examples
    counts = np.bincount(places.ravel(), minlength=resamples * examples)
    return counts.reshape(resamples, examples).astype(float) @ statistics


def ratio(numerators: Any, denominators: Any) -> Metric:
    """The ratio of two sums: a mean where the denominators are ones."""
    statistics = np.column_stack([numerators, denominators]).astype(float)

    def measure(indices: Indices) -> Floats:
        totals = sums(statistics, indices)
        return totals[:, 0] / totals[:, 1]

    return measure


def mean(values: Any) -> Metric:
    return ratio(values, np.ones(len(values)))


def perplexity(nll: Any, tokens: Any) -> Metric:
    """exp of the mean negative log-likelihood (nats) of a token."""
    per_token = ratio(nll, tokens)
    return lambda indices: np.exp(per_token(indices))


def percentile(values: Any, percent: float) -> Metric:
    array = np.asarray(values, dtype=float)
    return lambda indices: np.percentile(array[indices], percent, axis=1)


def corpus_score(scorer: Any, hypotheses: list[str], references: list[str]) -> Metric:
    """A sacrebleu metric from the sufficient statistics of each example, summed as it sums them."""
    statistics = np.array(scorer._extract_corpus_statistics(hypotheses, [references]))

    def measure(indices: Indices) -> Floats:
        # Whole counts pass through floats exactly; sacrebleu expects integers.
        totals = sums(statistics, indices).astype(int).tolist()
        return np.array([scorer._compute_score_from_stats(row).score for row in totals])

    return measure


def quality_metrics(
    answers: list[Answer], references: list[str], scores: list[dict[str, float]]
) -> dict[str, Metric]:
    """How good a model's answers are, but for `exactMatch`, which is no mean but a share.

    `scores` are those of each answer, and count by their mean.
    """
    texts = [answer["text"] for answer in answers]
    metrics = {name: corpus_score(s, texts, references) for name, s in corpus_scorers().items()}
    averaged = [name for name in scores[0] if name != "exactMatch"]
    metrics |= {name: mean([row[name] for row in scores]) for name in averaged}
    metrics["perplexity"] = perplexity([a["nll"] for a in answers], [a["tokens"] for a in answers])
    metrics["lengthRatio"] = ratio(
        [len(t.split()) for t in texts], [len(r.split()) for r in references]
    )
    return metrics


def corpus_scorers() -> dict[str, Any]:
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    return {"bleu": BLEU(), "chrf": CHRF()}


def signatures(references: list[str]) -> dict[str, str]:
    """How sacrebleu counted, in its own words, which name the number of references too."""
    scorers = corpus_scorers()
    for scorer in scorers.values():
        scorer.corpus_score(references[:1], [references[:1]])
    return {name: str(scorer.get_signature()) for name, scorer in scorers.items()}


def speed_metrics(timings: list[Timing], cost_per_hour: float | None) -> dict[str, Metric]:
    """How fast single requests were; what they cost, where an hour of the machine has a price."""
    seconds = [timing["seconds"] for timing in timings]
    milliseconds = [1000 * second for second in seconds]
    metrics = {
        "latencyP50Ms": percentile(milliseconds, 50),
        "latencyP95Ms": percentile(milliseconds, 95),
        "tokensPerSecond": ratio([timing["tokens"] for timing in timings], seconds),
    }
    if cost_per_hour is not None:
        metrics["costPer1000Requests"] = mean([1000 * s / 3600 * cost_per_hour for s in seconds])
    return metrics
