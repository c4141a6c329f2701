from __future__ import annotations

import math

import numpy as np
import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from tuneline_jobs.evaluation.answer_scores import score_answers
from tuneline_jobs.evaluation.bootstrap import draw
from tuneline_jobs.evaluation.metrics import (
    corpus_score,
    mean,
    percentile,
    perplexity,
    quality_metrics,
    ratio,
    signatures,
    speed_metrics,
    within,
)

# Every resample of two examples that there is.
ALL_OF_TWO = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
BOTH = ALL_OF_TWO[1:2]


def test_ratios_are_of_sums_not_means_of_ratios() -> None:
    assert ratio([1, 8], [1, 2])(ALL_OF_TWO).tolist() == [1, 3, 3, 4]


def test_perplexity_weighs_tokens() -> None:
    metric = perplexity([3 * math.log(2), math.log(8)], [3, 1])
    assert metric(ALL_OF_TWO) == pytest.approx([2, 2**1.5, 2**1.5, 8])


def test_percentiles_are_of_the_drawn() -> None:
    assert percentile([10, 30], 50)(ALL_OF_TWO).tolist() == [10, 20, 20, 30]


def test_a_metric_within_some_examples_draws_among_them() -> None:
    members = np.array([3, 1])
    assert within(mean([9, 1, 9, 2]), members)(ALL_OF_TWO).tolist() == [2, 1.5, 1.5, 1]


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
    metrics = quality_metrics(answers, texts, score_answers(texts, texts, texts))
    one = ("rouge1", "rouge2", "rougeL", "rougeLsum", "tokenF1", "groundedness")
    assert {name: metric(BOTH)[0] for name, metric in metrics.items()} == pytest.approx(
        {"bleu": 100, "chrf": 100, "perplexity": 1, "lengthRatio": 1, "repetition": 0}
        | dict.fromkeys(one, 1)
    )


def test_sacrebleu_says_how_it_counted() -> None:
    assert "nrefs:1" in signatures(["a parser"])["bleu"]
    assert "tok:13a" in signatures(["a parser"])["bleu"]


def test_speed_and_cost_of_single_requests() -> None:
    timings = [{"seconds": 1.0, "tokens": 10}, {"seconds": 3.0, "tokens": 10}]
    # A thousand requests take 1000, 2000 and 3000 s; at 36 an hour a second costs 0.01.
    assert speed_metrics(timings, 36)["costPer1000Requests"](ALL_OF_TWO).tolist() == [
        10,
        20,
        20,
        30,
    ]
    found = speed_metrics(timings, None)
    assert set(found) == {"latencyP50Ms", "latencyP95Ms", "tokensPerSecond"}
    assert found["latencyP50Ms"](BOTH) == 2000
    assert found["tokensPerSecond"](BOTH) == 5
