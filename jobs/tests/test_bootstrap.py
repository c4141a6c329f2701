"""Intervals against cases small enough to work out by hand, and against sacrebleu itself."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from tuneline_jobs.bootstrap import Measured, difference, draw, interval
from tuneline_jobs.metrics import corpus_score, mean, percentile, perplexity, quality_metrics, ratio

# Every resample of two examples that there is.
ALL_OF_TWO = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])


def test_the_interval_of_a_mean_of_two() -> None:
    measured = Measured(mean([0.0, 1.0]), ALL_OF_TWO)
    assert sorted(measured.samples) == [0, 0.5, 0.5, 1]
    # Of four sorted values the quantile q lies at place 3q: a quarter is 0.75 of the way to 0.5.
    assert interval(measured.point, measured.samples, 0.5) == {
        "point": 0.5,
        "low": pytest.approx(0.375),
        "high": pytest.approx(0.625),
    }


def test_a_difference_is_taken_on_the_same_resamples() -> None:
    reference = Measured(mean([0.0, 1.0]), ALL_OF_TWO)
    candidate = Measured(mean([0.2, 1.2]), ALL_OF_TWO)
    # Each figure alone varies a lot; that the one is better by 0.2 does not vary at all.
    found = difference(candidate, reference, 0.95)
    assert found == {name: pytest.approx(0.2) for name in ("point", "low", "high")}


def test_ratios_are_of_sums_not_means_of_ratios() -> None:
    assert Measured(ratio([1, 8], [1, 2]), ALL_OF_TWO).samples.tolist() == [1, 3, 3, 4]


def test_perplexity_weighs_tokens() -> None:
    nll, tokens = [3 * math.log(2), math.log(8)], [3, 1]
    samples = Measured(perplexity(nll, tokens), ALL_OF_TWO).samples
    assert samples == pytest.approx([2, 2**1.5, 2**1.5, 8])


def test_percentiles_are_of_the_drawn() -> None:
    assert Measured(percentile([10, 30], 50), ALL_OF_TWO).samples.tolist() == [10, 20, 20, 30]


@pytest.mark.parametrize("scorer", [BLEU(), CHRF()])
def test_summed_statistics_score_as_the_resampled_corpus_does(scorer) -> None:
    texts = ["a fast parser for data", "the small sound library", "plays chess", "draws graphs"]
    references = ["fast parser of data", "a small sound library", "game of chess", "draws graphs"]
    resamples = draw(4, 20, seed=3)
    samples = corpus_score(scorer, texts, references)(resamples)
    for indices, sample in zip(resamples, samples, strict=True):
        drawn = [texts[i] for i in indices], [[references[i] for i in indices]]
        assert sample == pytest.approx(scorer.corpus_score(*drawn).score)


def test_perfect_answers_have_perfect_scores() -> None:
    texts = ["a fast parser for many kinds of data", "the small sound library for games"]
    answers = [{"text": text, "nll": 0.0, "tokens": 4} for text in texts]
    metrics, table, signatures = quality_metrics(answers, texts)
    points = {name: Measured(metric, ALL_OF_TWO).point for name, metric in metrics.items()}
    assert points == pytest.approx(
        {
            "bleu": 100,
            "chrf": 100,
            "rouge1": 1,
            "rouge2": 1,
            "rougeL": 1,
            "exactMatch": 1,
            "perplexity": 1,
            "lengthRatio": 1,
        }
    )
    assert table[0]["exactMatch"] == 1
    assert "tok:13a" in signatures["bleu"]


def test_the_same_seed_draws_the_same() -> None:
    assert (draw(9, 5, 1) == draw(9, 5, 1)).all()
    assert (draw(9, 5, 1) != draw(9, 5, 2)).any()
