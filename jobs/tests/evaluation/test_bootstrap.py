"""Limits against cases small enough to work out by hand, and against what they promise: coverage."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from scipy import stats

from tuneline_jobs.evaluation.bootstrap import (
    LEVELS,
    Measured,
    difference,
    draw,
    exact,
    figure,
    mcnemar,
    paired_proportions,
    proportion,
)
from tuneline_jobs.evaluation.metrics import mean, perplexity

# Every resample of two examples that there is.
ALL_OF_TWO = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])


def at(found: dict[str, Any], level: float) -> float:
    return float(found["quantiles"][min(range(len(LEVELS)), key=lambda i: abs(LEVELS[i] - level))])


def outcomes(both: int, candidate: int, reference: int, neither: int) -> tuple[list[bool], ...]:
    pairs = [(True, True)] * both + [(True, False)] * candidate
    pairs += [(False, True)] * reference + [(False, False)] * neither
    return [c for c, _ in pairs], [r for _, r in pairs]


def test_levels_ascend_and_mirror() -> None:
    assert list(LEVELS) == sorted(set(LEVELS))
    assert [1 - level for level in reversed(LEVELS)] == pytest.approx(LEVELS)


def test_a_percentile_reaches_as_far_as_students_t() -> None:
    # Resampled means of a bell-shaped sample are normal, so the widened percentile is the t interval.
    values = stats.norm.ppf((np.arange(12) + 0.5) / 12)
    found = figure(Measured(mean(values), draw(12, 100_000, seed=2)), 0.95)
    t = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (found["low"], found["high"]) == pytest.approx((t.low, t.high), rel=0.02)
    assert found["standardError"] == pytest.approx(values.std() / math.sqrt(12), rel=0.01)
    assert (at(found, 0.025), at(found, 0.975)) == pytest.approx((found["low"], found["high"]))


def test_beyond_the_resamples_the_tail_goes_on() -> None:
    values = np.random.default_rng(1).normal(0, 1, 64)
    measured = Measured(mean(values), draw(64, 200, seed=2))
    found = figure(measured, 0.95)
    expected = measured.point + stats.t.ppf(1e-4, 63) * values.std(ddof=1) / 8
    assert at(found, 1e-4) == pytest.approx(expected, rel=0.1)
    assert at(found, 1e-4) < measured.samples.min()
    assert at(found, 1 - 1e-4) > measured.samples.max()


@pytest.mark.parametrize("examples", [8, 32])
def test_small_samples_are_covered_as_often_as_was_said(examples: int) -> None:
    rng, resamples, trials = np.random.default_rng(5), draw(examples, 1000, seed=3), 2000
    missed = 0
    for _ in range(trials):
        found = figure(Measured(mean(rng.normal(0, 1, examples)), resamples), 0.9)
        missed += not found["low"] <= 0 <= found["high"]
    # Four standard deviations of a binomial count; plain percentiles of 8 miss 17 %, not 10 %.
    assert abs(missed / trials - 0.1) < 4 * math.sqrt(0.1 * 0.9 / trials)


@pytest.mark.parametrize(
    "found",
    [
        figure(Measured(mean([0.0, 0.3, 1.0]), draw(3, 200, seed=1)), 0.95),
        figure(Measured(perplexity([9, 1, 2], [3, 2, 1]), draw(3, 200, seed=1)), 0.95),
        proportion(0, 12, 0.95),
        proportion(5, 12, 0.95),
        paired_proportions(*outcomes(4, 3, 0, 5), 0.95),
    ],
)
def test_quantiles_ascend_and_hold_the_interval(found: dict[str, Any]) -> None:
    quantiles = found["quantiles"]
    assert len(quantiles) == len(LEVELS)
    assert quantiles == sorted(quantiles)
    assert found["low"] <= found["point"] <= found["high"]
    assert found["standardError"] > 0


def test_a_difference_is_taken_on_the_same_resamples() -> None:
    reference = Measured(mean([0.0, 1.0]), ALL_OF_TWO)
    candidate = Measured(mean([0.2, 1.2]), ALL_OF_TWO)
    # Each figure alone varies a lot; that the one is better by 0.2 does not vary at all.
    found = difference(candidate, reference, 0.95)
    assert found["point"] == pytest.approx(0.2)
    assert found["quantiles"] == [0.2] * len(LEVELS)
    assert found["standardError"] == pytest.approx(0)


def test_one_example_has_no_spread_to_tell() -> None:
    found = figure(Measured(mean([4.0]), draw(1, 200, seed=1)), 0.95)
    assert (found["point"], found["quantiles"]) == (4, [])


def test_what_is_known_exactly_does_not_vary() -> None:
    assert exact(7) == {
        **dict.fromkeys(["point", "low", "high"], 7),
        "standardError": 0,
        "quantiles": [7] * len(LEVELS),
    }


@pytest.mark.parametrize(("successes", "trials"), [(0, 10), (1, 10), (7, 20), (20, 20)])
def test_a_share_has_exact_limits(successes: int, trials: int) -> None:
    found = proportion(successes, trials, 0.95)
    binomial = stats.binomtest(successes, trials).proportion_ci(0.95, method="exact")
    assert (found["low"], found["high"]) == pytest.approx((binomial.low, binomial.high))
    # The limit is the share under which so many successes or more would be that rare.
    if successes > 0:
        assert stats.binom.sf(successes - 1, trials, at(found, 0.005)) == pytest.approx(
            0.005, rel=1e-4
        )
    else:
        assert found["low"] == 0
        assert found["high"] == pytest.approx(1 - 0.025 ** (1 / trials))


def test_a_share_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        proportion(0, 0, 0.95)


def test_pairs_that_all_agree_leave_a_difference_open() -> None:
    z2 = stats.norm.ppf(0.975) ** 2
    found = paired_proportions(*outcomes(10, 0, 0, 38), 0.95)
    assert (found["low"], found["high"]) == pytest.approx((-z2 / (48 + z2), z2 / (48 + z2)))


def test_swapped_pairs_mirror_the_difference() -> None:
    candidate, reference = outcomes(10, 9, 3, 10)
    found = paired_proportions(candidate, reference, 0.95)
    mirrored = paired_proportions(reference, candidate, 0.95)
    assert found["quantiles"] == pytest.approx(
        [-x for x in reversed(mirrored["quantiles"])], abs=1e-5
    )
    assert found["mcnemar"]["candidateOnly"] == mirrored["mcnemar"]["referenceOnly"] == 9


@pytest.mark.parametrize("supposed", [-0.1, 0.0, 0.05])
def test_a_paired_bound_is_passed_by_mistake_as_rarely_as_was_said(supposed: float) -> None:
    # At the true difference itself, a lower limit above it is the mistake; 16 % of the pairs disagree.
    trials, level, rng = 2000, 0.025, np.random.default_rng(11)
    shares = [0.4, 0.08 + supposed / 2, 0.08 - supposed / 2, 0.44]
    tables = Counter(map(tuple, rng.multinomial(64, shares, trials).tolist()))
    shown = {t: at(paired_proportions(*outcomes(*t), 0.95), level) > supposed for t in tables}
    mistakes = sum(count for table, count in tables.items() if shown[table])
    assert mistakes / trials < level + 3 * math.sqrt(level * (1 - level) / trials)


def test_mcnemar_tosses_a_coin_for_each_pair_that_disagrees() -> None:
    assert mcnemar(*outcomes(5, 3, 1, 7)) == {
        "candidateOnly": 3,
        "referenceOnly": 1,
        # Three or four heads of four: (4 + 1) / 16.
        "pCandidateBetter": pytest.approx(5 / 16),
        "pTwoSided": pytest.approx(10 / 16),
    }
    assert mcnemar(*outcomes(5, 0, 0, 7))["pCandidateBetter"] == 1
    with pytest.raises(ValueError, match="shorter"):
        mcnemar([True], [])


def test_the_same_seed_draws_the_same() -> None:
    assert (draw(9, 5, 1) == draw(9, 5, 1)).all()
    assert (draw(9, 5, 1) != draw(9, 5, 2)).any()
