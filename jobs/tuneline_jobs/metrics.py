"""The metrics of an evaluation, each in a form that can be computed over any resample of examples.

BLEU and chrF are sacrebleu's, over the whole corpus; ROUGE is Google's rouge-score with stemming,
averaged over examples. METRICS_VERSION changes whenever a cached generation would be judged anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

METRICS_VERSION = 1

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
# From resamples, (resamples, drawn examples), to one value for each of them, (resamples,).
Metric = Callable[[Indices], Floats]


def sums(statistics: Floats, indices: Indices) -> Floats:
    """Sums of (examples, k) statistics over the rows of each resample: (resamples, k)."""
    weights = np.zeros((len(indices), len(statistics)))
    np.add.at(weights, (np.arange(len(indices))[:, None], indices), 1)
    return weights @ statistics


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
    answers: list[dict[str, Any]], references: list[str]
) -> tuple[dict[str, Metric], list[dict[str, float]], dict[str, str]]:
    """The quality metrics of a model, their values for each example, and sacrebleu's signatures."""
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    texts = [answer["text"] for answer in answers]
    scorers = {"bleu": BLEU(), "chrf": CHRF()}
    metrics = {name: corpus_score(s, texts, references) for name, s in scorers.items()}
    table = rouge_table(texts, references)
    for row, text, reference in zip(table, texts, references, strict=True):
        row["exactMatch"] = float(text == reference.strip())
    metrics |= {name: mean([row[name] for row in table]) for name in table[0]}
    metrics["perplexity"] = perplexity([a["nll"] for a in answers], [a["tokens"] for a in answers])
    metrics["lengthRatio"] = ratio(
        [len(t.split()) for t in texts], [len(r.split()) for r in references]
    )
    signatures = {name: str(scorer.get_signature()) for name, scorer in scorers.items()}
    return metrics, table, signatures


def rouge_table(texts: list[str], references: list[str]) -> list[dict[str, float]]:
    """F-measures of ROUGE-1, ROUGE-2 and ROUGE-L (Lin 2004) for each example."""
    from rouge_score.rouge_scorer import RougeScorer

    names = ["rouge1", "rouge2", "rougeL"]
    scorer = RougeScorer(names, use_stemmer=True)
    scored = [scorer.score(r, t) for r, t in zip(references, texts, strict=True)]
    return [{name: row[name].fmeasure for name in names} for row in scored]


def speed_metrics(timings: list[dict[str, float]]) -> dict[str, Metric]:
    milliseconds = [1000 * timing["seconds"] for timing in timings]
    return {
        "latencyP50Ms": percentile(milliseconds, 50),
        "latencyP95Ms": percentile(milliseconds, 95),
        "tokensPerSecond": ratio(
            [timing["tokens"] for timing in timings], [timing["seconds"] for timing in timings]
        ),
    }
