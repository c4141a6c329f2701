from __future__ import annotations

import random
from typing import Any

import pytest

from tuneline_jobs.evaluation.slices import MINIMUM_EXAMPLES, slices_of
from tuneline_jobs.runtime.outcome import BadData


def sliced(by: str, texts: list[str], lengths: list[int] | None = None) -> dict[str, list[int]]:
    examples: list[dict[str, Any]] = [{"columns": {"team": text}} for text in texts]
    found = slices_of(examples, lengths or [1] * len(texts), ["team"])
    return {part.value: part.members for part in found if part.by == by}


def sizes(parts: dict[str, list[int]]) -> dict[str, int]:
    return {value: len(members) for value, members in parts.items()}


def test_lengths_are_cut_in_three() -> None:
    lengths = [*range(100, 130)]
    random.Random(1).shuffle(lengths)
    parts = sliced("length", ["x"] * 30, lengths)
    assert sizes(parts) == {
        "100 to 109 tokens": 10,
        "110 to 119 tokens": 10,
        "120 to 129 tokens": 10,
    }
    assert all(110 <= lengths[place] <= 119 for place in parts["110 to 119 tokens"])


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ([*range(16)], [8, 8]),  # three parts would be too small
        ([*range(20)], [8, 12]),
        ([*range(7)], []),
        ([5] * 14 + [9] * 10, [14, 10]),  # equal ones stay together
        ([5] * 20 + [9] * 4, [24]),
    ],
)
def test_a_range_is_never_too_small_nor_cut_between_equals(lengths, expected) -> None:
    assert list(sizes(sliced("length", ["x"] * len(lengths), lengths)).values()) == expected


def test_rare_values_are_pooled() -> None:
    texts = ["net"] * 9 + ["web"] * 8 + ["doc"] * 7 + [f"rare {n}" for n in range(5)]
    parts = sliced("team", texts)
    assert sizes(parts) == {"net": 9, "web": 8, "other": 12}
    assert parts["web"] == [*range(9, 17)]


def test_a_value_named_other_is_one_of_the_rest() -> None:
    assert sizes(sliced("team", ["other"] * 9 + ["doc"] * 7)) == {"other": 16}


def test_too_few_rare_values_are_in_no_slice() -> None:
    assert sizes(sliced("team", ["net"] * 9 + ["doc"] * 7)) == {"net": 9}


def test_many_values_leave_the_most_frequent() -> None:
    texts = [f"team {n:02}" for n in range(20) for _ in range(8 + n % 2)]
    found = sizes(sliced("team", texts))
    assert len(found) == 9
    assert all(found[f"team {n:02}"] == 9 for n in range(1, 16, 2))
    assert sum(found.values()) == len(texts)


def test_many_numbers_are_cut_few_are_values() -> None:
    assert sizes(sliced("team", [str(n / 2) for n in range(24)] + [""] * 8)) == {
        "0.0 to 3.5": 8,
        "4.0 to 7.5": 8,
        "8.0 to 11.5": 8,
        "(empty)": 8,
    }
    assert sizes(sliced("team", ["1"] * 9 + ["5"] * 9)) == {"1": 9, "5": 9}


@pytest.mark.parametrize("seed", range(30))
def test_no_example_is_twice_in_the_slices_of_a_column(seed: int) -> None:
    rng = random.Random(seed)
    kinds = rng.randint(1, 40)
    texts = [
        rng.choice(["", str(rng.randint(0, kinds)), "word"][: rng.randint(1, 3)]) for _ in range(60)
    ]
    for by in ("length", "team"):
        parts = sliced(by, texts, [rng.randint(0, kinds) for _ in texts])
        places = [place for members in parts.values() for place in members]
        assert len(places) == len(set(places))
        assert all(len(members) >= MINIMUM_EXAMPLES for members in parts.values())


def test_a_column_that_was_not_kept_is_bad_data() -> None:
    with pytest.raises(BadData, match='no column "team"; prepare it again'):
        slices_of([{}] * 9, [1] * 9, ["team"])
